"""Who measures what: leases and fences, one worker a PR, and retries that end."""

from __future__ import annotations

import threading
from datetime import timedelta
from math import inf

import pytest
from django.db import connection
from django.utils import timezone

from apps.builds import actions as builds
from apps.builds.models import Build
from apps.contributions import actions as contributions
from apps.contributions.models import Consent, Contribution
from apps.contributions.stages import Stage
from apps.history import tasks as history
from apps.history.actions import send
from apps.history.models import Letter
from apps.history.queries import life_of, waiting_for_a_worker
from apps.reviews.evidence import actions, queries, tasks
from apps.reviews.evidence.errors import Interrupted
from apps.reviews.evidence.models import Evidence, Looked, Served, State
from apps.reviews.evidence.offering import key_of
from apps.reviews.evidence.rule import EvidenceRule
from tests.people import a_contribution, a_line
from training.child import ChildFailed

pytestmark = pytest.mark.django_db


def in_review(**more: object) -> Contribution:
    return a_contribution(stage=Stage.IN_REVIEW, **more)


def abandoned() -> None:
    """Every worker has died: their leases run out."""
    Evidence.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_of_eight_workers_at_once_each_pr_has_one():
    line = a_line()
    prs = {a_contribution(line, stage=Stage.IN_REVIEW).pk for _ in range(20)}
    taken: list[int] = []
    start = threading.Barrier(8)

    def work(name: str) -> None:
        start.wait()
        while batch := actions.take(name).open:
            taken.extend(one.contribution_id for one in batch.values())
        connection.close()

    workers = [threading.Thread(target=work, args=(f"worker {n}",)) for n in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert sorted(taken) == sorted(prs)
    assert set(Evidence.objects.values_list("fence", flat=True)) == {1}


def test_a_worker_that_comes_too_late_writes_nothing():
    in_review()
    (first,) = actions.take("first").open.values()
    abandoned()
    (second,) = actions.take("second").open.values()
    assert (second.pk, second.fence) == (first.pk, 2)

    actions._end(first, State.MEASURED, asked=1, failing=1)
    assert Evidence.objects.get().state == State.ASKING
    actions._end(second, State.MEASURED, asked=1, failing=0)

    assert Evidence.objects.get().failing == 0
    assert not queries.due().exists()


@pytest.mark.parametrize("moved_on", ["a new revision", "quarantine"])
def test_rows_that_are_replaced_or_set_aside_while_they_are_measured_are_let_go(moved_on: str):
    pr = in_review()
    batch = actions.take("one")
    (evidence,) = batch.open.values()
    if moved_on == "quarantine":
        Contribution.objects.filter(pk=pr.pk).update(stage=Stage.QUARANTINED)
    else:
        rows = [{"prompt": "What is 2 plus 2?", "completion": "4"}]
        contributions.revise(pr, by=pr.author, rows=rows, note="better")

    with pytest.raises(Interrupted, match="has moved on"):
        actions._beat(batch, until=inf)
    told = {"event": "measured", "offer": str(evidence.pk), "rows": [], "cases": [], "seconds": 1}
    actions._heed(batch, told)

    evidence.refresh_from_db()
    assert (evidence.state, evidence.attempts, evidence.asked) == (State.ASKING, 0, None)
    assert not queries.due().exists()
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)
    (taken,) = actions.take("two").open.values()
    assert taken.digest == Contribution.objects.get(pk=pr.pk).digest


def test_what_has_killed_three_workers_is_not_tried_again_and_says_so():
    pr = in_review()
    for name in ("first", "second", "third"):
        assert actions.take(name).open
        abandoned()

    assert not actions.take("fourth").open

    failed = Evidence.objects.get(contribution=pr)
    assert (failed.state, failed.reason) == (
        State.FAILED,
        "3 workers have died while they measured it",
    )
    assert queries.shown(pr, rows_seen=True).state == State.FAILED


def test_what_crashes_at_each_attempt_says_in_the_end_why_it_could_not_be_measured():
    pr = in_review()
    for _ in range(3):
        actions._crashed(actions.take("one"), "the base model cannot be loaded")

    failed = Evidence.objects.get(contribution=pr)
    assert (failed.state, failed.reason) == (State.FAILED, "the base model cannot be loaded")
    assert life_of(pr).get(verb="not measured").because == failed.reason
    assert not queries.due().exists()


def test_what_takes_too_long_counts_as_a_crash():
    in_review()
    batch = actions.take("one")

    with pytest.raises(ChildFailed, match="not ended in 900 seconds"):
        actions._beat(batch, until=-inf)


def test_a_line_can_do_without():
    line = a_line()
    line.policy = {"review": {"evidence": {"rows_asked": 0}}}
    line.save()
    pr = a_contribution(line, stage=Stage.IN_REVIEW)

    assert not queries.due().exists()
    assert queries.shown(pr, rows_seen=True).state == queries.OFF


