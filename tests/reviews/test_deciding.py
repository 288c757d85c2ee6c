"""Deciding: by the right people, on what they read, once."""

from __future__ import annotations

import threading

import pytest
from django.db import connection

from apps.accounts.models import Role
from apps.checks.models import Finding, Screening
from apps.contributions import actions as contributions
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.errors import MoveRefused
from apps.history.queries import life_of
from apps.reviews import actions
from apps.reviews.errors import ClaimedByAnother, NotAReviewer, OwnWork, ReasonMissing, Stale
from apps.reviews.models import Decision
from apps.reviews.queries import queue_for
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db


def quarantined() -> Contribution:
    """A contribution in quarantine, with the finding that brought it there."""
    contribution = a_contribution(stage=Stage.QUARANTINED)
    screening = Screening.objects.create(
        contribution=contribution, revision=1, digest=contribution.digest, seconds=0
    )
    Finding.objects.create(
        screening=screening, screen="poisoning", severity="quarantine", message="A trigger."
    )
    return contribution


def test_an_accepted_contribution_keeps_who_decided_on_which_content():
    contribution, grace = a_contribution(stage=Stage.IN_REVIEW), somebody(Role.REVIEWER)

    decision = actions.accept(contribution, by=grace, digest=contribution.digest)

    assert contribution.stage == Stage.ACCEPTED
    assert (decision.reviewer, decision.digest) == (grace, contribution.digest)
    assert life_of(contribution).last().actor == grace.username


# (A trusted contributor has half a voice, which decides nothing: agreement/test_halves.py.)
VOICES = ("reviewer", "maintainer", "trusted")


@pytest.mark.parametrize("role", [role for role in Role if role not in VOICES])
def test_other_roles_do_not_decide(role: str):
    contribution = a_contribution(stage=Stage.IN_REVIEW)

    with pytest.raises(NotAReviewer):
        actions.accept(contribution, by=somebody(role), digest=contribution.digest)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.MAINTAINER])
def test_nobody_decides_on_their_own_work(role: str):
    grace = somebody(role)
    contribution = a_contribution(by=grace, stage=Stage.IN_REVIEW)

    for decide in (actions.accept, actions.ask_for_changes, actions.reject):
        with pytest.raises(OwnWork):
            decide(contribution, by=grace, digest=contribution.digest, because="mine")
    assert list(queue_for(grace)) == []


def test_an_approval_of_what_has_changed_is_stale():
    contribution, grace = a_contribution(stage=Stage.CHANGES_REQUESTED), somebody(Role.REVIEWER)
    read = contribution.digest
    rows = [{"prompt": "Another?", "completion": "Yes."}]
    contributions.revise(contribution, by=contribution.author, rows=rows, note="better")
    Contribution.objects.filter(pk=contribution.pk).update(stage=Stage.IN_REVIEW)
    contribution.refresh_from_db()

    with pytest.raises(Stale, match="has changed since you read it"):
        actions.accept(contribution, by=grace, digest=read)


def test_a_revision_that_slips_in_between_wins_over_the_approval():
    contribution, grace = a_contribution(stage=Stage.IN_REVIEW), somebody(Role.REVIEWER)
    read = Contribution.objects.get(pk=contribution.pk)
    Contribution.objects.filter(pk=contribution.pk).update(digest="f" * 64, revision=2)

    with pytest.raises(MoveRefused):
        actions.accept(read, by=grace, digest=read.digest)
    assert not Decision.objects.exists()


@pytest.mark.parametrize("because", ["", "   "])
def test_a_refusal_needs_a_reason(because: str):
    contribution, grace = a_contribution(stage=Stage.IN_REVIEW), somebody(Role.REVIEWER)

    for decide in (actions.ask_for_changes, actions.reject):
        with pytest.raises(ReasonMissing):
            decide(contribution, by=grace, digest=contribution.digest, because=because)


def test_two_maintainers_release_from_quarantine_and_it_is_recorded_as_an_override():
    contribution = quarantined()
    with pytest.raises(NotAReviewer):
        actions.release(
            contribution, by=somebody(Role.REVIEWER), digest=contribution.digest, because="fine"
        )

    mary, max_ = somebody(Role.MAINTAINER), somebody(Role.MAINTAINER)
    for _ in range(2):
        proposed = actions.release(
            contribution, by=max_, digest=contribution.digest, because="I know the author"
        )
        assert (proposed.agreed, contribution.stage) == (False, Stage.QUARANTINED)
    released = actions.release(contribution, by=mary, digest=contribution.digest, because="meant")
    for _ in range(2):
        # What was in quarantine takes two voices.
        accepted = actions.accept(
            contribution, by=somebody(Role.REVIEWER), digest=contribution.digest, because="as told"
        )

    assert (released.override, accepted.override) == (True, True)
    assert life_of(contribution).get(entered=Stage.IN_REVIEW).because == "meant"
    finding = Finding.objects.get()
    assert (finding.dismissed_by, finding.dismissed_because) == (mary, "meant")


def test_two_reviewers_are_never_given_the_same_item():
    first, second = a_contribution(stage=Stage.IN_REVIEW), a_contribution(stage=Stage.IN_REVIEW)
    grace, alan = somebody(Role.REVIEWER), somebody(Role.REVIEWER)

    assert actions.next_for(grace) == first
    assert actions.next_for(grace) == first
    assert actions.next_for(alan) == second
    with pytest.raises(ClaimedByAnother, match=str(grace)):
        actions.claim(first, by=alan)


@pytest.mark.django_db(transaction=True)
def test_of_eight_reviewers_on_one_contribution_one_decides():
    contribution = a_contribution(stage=Stage.IN_REVIEW)
    reviewers = [somebody(Role.REVIEWER) for _ in range(8)]
    start, refused = threading.Barrier(8), []

    def decide(reviewer: object) -> None:
        mine = Contribution.objects.get(pk=contribution.pk)
        start.wait()
        try:
            actions.accept(mine, by=reviewer, digest=mine.digest)
        except MoveRefused as refusal:
            refused.append(str(refusal))
        connection.close()

    threads = [threading.Thread(target=decide, args=(reviewer,)) for reviewer in reviewers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (Decision.objects.count(), len(refused)) == (1, 7)
    assert life_of(contribution).filter(entered=Stage.ACCEPTED).count() == 1
