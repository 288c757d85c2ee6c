"""When the week's build closes, and who is in it."""

from datetime import UTC, datetime, timedelta

import pytest
from django.conf import settings
from hypothesis import given
from hypothesis import strategies as st

from apps.builds import train
from apps.builds.actions import hold
from apps.contributions.stages import Stage
from tests.people import a_contribution, a_line, somebody


@given(st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)))
def test_it_closes_when_the_clock_plans_the_weeks_builds(now: datetime) -> None:
    clock = settings.CELERY_BEAT_SCHEDULE["plan the week's builds"]["schedule"]

    closes = train.closes(now)

    assert timedelta(0) < closes - now <= timedelta(days=7)
    assert {closes.isoweekday() % 7} == clock.day_of_week
    assert ({closes.hour}, {closes.minute}) == (clock.hour, clock.minute)


@pytest.mark.django_db
def test_a_place_is_counted_among_those_that_wait() -> None:
    line = a_line()
    first, second, third = (a_contribution(line, stage=Stage.ACCEPTED) for _ in range(3))
    hold(second, by=somebody("maintainer"), because="A question is open")

    assert [train.place_of(pr) for pr in (first, second, third)] == [1, None, 2]