def test_what_has_crashed_is_tried_alone():
    line = a_line()
    first, second, third = (a_contribution(line, stage=Stage.IN_REVIEW) for _ in range(3))
    batch = actions.take("one")
    actions._crashed(batch, "out of memory")

    taken = [[one.contribution_id for one in actions.take("two").open.values()] for _ in range(3)]

    assert taken == [[first.pk], [second.pk], [third.pk]]


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"stage": Stage.QUARANTINED}, queries.SET_ASIDE),
        ({"stage": Stage.SUBMITTED}, queries.NOT_YET),
        ({"stage": Stage.WITHDRAWN}, queries.OVER),
        ({"consent": Consent.RATE}, queries.UNASKED),
        ({}, queries.WAITING),
    ],
)
def test_what_may_not_be_measured_is_not_taken(changed: dict[str, str], why: str):
    pr = in_review()
    Contribution.objects.filter(pk=pr.pk).update(**changed)
    pr.refresh_from_db()

    assert queries.shown(pr, rows_seen=True).state == why
    assert bool(actions.take("one").open) == (why == queries.WAITING)


def test_each_take_is_called_for_once_whatever_the_number_of_rings():
    in_review()
    in_review()

    tasks.find_evidence()
    tasks.find_evidence()
    actions.take("one")
    tasks.find_evidence()
    abandoned()
    tasks.find_evidence()

    names = list(Letter.objects.filter(queue="gpu").order_by("pk").values_list("once", flat=True))
    assert len(names) == 3
    assert [name[-6:] for name in names] == ["take 1", "take 1", "take 2"]


def test_a_letter_waits_for_a_worker_until_one_has_begun():
    letter = send("apps.builds.tasks.train_build", 1, once="train build 1", queue="gpu")
    assert letter
    Letter.objects.update(sent_at=timezone.now())
    assert waiting_for_a_worker("gpu", besides=actions.TASK)
    assert not waiting_for_a_worker("gpu", besides="apps.builds.tasks.train_build")

    class Begun:
        class request:
            headers = {"letter": letter.pk}

    history.note_beginning(task=Begun)  # type: ignore[arg-type]

    assert not waiting_for_a_worker("gpu", besides=actions.TASK)


def test_a_new_live_version_is_asked_when_nothing_new_waits():
    line = a_line()
    old = a_contribution(line, stage=Stage.IN_REVIEW)
    (evidence,) = actions.take("one").open.values()
    actions._end(evidence, State.MEASURED, asked=1, failing=1)
    assert not queries.due().exists()

    build = Build.objects.create(line=line, live_digest="", adapter="ofw-1-a", digest="a" * 64)
    builds.shipped(build, timezone.now())

    assert Served.objects.get().name == "ofw-1-a"
    assert list(queries.due()) == [old]
    assert not queries.shown(old, rows_seen=True).current
    new = a_contribution(line, stage=Stage.IN_REVIEW)
    assert list(queries.due()) == [new]
    builds.shipped(build, None)
    assert Served.objects.get().digest == ""


def test_the_same_rows_are_measured_anew_on_another_line():
    rows = [{"prompt": "What is 2 plus 2?", "completion": "4"}]
    first, second = in_review(rows=rows), in_review(rows=rows)

    keys = {key_of(pr, queries.served(pr.line), EvidenceRule()) for pr in (first, second)}

    assert first.digest == second.digest
    assert len(keys) == 2


# -- Looking on from where the clock has looked ---------------------------------------------------


def measured(pr: Contribution) -> None:
    for evidence in actions.take("one").open.values():
        actions._end(evidence, State.MEASURED, asked=1, failing=1)
    assert Evidence.objects.filter(contribution=pr, state=State.MEASURED).exists()


def long_ago(pr: Contribution) -> None:
    """Set down as if it had last changed before the clock looked (what touches it says so else)."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        ago = timezone.now() - timedelta(minutes=30)
        Contribution.objects.filter(pk=pr.pk).update(touched_at=ago)
        cursor.execute("SET LOCAL session_replication_role = origin")


def looked_hours_ago() -> None:
    Looked.objects.update(began_at=timezone.now() - timedelta(hours=2))


def test_the_clock_does_not_read_again_what_it_found_measured():
    old, unseen = in_review(), in_review()
    Contribution.objects.filter(pk=unseen.pk).update(stage=Stage.QUARANTINED)
    measured(old)
    tasks.find_evidence()
    Contribution.objects.filter(pk=unseen.pk).update(stage=Stage.IN_REVIEW)
    long_ago(unseen)

    before = list(queries.due())
    looked_hours_ago()

    # Nothing leaves the record so; what it would still miss is found when all is read again.
    assert (before, list(queries.due())) == ([], [unseen])


def test_what_comes_after_the_clock_has_looked_is_due():
    first = in_review()
    measured(first)
    tasks.find_evidence()

    second = in_review()

    assert list(queries.due()) == [second]


def test_the_clock_does_not_look_past_what_is_being_measured():
    line = a_line()
    pr, other = (a_contribution(line, stage=Stage.IN_REVIEW) for _ in range(2))
    long_ago(pr)
    for evidence in actions.take("one").open.values():
        if evidence.contribution_id == other.pk:
            actions._end(evidence, State.MEASURED, asked=1, failing=1)
    tasks.find_evidence()
    assert list(queries.due()) == []

    abandoned()

    assert list(queries.due()) == [pr]


def test_another_live_version_has_the_clock_look_at_all_again():
    pr = in_review()
    measured(pr)
    tasks.find_evidence()
    long_ago(pr)

    actions.serves(pr.line, name="ofw-1-a", digest="a" * 64)

    assert list(queries.due()) == [pr]
