"""Accepting with an edit, and having had every row on the screen."""

from __future__ import annotations

import pytest

from apps.accounts.models import Role
from apps.checks import actions as checks
from apps.checks.models import Finding, Screening
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Contribution
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.history.queries import life_of
from apps.reviews import actions
from apps.reviews.desk import editing, pending, viewing
from apps.reviews.desk.editing import Edit
from apps.reviews.desk.models import Pending, Step
from apps.reviews.errors import NotViewed, VoiceIsIn
from apps.reviews.models import Decision
from tests.people import NO_CHANCE, a_contribution, a_line, somebody
from tests.reviews.test_desk_undo import fresh, ring, time_passes

pytestmark = pytest.mark.django_db

TEXT = "The third of April 2026."


def edited(text: str = TEXT) -> Pending:
    """An acceptance with another answer in the first row."""
    rows = [{"prompt": f"Which day is {n}.4.2026?", "completion": f"{n} April."} for n in (3, 4)]
    contribution = a_contribution(stage=Stage.IN_REVIEW, rows=rows)
    edits = editing.changed(
        contribution, [Edit(0, "completion", text), Edit(1, "completion", "4 April.")]
    )
    return pending.give(
        contribution,
        Step.ACCEPT,
        by=somebody(Role.REVIEWER),
        digest=contribution.digest,
        edits=edits,
    )


def test_an_edit_becomes_a_revision_that_is_checked_and_then_accepted():
    accepted = edited()
    assert accepted.edits == [[0, "completion", TEXT]]

    time_passes()
    ring()
    contribution = fresh(accepted)
    assert (contribution.stage, contribution.revision) == (Stage.SUBMITTED, 2)
    ring()
    assert fresh(accepted).stage == Stage.SUBMITTED
    checks.check(contribution)
    ring()

    decision = Decision.objects.get()
    assert fresh(accepted).stage == Stage.ACCEPTED
    assert [row.completion for row in rows_of(fresh(accepted))] == [TEXT, "4 April."]
    assert (decision.revision, decision.digest) == (2, fresh(accepted).digest)
    credit = life_of(contribution).get(verb="rows edited in review").details
    assert credit["credited"] == [str(contribution.author), str(accepted.reviewer)]
    assert contribution.revisions.get(number=2).note == f"Edited in review by {accepted.reviewer}"


def test_what_the_checks_find_in_an_edit_lets_the_approval_lapse():
    accepted = edited("Ask sk-ant-api03-" + "a1B2" * 23 + "AA for it.")

    time_passes()
    ring()
    checks.check(fresh(accepted))
    ring()

    (lapsed,) = pending.of(accepted.reviewer)
    assert "after your edit" in lapsed.lapsed or "in your edit" in lapsed.lapsed
    assert not Decision.objects.exists()


@pytest.mark.parametrize(("rows", "stage"), [([1], Stage.ACCEPTED), ([0, 1], Stage.IN_REVIEW)])
def test_what_was_flagged_before_does_not_count_as_found_in_the_edit(rows: list[int], stage: str):
    accepted = edited()
    line = accepted.contribution.line
    line.policy = {"review": {"agreement": NO_CHANCE | {"second_for": []}}}
    line.save()
    flagged(accepted.contribution, revision=1, rows=[1])
    time_passes()
    ring()
    contribution = fresh(accepted)
    Contribution.objects.filter(pk=contribution.pk).update(stage=Stage.IN_REVIEW)
    flagged(contribution, revision=2, rows=rows)

    ring()

    assert fresh(accepted).stage == stage


def flagged(contribution: Contribution, *, revision: int, rows: list[int]) -> None:
    screening = Screening.objects.create(
        contribution=contribution, revision=revision, digest=contribution.digest, seconds=0
    )
    Finding.objects.create(
        screening=screening, screen="poisoning", severity="flag", message="Rare.", rows=rows
    )


def test_an_edit_that_could_not_be_kept_is_refused_at_once():
    with pytest.raises(ContributionRefused, match="row 1: completion holds only white space"):
        edited(" ")


def test_every_row_has_to_have_been_on_the_screen_before_a_pr_is_accepted():
    rows = [{"prompt": f"What is {n} plus 1?", "completion": f"{n + 1}."} for n in range(45)]
    contribution = a_contribution(stage=Stage.IN_REVIEW, rows=rows)
    grace = somebody(Role.REVIEWER)
    mine = {"by": grace, "digest": contribution.digest}

    viewing.note_shown(contribution, grace, first=0)
    viewing.note_shown(contribution, grace, first=40)
    with pytest.raises(NotViewed, match=r"20 of 45 rows were not on your screen yet.* row 21"):
        pending.give(contribution, Step.ACCEPT, **mine)
    viewing.note_shown(contribution, grace, first=20)
    pending.give(contribution, Step.ACCEPT, **mine)

    assert viewing.not_viewed(contribution, somebody(Role.REVIEWER)) == list(range(45))


def test_what_is_too_long_to_be_read_whole_is_not_held_up_here():
    rows = [{"prompt": f"What is {n} plus 1?", "completion": f"{n + 1}."} for n in range(25)]
    contribution = a_contribution(stage=Stage.IN_REVIEW, rows=rows)
    contribution.line.policy = {"review": {"view_all_up_to": 24}}
    contribution.line.save()

    pending.give(contribution, Step.ACCEPT, by=somebody(Role.REVIEWER), digest=contribution.digest)


def test_who_has_given_a_voice_cannot_take_it_back_by_an_edit():
    line = a_line()
    line.policy = {"review": {"agreement": NO_CHANCE | {"overlap": 1}}}
    line.save()
    grace, *_ = (somebody(Role.REVIEWER) for _ in range(4))
    pr = a_contribution(line, stage=Stage.IN_REVIEW)
    actions.reject(pr, by=grace, digest=pr.digest, because="no sum")
    edits = [Edit(0, "completion", TEXT)]

    with pytest.raises(VoiceIsIn):
        pending.give(pr, Step.ACCEPT, by=grace, digest=pr.digest, edits=edits)
