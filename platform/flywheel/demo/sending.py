"""How offers travel: by bulk REST as NDJSON, or by the web form as a person fills it in."""

from __future__ import annotations

from flywheel.demo.client import DemoFailed, Person, Visitor
from flywheel.demo.offers import Offer


def send(author: Person, offer: Offer) -> int:
    """Send one PR through the bulk API; returns its number."""
    header = offer.header(batch=f"{offer.title} {offer.rows[0]['prompt']}"[:80])
    answer = author.post_lines("contributions/bulk", ({**header, **row} for row in offer.rows))
    number: int | None = answer["contributions"][0]["number"]
    if number is None:
        raise DemoFailed(f"“{offer.title}” was not stored: {answer['rows'][:1]}")
    return number


def send_by_form(author: Person, offer: Offer) -> int:
    """Sign in and fill in the form of the site; returns the PR's number."""
    visitor = Visitor(author.url)
    visitor.fill_in("/sign-in", login=author.name, password=author.password)
    response = visitor.fill_in("/submit?kind=correction", **offer.as_form())
    return int(response.url.path.rstrip("/").rpartition("/")[2])
