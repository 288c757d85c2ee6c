"""What is promised to who waits: measured, honest while it is full, and never below the writing."""

from __future__ import annotations

from datetime import timedelta
from itertools import count

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from apps.contributions.clocks import PROMISED
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.models import Event
from apps.history.queries import kind_of
from apps.reviews.models import Place
from apps.reviews.queue import places, promises
from apps.reviews.queue.models import Pace
from apps.skills.models import ModelLine
from tests.people import a_contribution, a_line

ours = pytest.mark.django_db
_digests = count(1)


def moved(item: Contribution, left: str, entered: str, ago: timedelta) -> Event:
    """A line of the record as it would have been written so long ago."""
    return Event(
        subject_kind=kind_of(item), subject_id=item.pk, verb="moved", left=left, entered=entered,
        actor="someone", at=timezone.now() - ago, previous="", digest=f"{next(_digests):064}",
    )  # fmt: skip


def stayed(line: ModelLine, hours: float, *, ended: str = "", times: int = 1) -> None:
    """Contributions that came to review and were there so long; without `ended` they are still."""
    first = a_contribution(line, stage=ended or Stage.IN_REVIEW)
    copies = [_copy(first) for _ in range(times - 1)]
    events = []
    for item in [first, *copies]:
        events.append(moved(item, "submitted", "in_review", timedelta(hours=hours)))
        if ended:
            events.append(moved(item, "in_review", ended, timedelta()))
    Event.objects.bulk_create(events)


def _copy(item: Contribution) -> Contribution:
    fields = {f.attname: getattr(item, f.attname) for f in item._meta.concrete_fields}
    return Contribution.objects.create(**{**fields, "id": None})


@ours
def test_until_enough_was_seen_the_written_promise_stands():
    line = a_line()
    stayed(line, 1, ended="accepted", times=19)

    promises.measure(line)

    told = promises.expected(line)
    written = PROMISED[Stage.IN_REVIEW] + PROMISED[Stage.SUBMITTED]
    assert (told.measured, told.seconds) == (False, written.total_seconds())


@ours
def test_the_promise_is_what_nine_of_ten_had():
    line = a_line()
    stayed(line, 2, ended="accepted", times=18)
    stayed(line, 10, ended="rejected", times=2)
    item = a_contribution(line, stage=Stage.IN_REVIEW)

    promises.measure(line)

    told = promises.promise_of(item)
    assert told is not None
    assert told.measured
    assert told.by == pytest.approx(
        item.submitted_at + timedelta(hours=2), abs=timedelta(minutes=1)
    )
    assert told.says() == ("Nine of ten are answered within 3 hours, measured over the last weeks.")


@ours
def test_what_waits_still_counts_and_a_withdrawal_is_no_answer():
    line = a_line()
    stayed(line, 1, ended="accepted", times=15)
    stayed(line, 50, times=5)
    stayed(line, 0.1, ended="withdrawn", times=5)

    promises.measure(line)

    pace = Pace.objects.get(line=line, stage=Stage.IN_REVIEW)
    # Of the ended ones alone nine of ten would have had an answer within the hour.
    assert (pace.stays, pace.most_seconds) == (25, None)
    assert pace.half_seconds == pytest.approx(3600, rel=1e-2)


@ours
def test_when_more_comes_than_is_answered_it_is_said_and_the_least_valuable_waits():
    line = a_line()
    stayed(line, 100, ended="accepted", times=7)
    stayed(line, 100, times=40)
    places.pull()
    for worth, place in enumerate(Place.objects.order_by("pk")):
        Place.objects.filter(pk=place.pk).update(worth=worth / 40)

    promises.measure(line)

    pace, told = Pace.objects.get(line=line, stage=Stage.IN_REVIEW), promises.expected(line)
    assert (pace.full, pace.waiting) == (True, 40)
    # Forty wait, and seven were answered in a little over four days.
    assert told.seconds / 86400 == pytest.approx(40 / (7 / (100 / 24)), rel=0.05)
    assert told.says() == (
        "Expect an answer in about 24 days. "
        "More comes in now than can be read, so it takes longer than usual."
    )
    poor = a_contribution(line, stage=Stage.IN_REVIEW)
    Pace.objects.update(cut=100)
    places.pull()
    place = Place.objects.get(pk=poor.pk)
    assert place.counts_from - place.arrived_at == timedelta(hours=72)
    promised = promises.promise_of(poor)
    assert promised is not None
    assert promised.held_back


@given(st.lists(st.tuples(st.floats(0, 1e6), st.booleans()), max_size=40), st.floats(0.05, 0.95))
def test_a_quantile_is_a_stay_that_ended_and_never_shorter_for_those_that_have_not(
    stays: list[tuple[float, bool]], share: float
):
    found = promises.quantile(stays, share)
    ended_alone = promises.quantile([stay for stay in stays if stay[1]], share)

    if found is not None:
        assert found in [seconds for seconds, ended in stays if ended]
        assert ended_alone is not None
        assert ended_alone <= found


def test_without_open_stays_a_quantile_is_the_usual_one():
    stays = [(float(second), True) for second in range(1, 11)]

    assert [promises.quantile(stays, share) for share in (0.5, 0.9)] == [5, 9]
    assert promises.quantile([], 0.5) is None
