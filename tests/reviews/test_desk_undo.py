"""A verdict at the desk: undone in time as if it never was, in effect after, lapsed if outrun."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.contributions import actions as contributions
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.affiliations import affiliate
from apps.history.queries import life_of
from apps.reviews import actions, tasks
from apps.reviews.desk import pending
from apps.reviews.desk.models import Escalation, Pending, Step
from apps.reviews.desk.policy import DeskPolicy
from apps.reviews.errors import (
    ClaimedByAnother,
    NotAReviewer,
    OwnWork,
    ReasonMissing,
    ReviewRefused,
    Stale,
    TooLate,
)
from apps.reviews.models import Claim, Decision
from apps.reviews.queries import queue_for
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db


def in_review(**more: object) -> Contribution:
    return a_contribution(stage=Stage.IN_REVIEW, **more)


def given(step: str = Step.ACCEPT, **more: object) -> Pending:
    """A verdict on a new PR by a new reviewer, who can still undo it."""
    contribution, grace = in_review(), somebody(Role.REVIEWER)
    return pending.give(contribution, step, by=grace, digest=contribution.digest, **more)


def time_passes(seconds: float = 31) -> None:
    """All that waits has waited so much longer."""
    for one in Pending.objects.all():
        one.due_at -= timedelta(seconds=seconds)
        one.save(update_fields=["due_at"])


def ring() -> None:
    """What the clock and the workers do with every verdict that is due."""
    for one in pending.due():
        tasks.carry_out(one.pk)


def fresh(one: Pending) -> Contribution:
    return Contribution.objects.get(pk=one.contribution_id)


def test_a_verdict_takes_effect_after_half_a_minute_and_not_before():
    accepted = given(because="right")

    ring()
    assert fresh(accepted).stage == Stage.IN_REVIEW
    time_passes()
    ring()

    decision = Decision.objects.get()
    assert (fresh(accepted).stage, decision.because) == (Stage.ACCEPTED, "right")
    assert (decision.digest, decision.reviewer) == (accepted.digest, accepted.reviewer)
    assert not Pending.objects.exists()


def test_what_is_undone_in_time_leaves_no_trace():
    rejected = given(Step.REJECT, reason="wrong")

    assert pending.undo(by=rejected.reviewer) == [rejected.contribution]
    time_passes()
    ring()

    assert fresh(rejected).stage == Stage.IN_REVIEW
    assert not life_of(rejected.contribution).filter(actor=str(rejected.reviewer)).exists()
    assert Claim.objects.get().reviewer == rejected.reviewer


def test_what_has_taken_effect_is_not_undone():
    accepted = given()
    time_passes()

    with pytest.raises(TooLate, match="no verdict left to undo"):
        pending.undo(by=accepted.reviewer)
    ring()
    with pytest.raises(TooLate):
        pending.undo(by=accepted.reviewer)


def test_nobody_undoes_anothers_verdict():
    accepted = given()

    with pytest.raises(TooLate):
        pending.undo(by=somebody(Role.REVIEWER), batch=accepted.batch)


def test_while_it_can_be_undone_the_item_is_offered_to_nobody_and_stays_held():
    accepted = given()

    assert list(queue_for(accepted.reviewer)) == []
    with pytest.raises(ClaimedByAnother):
        actions.claim(accepted.contribution, by=somebody(Role.REVIEWER))
    with pytest.raises(ReviewRefused, match="waits to take effect"):
        pending.give(
            accepted.contribution, Step.ACCEPT, by=accepted.reviewer, digest=accepted.digest
        )


@pytest.mark.parametrize("outrun", ["withdrawn", "revised", "decided"])
def test_what_happens_meanwhile_wins_and_the_reviewer_is_told(outrun: str):
    accepted = given()
    contribution, author = fresh(accepted), accepted.contribution.author
    if outrun == "withdrawn":
        contributions.withdraw(contribution, by=author)
    elif outrun == "revised":
        rows = [{"prompt": "Another?", "completion": "Yes."}]
        contributions.revise(contribution, by=author, rows=rows, note="better")
    else:
        actions.reject(
            contribution, by=somebody(Role.REVIEWER), digest=contribution.digest, because="no"
        )

    time_passes()
    ring()

    (lapsed,) = pending.of(accepted.reviewer)
    assert lapsed.lapsed
    assert not Decision.objects.filter(reviewer=accepted.reviewer).exists()
    assert not Claim.objects.filter(reviewer=accepted.reviewer).exists()
    pending.read(accepted.reviewer)
    assert list(pending.of(accepted.reviewer)) == []


def test_the_policy_of_the_line_says_how_long():
    contribution, grace = in_review(), somebody(Role.REVIEWER)
    contribution.line.policy = {"review": {"undo_seconds": 0}}
    contribution.line.save()

    pending.give(contribution, Step.ACCEPT, by=grace, digest=contribution.digest)

    contribution.refresh_from_db()
    assert DeskPolicy.of(contribution.line) == DeskPolicy(undo_seconds=0)
    assert contribution.stage == Stage.ACCEPTED


def test_it_is_refused_now_for_whatever_would_refuse_it_later():
    contribution, grace = in_review(), somebody(Role.REVIEWER)
    author = contribution.author
    author.role = Role.REVIEWER
    author.save()
    own = {"by": author, "digest": contribution.digest}
    mine = {"by": grace, "digest": contribution.digest}

    with pytest.raises(OwnWork):
        pending.give(contribution, Step.ACCEPT, **own)
    with pytest.raises(Stale):
        pending.give(contribution, Step.ACCEPT, by=grace, digest="f" * 64)
    with pytest.raises(ReasonMissing, match="pick the reason"):
        pending.give(contribution, Step.REJECT, because="no", **mine)
    with pytest.raises(ReasonMissing):
        pending.give(contribution, Step.REJECT, reason="other", **mine)
    with pytest.raises(ReasonMissing):
        pending.give(contribution, Step.CHANGES, **mine)
    assert not Pending.objects.exists()


def test_a_batch_is_undone_as_one():
    grace, line = somebody(Role.REVIEWER), in_review().line
    prs = [in_review(line=line) for _ in range(3)]
    alone = pending.give(prs[0], Step.ACCEPT, by=grace, digest=prs[0].digest)
    for pr in prs[1:]:
        pending.give(pr, Step.ACCEPT, by=grace, digest=pr.digest, batch="both")

    assert pending.undo(by=grace) == prs[1:]
    assert list(Pending.objects.all()) == [alone]


def test_an_escalated_pr_waits_for_another_maintainer():
    contribution, mary, max_ = in_review(), somebody(Role.MAINTAINER), somebody(Role.MAINTAINER)
    grace = somebody(Role.REVIEWER)

    pending.give(
        contribution, Step.ESCALATE, by=mary, digest=contribution.digest, because="a doubt"
    )
    time_passes()
    ring()

    assert Escalation.objects.get().because == "a doubt"
    assert [list(queue_for(person)) for person in (grace, mary, max_)] == [[], [], [contribution]]
    for person in (grace, mary):
        with pytest.raises(NotAReviewer, match="handed to a maintainer"):
            actions.accept(contribution, by=person, digest=contribution.digest)
    actions.accept(contribution, by=max_, digest=contribution.digest)


def test_nothing_is_handed_on_where_nobody_would_take_it():
    contribution, grace, mary = in_review(), somebody(Role.REVIEWER), somebody(Role.MAINTAINER)
    for colleague in (mary, contribution.author):
        affiliate(colleague, "Example", by=colleague)

    with pytest.raises(ReviewRefused, match="no other maintainer"):
        pending.give(contribution, Step.ESCALATE, by=grace, digest=contribution.digest, because="x")


@pytest.mark.django_db(transaction=True)
def test_of_undoing_and_taking_effect_one_wins_whatever_the_order():
    for _ in range(8):
        accepted = given()
        at_the_edge = timezone.now() + timedelta(milliseconds=40)
        Pending.objects.filter(pk=accepted.pk).update(due_at=at_the_edge)
        start, undone = threading.Barrier(3), list[bool]()
        threads = [
            threading.Thread(target=_undo, args=(accepted.reviewer, start, undone)),
            threading.Thread(target=_carry_out, args=(accepted, start)),
            threading.Thread(target=_carry_out, args=(accepted, start)),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ring()

        taken = Decision.objects.filter(contribution=accepted.contribution).count()
        assert (bool(undone), taken) in ((True, 0), (False, 1))


def _undo(reviewer: Account, start: threading.Barrier, undone: list[bool]) -> None:
    start.wait()
    try:
        pending.undo(by=reviewer)
        undone.append(True)
    except TooLate:
        pass
    finally:
        connection.close()


def _carry_out(one: Pending, start: threading.Barrier) -> None:
    start.wait()
    while Pending.objects.filter(pk=one.pk, due_at__gt=timezone.now()).exists():
        pass
    tasks.carry_out(one.pk)
    connection.close()
