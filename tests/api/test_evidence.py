"""Evidence as data: to whom its answers are told, and how it says that there is none."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from tests.pages.world import World, peopled

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return peopled()


def test_evidence_is_told_with_its_counts_and_called_a_preview(world: World):
    pr = world.prs[Stage.IN_REVIEW]

    told = Client().get(f"/api/v1/contributions/pr_{pr.pk}/evidence").json()

    assert (told["preview"], told["state"], told["current"]) == (True, "measured", True)
    counts = {name: told[name] for name in ("asked", "failing", "fixed", "cases", "broken")}
    assert counts == {"asked": 4, "failing": 3, "fixed": 2, "cases": 40, "broken": 1}
    assert [row["live"]["right"] for row in told["rows"]] == [False, False, True, False]
    assert told["kept"][0]["expected"] == "1, 2, 3"


def test_answers_to_quarantined_rows_are_told_to_those_who_may_read_the_rows(world: World):
    pr = world.prs[Stage.IN_REVIEW]
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.QUARANTINED)
    reviewer, author = Client(), Client()
    reviewer.force_login(world.reviewer)
    author.force_login(world.author)

    seen = [
        len(who.get(f"/api/v1/contributions/{pr.pk}/evidence").json()["rows"])
        for who in (Client(), author, reviewer)
    ]

    assert seen == [0, 4, 4]


def test_where_nothing_is_measured_the_state_says_why(world: World):
    asked = {
        stage: Client().get(f"/api/v1/contributions/{world.prs[stage].pk}/evidence").json()
        for stage in (Stage.SUBMITTED, Stage.QUARANTINED, Stage.REJECTED)
    }

    states = {stage: told["state"] for stage, told in asked.items()}
    assert states == {
        Stage.SUBMITTED: "not_yet",
        Stage.QUARANTINED: "set_aside",
        Stage.REJECTED: "over",
    }
    assert {told["asked"] for told in asked.values()} == {None}
