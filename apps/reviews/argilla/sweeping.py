"""Asking Argilla for responses that no webhook has brought.

A webhook is tried four times within five minutes and then forgotten, and a queue in Redis can be
lost whole; so what it brings is only quicker, and the sweep is what makes it certain.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.utils import timezone

from apps.reviews.argilla import form
from apps.reviews.argilla.calling import connected, get, search
from apps.reviews.argilla.counting import take_in
from apps.reviews.argilla.errors import ArgillaAway
from apps.reviews.argilla.models import Board, Person
from apps.reviews.argilla.pushing import later, well
from apps.reviews.argilla.responses import Given, of_listing

if TYPE_CHECKING:
    import argilla

PAGE = 500
EVERY = timedelta(seconds=60)
ANSWERED = {
    "filters": {
        "type": "and",
        "and": [
            {
                "type": "terms",
                "scope": {"entity": "response", "property": "status"},
                "values": ["submitted", "discarded"],
            },
            {
                "type": "terms",
                "scope": {"entity": "metadata", "metadata_property": "state"},
                "values": [form.OPEN],
            },
        ],
    }
}


def sweep(board: Board, *, whole: bool = False) -> int:
    """Take in what the board's open records have been answered; how many versions were new.

    `whole` reads every record from Argilla's database, whatever its search index holds.
    """
    if board.dataset is None:
        return 0
    try:
        with connected() as client:
            names = _names(client)
            pages = _every_record if whole else _answered_records
            new = sum(take_in(page, by="sweep") for page in _given(pages(client, board), names))
    except ArgillaAway as away:
        later(board, str(away))
        return 0
    now = timezone.now()
    if board.tries:
        well(board)
    Board.objects.filter(pk=board.pk).update(swept_at=now, next_sweep_at=now + EVERY)
    return new


def _given(pages: Iterator[list[Any]], names: dict[UUID, str]) -> Iterator[list[Given]]:
    for page in pages:
        yield [given for record in page for given in of_listing(record, names)]


def _answered_records(client: argilla.Argilla, board: Board) -> Iterator[list[Any]]:
    path = f"datasets/{board.dataset}/records/search"
    for start in range(0, 1_000_000, PAGE):
        found = search(client, path, ANSWERED, offset=start, limit=PAGE, include="responses")
        yield [item["record"] for item in found["items"]]
        if len(found["items"]) < PAGE:
            return


def _every_record(client: argilla.Argilla, board: Board) -> Iterator[list[Any]]:
    path = f"datasets/{board.dataset}/records"
    for start in range(0, 10_000_000, PAGE):
        found = get(client, path, offset=start, limit=PAGE, include="responses")
        yield found["items"]
        if len(found["items"]) < PAGE:
            return


def _names(client: argilla.Argilla) -> dict[UUID, str]:
    """The names of Argilla's users; without the right to list them, those that we know."""
    from argilla._exceptions import ForbiddenError

    try:
        return {UUID(str(user.id)): user.username for user in client.api.users.list()}
    except ForbiddenError:
        return dict(Person.objects.values_list("user", "name"))
