"""R8: `?fields=` picks, `?expand=` embeds, and every thing has an id that says what it is."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls.converters import get_converters

from apps.api import ids
from apps.builds.models import Build
from apps.checks.models import Finding, Screening, Severity
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.actions import reject
from apps.skills.models import ModelLine
from tests.api.calling import Caller
from tests.people import a_contribution, somebody


def decided(line: ModelLine) -> Contribution:
    """A rejected contribution with one finding."""
    contribution = a_contribution(line, stage=Stage.IN_REVIEW)
    screening = Screening.objects.create(
        contribution=contribution, revision=1, digest=contribution.digest, seconds=0.1
    )
    Finding.objects.create(
        screening=screening,
        screen="duplicates",
        severity=Severity.QUARANTINE,
        rows=[0],
        message="a copy",
    )
    # What the screens held back takes two voices.
    for _ in range(2):
        reject(contribution, by=somebody("reviewer"), digest=contribution.digest, because="copied")
    return contribution


def test_fields_picks_from_one_and_from_each_of_many(line: ModelLine, stranger: Caller) -> None:
    number = a_contribution(line).pk

    one = stranger.get(f"contributions/{number}", fields="number,title").json()
    many = stranger.get("contributions", fields=" number , title ").json()

    assert one == {"number": number, "title": "Some rows"}
    assert many == {"items": [one], "next": None, "prev": None}


def test_a_field_that_is_not_there_is_refused_with_those_that_are(
    line: ModelLine, stranger: Caller
) -> None:
    number = a_contribution(line).pk

    answer = stranger.get(f"contributions/{number}", fields="number,password")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert "“password”" in answer.json()["detail"]
    assert "acts_next" in answer.json()["detail"]


def test_expand_puts_the_thing_where_its_name_stood(line: ModelLine, stranger: Caller) -> None:
    contribution = decided(line)
    asked = {"expand": "author,checks,decisions"}

    one = stranger.get(f"contributions/{contribution.pk}", **asked).json()
    item = stranger.get("contributions", **asked).json()["items"][0]

    for shown in (one, item):
        assert shown["author"]["name"] == contribution.author.username
        assert shown["author"]["role"] == "contributor"
        assert [found["screen"] for found in shown["checks"]] == ["duplicates"]
        assert [taken["verdict"] for taken in shown["decisions"]] == ["reject"]


def test_an_email_is_never_embedded(line: ModelLine, stranger: Caller) -> None:
    contribution = a_contribution(line)
    contribution.author.email = "somebody@example.org"
    contribution.author.save()

    page = stranger.get(f"contributions/{contribution.pk}", expand="author")

    assert "example.org" not in page.content.decode()


def test_embedding_asks_as_often_for_many_as_for_one(line: ModelLine, stranger: Caller) -> None:
    counts = []
    for _ in range(2):
        decided(line)
        decided(line)
        with CaptureQueriesContext(connection) as asked:
            stranger.get("contributions", expand="author,checks,decisions")
        counts.append(len(asked))

    assert counts[0] == counts[1] <= 4


def test_what_cannot_be_embedded_is_refused(line: ModelLine, stranger: Caller) -> None:
    answer = stranger.get("contributions", expand="author,rows")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert "author, checks, decisions" in answer.json()["detail"]


def test_no_two_kinds_share_a_prefix() -> None:
    assert len(set(ids.PREFIXES.values())) == len(ids.PREFIXES)


def test_every_resource_shows_its_id_beside_its_number(
    line: ModelLine, ada: Caller, stranger: Caller
) -> None:
    contribution = decided(line)
    build = Build.objects.create(line=line)
    ada.post(f"contributions/{contribution.pk}/comments", {"text": "Why?"})

    page = stranger.get(f"contributions/{contribution.pk}").json()
    shown: list[tuple[str, dict[str, Any]]] = [
        ("pr", page),
        ("finding", page["findings"][0]),
        ("decision", page["decisions"][0]),
        ("comment", page["comments"][0]),
        ("build", stranger.get(f"builds/{build.pk}").json()),
        ("evt", stranger.get("events").json()["items"][0]),
        ("token", ada.get("tokens").json()["items"][0]),
    ]

    for prefix, one in shown:
        assert one["id"] == f"{prefix}_{one['number']}"


def test_addresses_and_bodies_take_number_and_id_alike(
    line: ModelLine, ada: Caller, stranger: Caller
) -> None:
    contribution, build = a_contribution(line, by=ada.account), Build.objects.create(line=line)

    for end in ("", "/rows", "/life", "/comments"):
        by_number = stranger.get(f"contributions/{contribution.pk}{end}").json()
        by_id = stranger.get(f"contributions/pr_{contribution.pk}{end}").json()
        assert by_number == by_id
    assert stranger.get(f"builds/build_{build.pk}").json()["number"] == build.pk
    assert ada.post(f"contributions/pr_{contribution.pk}/withdraw", {}).status_code == 200
    events = stranger.get("events", id=f"pr_{contribution.pk}").json()["items"]
    assert {event["subject"]["kind"] for event in events} == {"contributions.contribution"}


@pytest.mark.parametrize("path", ["contributions/build_1", "builds/pr_1", "contributions/pr_"])
def test_the_id_of_another_kind_leads_nowhere(line: ModelLine, stranger: Caller, path: str) -> None:
    assert stranger.get(path).status_code == 404


@pytest.mark.parametrize("given", ["pr_1x", "tr_-1", "1e3", "x_1", "٣"])
def test_an_id_that_is_none_is_refused(stranger: Caller, given: str) -> None:
    assert stranger.get("events", id=given).json()["code"] == "bad_parameter"


def test_every_address_with_a_number_knows_its_prefix() -> None:
    assert {"pr", "build", "rollout", "token"} <= set(get_converters())
