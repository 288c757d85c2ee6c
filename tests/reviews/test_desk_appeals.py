"""After a rejection: a reason with its way back, the same PR sent again, and an appeal."""

from __future__ import annotations

import pytest

from apps.accounts.models import Account, Role
from apps.contributions import actions as contributions
from apps.contributions.errors import ContributionRefused, NotYours
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.affiliations import affiliate
from apps.history.queries import life_of
from apps.reviews import actions, queries
from apps.reviews.desk import appealing
from apps.reviews.desk.models import Ground, Outcome, Reason
from apps.reviews.desk.reasons import WAYS_BACK
from apps.reviews.errors import Affiliated, NotAppealable, NotAReviewer, OwnWork, ReasonMissing
from apps.reviews.models import Round, Voice
from tests.people import a_contribution, somebody

pytestmark = pytest.mark.django_db


def rejected(by: Account | None = None) -> Contribution:
    contribution = a_contribution(stage=Stage.IN_REVIEW)
    actions.reject(
        contribution,
        by=by or somebody(Role.REVIEWER),
        digest=contribution.digest,
        because="No source.",
        reason=Reason.UNFOUNDED,
    )
    return contribution


def test_every_reason_names_a_way_back():
    assert set(WAYS_BACK) == set(Reason)
    assert Ground.objects.get(contribution=rejected()).reason == Reason.UNFOUNDED


def test_a_rejected_pr_is_mended_and_sent_again_with_its_thread():
    contribution = rejected()
    rows = [{"prompt": "Which day?", "completion": "Monday, says the calendar."}]

    contributions.revise(contribution, by=contribution.author, rows=rows, note="with a source")

    assert (contribution.stage, contribution.revision) == (Stage.SUBMITTED, 2)
    assert queries.decisions_on(contribution).get().because == "No source."


def test_a_pr_is_rejected_three_times_and_then_no_more():
    contribution = rejected()
    for n in range(3):
        rows = [{"prompt": "Which day?", "completion": f"Try {n}."}]
        if n == 2:
            with pytest.raises(ContributionRefused, match="rejected 3 times"):
                contributions.revise(contribution, by=contribution.author, rows=rows, note="")
            return
        contributions.revise(contribution, by=contribution.author, rows=rows, note="")
        Contribution.objects.filter(pk=contribution.pk).update(stage=Stage.IN_REVIEW)
        contribution.refresh_from_db()
        actions.reject(
            contribution, by=somebody(Role.REVIEWER), digest=contribution.digest, because="no"
        )


def test_an_appeal_goes_to_somebody_who_has_not_decided():
    grace, alan, mary = (somebody(r) for r in (Role.REVIEWER, Role.REVIEWER, Role.MAINTAINER))
    contribution = rejected(by=grace)

    made = appealing.appeal(contribution, by=contribution.author, words="The guide, page 12.")

    offered = [list(appealing.waiting_for(person)) for person in (grace, alan, mary)]
    assert offered == [[], [made], [made]]
    with pytest.raises(NotAReviewer, match="somebody else hears"):
        appealing.hear(made, by=grace, outcome=Outcome.UPHELD, because="I said so")


def test_an_overturned_rejection_is_decided_anew_by_somebody_else():
    grace, alan, mary = (somebody(r) for r in (Role.REVIEWER, Role.REVIEWER, Role.MAINTAINER))
    contribution = rejected(by=grace)
    made = appealing.appeal(contribution, by=contribution.author, words="The guide, page 12.")

    appealing.hear(made, by=mary, outcome=Outcome.OVERTURNED, because="The guide says so.")

    contribution.refresh_from_db()
    assert contribution.stage == Stage.IN_REVIEW
    assert life_of(contribution).last().because == "The guide says so."
    assert (made.heard_by, list(appealing.waiting_for(alan))) == (mary, [])
    assert [list(queries.queue_for(one)) for one in (grace, alan)] == [[], [contribution]]
    with pytest.raises(NotAReviewer, match="after the appeal somebody else decides"):
        actions.reject(contribution, by=grace, digest=contribution.digest, because="again")
    actions.accept(contribution, by=alan, digest=contribution.digest)


def test_an_upheld_rejection_stands_and_there_is_no_second_appeal():
    contribution = rejected()
    made = appealing.appeal(contribution, by=contribution.author, words="The guide, page 12.")

    appealing.hear(made, by=somebody(Role.REVIEWER), outcome=Outcome.UPHELD, because="It does not.")

    contribution.refresh_from_db()
    assert contribution.stage == Stage.REJECTED
    assert life_of(contribution).last().verb == "rejection upheld"
    with pytest.raises(NotAppealable):
        appealing.appeal(contribution, by=contribution.author, words="Once more.")
    with pytest.raises(NotAppealable, match="meanwhile"):
        appealing.hear(
            made, by=somebody(Role.REVIEWER), outcome=Outcome.OVERTURNED, because="I think so."
        )


def test_an_appeal_is_its_authors_own_words_on_a_rejection():
    contribution = rejected()
    author = contribution.author

    with pytest.raises(NotYours, match="only the author"):
        appealing.appeal(contribution, by=somebody(), words="For a friend.")
    with pytest.raises(ReasonMissing, match="own words"):
        appealing.appeal(contribution, by=author, words="  ")
    waiting = a_contribution(by=author, stage=Stage.IN_REVIEW)
    with pytest.raises(NotAppealable, match="no rejection"):
        appealing.appeal(waiting, by=author, words="Hurry.")
    made = appealing.appeal(contribution, by=author, words="The guide.")
    author.role = Role.REVIEWER
    author.save()
    with pytest.raises(OwnWork):
        appealing.hear(made, by=author, outcome=Outcome.OVERTURNED, because="mine")


def test_who_had_a_say_in_a_round_or_is_a_colleague_hears_no_appeal():
    grace, alan, mary = (somebody(Role.REVIEWER) for _ in range(3))
    contribution = rejected(by=grace)
    held = Round.objects.create(
        contribution=contribution, digest=contribution.digest, voices=2, agreeing=2, because=[]
    )
    Voice.objects.create(round=held, reviewer=alan, verdict="reject", nonce="n")
    for one in (mary, contribution.author):
        affiliate(one, "Example", by=one)
    made = appealing.appeal(contribution, by=contribution.author, words="The guide, page 12.")

    assert [list(appealing.waiting_for(one)) for one in (alan, mary)] == [[], []]
    for one, refusal in ((alan, NotAReviewer), (mary, Affiliated)):
        with pytest.raises(refusal):
            appealing.hear(made, by=one, outcome=Outcome.OVERTURNED, because="I think so.")


def test_an_appeal_ends_with_the_rows_that_it_was_about():
    contribution, mary = rejected(), somebody(Role.REVIEWER)
    made = appealing.appeal(contribution, by=contribution.author, words="The guide, page 12.")
    rows = [{"prompt": "Which day?", "completion": "Monday, says the calendar."}]
    contributions.revise(contribution, by=contribution.author, rows=rows, note="with a source")
    Contribution.objects.filter(pk=contribution.pk).update(stage=Stage.REJECTED)
    made.refresh_from_db()

    assert list(appealing.waiting_for(mary)) == []
    with pytest.raises(NotAppealable, match="sent a revision"):
        appealing.hear(made, by=mary, outcome=Outcome.OVERTURNED, because="So it says.")
