"""Stage moves: one door, one winner, one event."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest
from django.db import connection, transaction

from apps.builds.models import Build
from apps.contributions.models import Contribution
from apps.contributions.stages import CONTRIBUTION, Stage
from apps.history.actions import move
from apps.history.errors import MoveRefused
from apps.history.management.commands.draw_stages import drawing, tables
from apps.history.models import Event
from apps.history.queries import life_of
from apps.history.stages import StageTable, table
from apps.rollouts.models import Channel, Rollout, Version
from apps.traces.models import Delivery
from tests.people import a_contribution, a_line, somebody


def a_build() -> Build:
    return Build.objects.create(line=a_line(), live_digest="")


def a_rollout() -> Rollout:
    line = a_line()
    base = Version.objects.create(line=line, name=line.name, digest=line.name, path="nowhere")
    channel = Channel.objects.create(line=line, name="stable", live=base)
    return Rollout.objects.create(channel=channel, candidate=base, incumbent=base, salt="s")


def a_delivery() -> Delivery:
    return Delivery.objects.create(account=somebody(), line=a_line())


MADE = {
    "delivery": a_delivery,
    "contribution": a_contribution,
    "build": a_build,
    "rollout": a_rollout,
}
PAIRS = [
    (found.name, left, entered)
    for found in tables()
    for left, entered in itertools.product(found.moves, repeat=2)
]


def test_every_stage_table_has_its_pairs_tried():
    assert sorted(found.name for found in tables()) == sorted(MADE)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "left", "entered"), PAIRS)
def test_a_thing_moves_just_where_its_table_says(name: str, left: str, entered: str):
    subject: Any = MADE[name]()
    type(subject).objects.filter(pk=subject.pk).update(stage=left)
    subject.refresh_from_db()
    before = Event.objects.count()

    if subject.STAGES.allows(left, entered):
        event = move(subject, entered, by="a test", because="it may")
        assert (event.left, event.entered, event.actor) == (left, entered, "a test")
        assert Event.objects.count() == before + 1
    else:
        with pytest.raises(MoveRefused, match="cannot become"):
            move(subject, entered, by="a test")
        assert Event.objects.count() == before
    subject.refresh_from_db()
    assert subject.stage == (entered if subject.STAGES.allows(left, entered) else left)


@pytest.mark.django_db
def test_of_two_workers_only_one_moves_a_contribution():
    first = a_contribution()
    second = Contribution.objects.get(pk=first.pk)
    move(first, Stage.IN_REVIEW, by="one")

    with pytest.raises(MoveRefused, match="has already left submitted"):
        move(second, Stage.QUARANTINED, by="another")

    assert [event.actor for event in life_of(first).filter(entered=Stage.IN_REVIEW)] == ["one"]


@pytest.mark.django_db
def test_a_field_that_changed_meanwhile_stops_the_move_too():
    first = a_contribution(stage=Stage.IN_REVIEW)
    second = Contribution.objects.get(pk=first.pk)
    Contribution.objects.filter(pk=first.pk).update(digest="another content")

    with pytest.raises(MoveRefused):
        move(second, Stage.ACCEPTED, by="a reviewer", also={"digest": second.digest})


@pytest.mark.django_db
def test_a_move_and_its_event_stand_or_fall_together():
    contribution = a_contribution()
    before = Event.objects.count()

    with transaction.atomic():
        move(contribution, Stage.IN_REVIEW, by="checks")
        transaction.set_rollback(True)

    contribution.refresh_from_db()
    assert (contribution.stage, Event.objects.count()) == (Stage.SUBMITTED, before)


@pytest.mark.django_db(transaction=True)
def test_eight_reviewers_on_two_hundred_contributions_make_no_double_move():
    line, author = a_line(), somebody()
    numbers = [a_contribution(line, by=author, stage=Stage.IN_REVIEW).pk for _ in range(200)]
    start, won = threading.Barrier(8), []

    def reviewer(name: str) -> None:
        start.wait()
        for contribution in Contribution.objects.filter(pk__in=numbers).order_by("pk"):
            try:
                move(contribution, Stage.ACCEPTED, by=name)
            except MoveRefused:
                continue
            won.append(contribution.pk)
        connection.close()

    threads = [threading.Thread(target=reviewer, args=(f"reviewer {n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    events = Event.objects.filter(entered=Stage.ACCEPTED).values_list("subject_id", flat=True)
    assert sorted(won) == numbers
    assert sorted(events) == numbers


def test_a_table_that_leads_nowhere_is_refused():
    with pytest.raises(ValueError, match="no line in the table"):
        table("thing", "here", here="there")


def test_a_drawing_shows_every_move_of_its_table():
    small = StageTable("door", "open", {"open": frozenset({"shut"}), "shut": frozenset()})

    assert drawing(small) == (
        "\n## Door\n\n```mermaid\nstateDiagram-v2\n"
        "    [*] --> open\n    open --> shut\n    shut --> [*]\n```\n"
    )


def test_final_stages_are_those_that_nothing_leaves():
    assert CONTRIBUTION.final() == {"accepted", "withdrawn"}
