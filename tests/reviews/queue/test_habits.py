"""What a reviewer takes on, and when they rest."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

import pytest

from apps.accounts.models import Account, Role
from apps.contributions.stages import Stage
from apps.reviews import actions
from apps.reviews.errors import HabitRefused
from apps.reviews.models import Decision, Habits
from apps.reviews.queue import habits
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db

NOTHING = {"skills": [], "cap": None, "quiet_from": None, "quiet_until": None, "time_zone": "UTC"}


def keeps(account: Account, **told: Any) -> Habits:
    return habits.set_habits(account, **(NOTHING | told))


@pytest.mark.parametrize(
    ("hour", "quiet"), [(15, False), (16, True), (23, True), (5, True), (6, False)]
)
def test_quiet_hours_reach_over_midnight_by_the_reviewers_own_clock(hour: int, quiet: bool):
    grace = somebody(Role.REVIEWER)
    night = {"quiet_from": time(18), "quiet_until": time(8), "time_zone": "Europe/Helsinki"}
    told = keeps(grace, **night)

    # Helsinki is two hours ahead of UTC in November.
    assert habits.is_quiet(told, datetime(2026, 11, 21, hour, tzinfo=UTC)) is quiet


def test_in_quiet_hours_nothing_is_offered_and_everything_can_be_opened():
    grace, item = somebody(Role.REVIEWER), a_contribution(stage=Stage.IN_REVIEW)
    keeps(grace, quiet_from=time(0), quiet_until=time(23, 59, 59, 999999))

    assert actions.next_for(grace) is None
    assert "quiet hours" in habits.resting(grace)
    assert actions.claim(item, by=grace).reviewer == grace


def test_a_reviewers_day_ends_with_the_last_decision_of_their_cap():
    grace = somebody(Role.REVIEWER)
    keeps(grace, cap=1)
    for _ in range(2):
        a_contribution(stage=Stage.IN_REVIEW)
    first = actions.next_for(grace)
    assert first is not None

    actions.accept(first, by=grace, digest=first.digest)

    assert actions.next_for(grace) is None
    assert "your 1 decision of today" in habits.resting(grace)


def test_a_day_begins_at_midnight_of_the_reviewers_own_clock():
    grace = somebody(Role.REVIEWER)
    told, item = keeps(grace, time_zone="Asia/Tokyo"), a_contribution(stage=Stage.IN_REVIEW)
    actions.accept(item, by=grace, digest=item.digest)
    # Ten in the evening in Tokyo.
    Decision.objects.update(created_at=datetime(2026, 11, 21, 13, tzinfo=UTC))

    assert habits.decided_today(told, datetime(2026, 11, 21, 14, tzinfo=UTC)) == 1
    assert habits.decided_today(told, datetime(2026, 11, 21, 15, tzinfo=UTC)) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"time_zone": "Mars/Olympus"},
        {"cap": 0},
        {"quiet_from": time(18)},
        {"quiet_from": time(18), "quiet_until": time(18)},
    ],
)
def test_habits_that_mean_nothing_are_refused_with_the_mend(wrong: dict[str, Any]):
    with pytest.raises(HabitRefused):
        keeps(somebody(Role.REVIEWER), **wrong)
