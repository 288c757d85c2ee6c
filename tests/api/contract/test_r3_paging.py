"""R3: opaque cursors both ways, RFC 8288 links, stable while rows come, and nothing is counted."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.contributions.models import Contribution
from apps.skills.models import ModelLine
from tests.api.calling import Caller
from tests.people import a_contribution

LISTS = ["contributions", "builds", "rollouts", "events"]


def numbers(page: dict[str, list[dict[str, int]]]) -> list[int]:
    return [item["number"] for item in page["items"]]


def follow(caller: Caller, link: str) -> dict:
    return caller.get(link.split("/api/v1/")[1]).json()


def test_pages_forward_and_back_show_the_same_while_new_ones_come(
    line: ModelLine, stranger: Caller
) -> None:
    there = [a_contribution(line).pk for _ in range(7)][::-1]

    first = stranger.get("contributions", limit=3).json()
    a_contribution(line)
    second = follow(stranger, first["next"])
    a_contribution(line)
    third = follow(stranger, second["next"])
    back = follow(stranger, third["prev"])

    assert [numbers(page) for page in (first, second, third)] == [there[:3], there[3:6], there[6:]]
    assert numbers(back) == numbers(second)
    assert third["next"] is None


def test_links_stand_in_the_header_as_in_the_body(line: ModelLine, stranger: Caller) -> None:
    for _ in range(5):
        a_contribution(line)

    middle = follow_raw(stranger, stranger.get("contributions", limit=2).json()["next"])

    links = {rel: link for link, rel in re.findall(r'<([^>]+)>; rel="(\w+)"', middle["Link"])}
    assert links == {"next": middle.json()["next"], "prev": middle.json()["prev"]}


def follow_raw(caller: Caller, link: str):
    return caller.get(link.split("/api/v1/")[1])


@pytest.mark.parametrize("limit", ["0", "201", "-1", "1e2", "many", ""])
def test_a_limit_beyond_two_hundred_or_below_one_is_refused(stranger: Caller, limit: str) -> None:
    answer = stranger.get("contributions", limit=limit)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")


def test_two_hundred_fit_on_a_page(line: ModelLine, stranger: Caller) -> None:
    author = a_contribution(line).author
    fields = {"line": line, "author": author, "kind": "dataset", "stage": "submitted"}
    fields |= {"licence": "CC0-1.0", "consent": "train"}
    Contribution.objects.bulk_create(Contribution(**fields) for _ in range(202))

    page = stranger.get("contributions", limit=200).json()

    assert len(page["items"]) == 200
    assert page["next"]


@pytest.mark.parametrize("address", LISTS)
def test_no_list_counts_what_it_does_not_show(
    line: ModelLine, stranger: Caller, address: str
) -> None:
    for _ in range(3):
        a_contribution(line)

    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert stranger.get(address, limit=2).status_code == 200

    assert not [query["sql"] for query in asked if "COUNT(" in query["sql"].upper()]
    assert not [query["sql"] for query in asked if "OFFSET" in query["sql"].upper()]
