"""Half voices of trusted contributors: they add to what reviewers say, and decide nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.checks.models import Finding, Screening
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.affiliations import affiliate
from apps.history.queries import life_of
from apps.reviews import actions
from apps.reviews.agreement.consensus import posteriors
from apps.reviews.agreement.models import Audit, Round, Voice
from apps.reviews.agreement.queries import rounds_told, voices_on
from apps.reviews.agreement.reckoning import VERDICTS, measure, weigh
from apps.reviews.agreement.voting import Awaited
from apps.reviews.desk import appealing, escalating, pending
from apps.reviews.desk.editing import Edit
from apps.reviews.errors import Affiliated, NotAReviewer, OwnWork, VoiceIsIn
from apps.reviews.models import Decision, Place
from apps.reviews.queries import queue_for
from apps.reviews.queue import claims, places
from apps.reviews.queue.models import Tie
from tests.api.calling import calling
from tests.people import NO_CHANCE, a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db


def waiting(**agreement: Any) -> Contribution:
    """A small PR that bears no risk, with reviewers enough to draw from."""
    line = a_line()
    line.policy = {"review": {"undo_seconds": 0, "agreement": NO_CHANCE | agreement}}
    line.save()
    for _ in range(3):
        somebody(Role.REVIEWER)
    return a_contribution(line, stage=Stage.IN_REVIEW)


def trusted() -> Account:
    return somebody(Role.TRUSTED)


def reviewer() -> Account:
    return somebody(Role.REVIEWER)


def say(verdict: str, pr: Contribution, by: Account, because: str = "so it is") -> Any:
    mine = Contribution.objects.get(pk=pr.pk)
    return actions.VERDICTS[verdict](mine, by=by, digest=mine.digest, because=because)


def flag(pr: Contribution) -> None:
    ran = Screening.objects.create(contribution=pr, revision=1, digest=pr.digest, seconds=0)
    Finding.objects.create(screening=ran, screen="signs", severity="flag", message="odd")


def stage_of(pr: Contribution) -> str:
    return Contribution.objects.get(pk=pr.pk).stage


# -- Counting -------------------------------------------------------------------------------------


def test_two_half_voices_that_agree_wait_for_a_reviewer_who_decides():
    pr = waiting()

    first, second = say("accept", pr, trusted()), say("accept", pr, trusted())
    between = stage_of(pr)
    decision = say("reject", pr, grace := reviewer())

    assert isinstance(first, Awaited)
    assert isinstance(second, Awaited)
    assert (between, Decision.objects.count()) == (Stage.IN_REVIEW, 0)
    # One whole voice for, two halves against: they weigh the same, and another reviewer decides.
    assert isinstance(decision, Awaited)
    assert (decision.adjudication, decision.given, decision.halves) == (True, 1, 2)
    taken = say("accept", pr, alan := reviewer())
    assert (taken.reviewer, stage_of(pr)) == (alan, Stage.ACCEPTED)
    assert Voice.objects.get(reviewer=grace).adjudicates is False
    assert Voice.objects.get(reviewer=alan).adjudicates is True


def test_one_half_voice_does_not_outweigh_the_reviewer():
    pr, ada, grace = waiting(), trusted(), reviewer()

    say("reject", pr, ada)
    decision = say("accept", pr, grace)

    assert (decision.reviewer, decision.verdict, stage_of(pr)) == (grace, "accept", "accepted")


def test_two_half_voices_stand_for_the_second_reviewer_of_a_drawn_pr():
    pr, grace = waiting(overlap=1), reviewer()

    say("accept", pr, grace)
    one = say("accept", pr, trusted())
    decision = say("accept", pr, trusted())

    assert isinstance(one, Awaited)
    assert (one.given, one.of, one.halves) == (1, 2, 1)
    assert (decision.reviewer, stage_of(pr)) == (grace, Stage.ACCEPTED)


def test_half_a_voice_tips_no_disagreement_of_reviewers():
    pr = waiting(overlap=1)

    say("accept", pr, trusted())
    say("accept", pr, reviewer())
    third = say("reject", pr, reviewer())

    assert isinstance(third, Awaited)
    assert third.adjudication


def test_no_third_half_voice_is_taken_and_none_when_reviewers_differ():
    full, split = waiting(), waiting(overlap=1)
    say("accept", full, trusted())
    say("accept", full, trusted())
    say("accept", split, reviewer())
    say("reject", split, reviewer())

    for pr in (full, split):
        with pytest.raises(NotAReviewer, match="adds nothing"):
            say("accept", pr, trusted())

    assert Voice.objects.filter(half=True).count() == 2


def test_the_same_half_voice_again_is_no_second_one_and_no_other():
    pr, ada = waiting(), trusted()
    say("accept", pr, ada)

    again = say("accept", pr, ada)

    assert isinstance(again, Awaited)
    assert Voice.objects.count() == 1
    with pytest.raises(VoiceIsIn):
        say("reject", pr, ada)


def test_who_becomes_a_reviewer_is_not_heard_twice():
    pr, ada = waiting(), trusted()
    say("accept", pr, ada)
    ada.role = Role.REVIEWER
    ada.save()

    again = say("accept", pr, ada)

    assert isinstance(again, Awaited)
    assert (Voice.objects.get().half, stage_of(pr)) == (True, Stage.IN_REVIEW)


def test_half_a_voice_freezes_nothing_that_is_asked_of_reviewers():
    pr = waiting()
    say("accept", pr, trusted())
    say("accept", pr, trusted())
    flag(pr)

    first = say("accept", pr, reviewer())
    second = say("accept", pr, reviewer())

    assert isinstance(first, Awaited)
    assert (first.given, first.of, first.because) == (1, 2, ("flagged",))
    assert (second.verdict, stage_of(pr)) == ("accept", Stage.ACCEPTED)


def test_a_round_of_half_voices_alone_is_closed_by_no_clock():
    alone, mixed = waiting(overlap=1), waiting(overlap=1)
    say("accept", alone, trusted())
    say("reject", mixed, trusted())
    say("accept", mixed, reviewer())
    Round.objects.update(opened_at=timezone.now() - timedelta(days=9))

    closed = actions.decide_overdue()

    # What the clock closes, it closes by whole voices: half a voice turns nobody away.
    assert (closed, stage_of(alone), stage_of(mixed)) == (1, Stage.IN_REVIEW, Stage.ACCEPTED)


# -- Where it counts ------------------------------------------------------------------------------


def test_where_a_risk_is_borne_half_a_voice_is_refused():
    flagged, reverting, private, large = (waiting() for _ in range(4))
    flag(flagged)
    Contribution.objects.filter(pk=reverting.pk).update(reverts=flagged)
    Contribution.objects.filter(pk=private.pk).update(consent="review")
    Contribution.objects.filter(pk=large.pk).update(row_count=500)

    for pr in (flagged, reverting, private, large):
        with pytest.raises(NotAReviewer, match="left to reviewers"):
            say("accept", pr, trusted())
        with pytest.raises(NotAReviewer):
            claims.claim(Contribution.objects.get(pk=pr.pk), by=trusted())

    assert not Voice.objects.exists()


def test_half_a_voice_is_refused_even_where_the_policy_asks_no_second_one():
    pr = waiting(second_for=[])
    flag(pr)

    with pytest.raises(NotAReviewer, match="left to reviewers"):
        say("accept", pr, trusted())


@pytest.mark.parametrize("stage", [Stage.QUARANTINED, Stage.SUBMITTED, Stage.ACCEPTED])
def test_half_a_voice_moves_nothing_outside_review(stage: str):
    pr = waiting()
    Contribution.objects.filter(pk=pr.pk).update(stage=stage)

    with pytest.raises(Exception, match=r"left to reviewers|not in review any more"):
        say("reject", pr, trusted())

    assert (stage_of(pr), Voice.objects.count()) == (stage, 0)


def test_nobody_has_half_a_voice_on_their_own_their_house_s_or_their_cluster_s_work():
    pr, colleague, double = waiting(), trusted(), trusted()
    author = pr.author
    for one in (author, colleague):
        affiliate(one, "the guild", by=one)
    low, high = sorted((author.pk, double.pk))
    Tie.objects.create(one_id=low, other_id=high, kind=Tie.Kind.ADDRESS)
    Account.objects.filter(pk=author.pk).update(role=Role.TRUSTED)
    author.refresh_from_db()

    for who, refusal in ((author, OwnWork), (colleague, Affiliated), (double, Affiliated)):
        with pytest.raises(refusal):
            say("accept", pr, who)
        assert pr not in queue_for(who)
        places.pull()
        assert claims.next_for(who) is None


def test_a_trusted_contributor_edits_hands_on_and_hears_nothing():
    pr, ada = waiting(), trusted()
    told: dict[str, Any] = {"by": ada, "digest": pr.digest, "because": "a doubt"}

    with pytest.raises(NotAReviewer):
        pending.give(pr, "escalate", **told)
    with pytest.raises(NotAReviewer):
        pending.give(pr, "accept", edits=[Edit(0, "completion", "other")], **told)
    with pytest.raises(NotAReviewer):
        pending.accept_edited(pr, edits=[Edit(0, "completion", "other")], **told)
    with pytest.raises(NotAReviewer):
        escalating.escalate(pr, **told)


# -- The queue ------------------------------------------------------------------------------------


def test_the_queue_offers_what_bears_little_risk_and_reviewers_still_get_it():
    calm, flagged = waiting(), waiting()
    flag(flagged)
    places.pull()
    ada = trusted()

    taken = claims.next_for(ada)
    say("accept", calm, ada)

    assert (taken, list(queue_for(trusted()))) == (calm, [calm])
    assert claims.next_for(ada) is None
    assert {calm, flagged} == set(queue_for(reviewer()))


def test_an_item_with_two_half_voices_is_offered_to_no_third():
    pr = waiting()
    places.pull()
    say("accept", pr, trusted())
    say("accept", pr, trusted())
    ada, grace = trusted(), reviewer()

    assert (claims.next_for(ada), list(queue_for(ada))) == (None, [])
    assert (claims.next_for(grace), list(queue_for(grace))) == (pr, [pr])


def test_what_a_screen_flags_after_it_got_its_place_is_let_go():
    pr, ada = waiting(), trusted()
    places.pull()
    assert claims.next_for(ada) == pr
    flag(pr)

    assert claims.next_for(ada) is None

    assert not Place.objects.get(pk=pr.pk).low_risk
    assert claims.next_for(reviewer()) == pr


# -- Reckoning ------------------------------------------------------------------------------------


def test_half_a_voice_is_half_the_evidence_before_anything_is_known_of_its_giver():
    whole = posteriors([(1, 10, "accept")], {}, VERDICTS)
    half = posteriors([(1, 10, "accept")], {}, VERDICTS, halves={10})
    both = posteriors([(1, 10, "accept"), (1, 11, "accept")], {}, VERDICTS, halves={10, 11})

    assert half[1]["accept"] < both[1]["accept"] <= whole[1]["accept"] + 0.05
    # Odds against one other verdict: 4 to 1, and its square root.
    assert whole[1]["accept"] / whole[1]["reject"] == pytest.approx(4, rel=0.25)
    assert half[1]["accept"] / half[1]["reject"] == pytest.approx(2, rel=0.25)


def test_a_reviewer_s_word_outweighs_half_a_voice_in_the_posterior():
    pr, ada, grace = waiting(), trusted(), reviewer()
    say("reject", pr, ada)
    say("accept", pr, grace)

    weigh(pr.line)

    posterior = Round.objects.get().posterior
    assert max(posterior, key=posterior.__getitem__) == "accept"


def test_alpha_and_the_rate_of_agreement_speak_of_reviewers_alone():
    pr = waiting()
    say("reject", pr, trusted())
    say("accept", pr, reviewer())

    assert measure(pr.line) == 0
    assert rounds_told(pr.line)["closed"] == 0


# -- Faces ----------------------------------------------------------------------------------------


def test_over_rest_half_a_voice_is_stored_and_says_that_a_reviewer_decides():
    pr, ada = waiting(), trusted()
    places.pull()
    caller = calling(ada)

    offered = caller.post("reviews/next", {}).json()["item"]["number"]
    answer = caller.post(
        f"contributions/{pr.pk}/decision", {"verdict": "accept", "digest": pr.digest}
    )

    assert (offered, answer.status_code) == (pr.pk, 202)
    assert answer.json()["awaits"] == {
        "given": 0,
        "of": 1,
        "because": [],
        "adjudication": False,
        "halves": 1,
        "needs": "1 more reviewer, each on their own",
    }
    assert caller.get("reviews/queue?quarantined=1").status_code == 403


def test_until_a_reviewer_decides_nobody_reads_half_a_voice_and_then_everybody(client: Any):
    pr, ada = waiting(), trusted()
    say("reject", pr, ada, because="the-reason-nobody-may-read-yet")

    before = client.get(f"/prs/{pr.pk}").content.decode()
    events = str(list(life_of(pr).values_list("details", "because")))
    say("reject", pr, reviewer())
    after = client.get(f"/prs/{pr.pk}").content.decode()

    assert "the-reason-nobody" not in before + events
    assert "A trusted contributor has read it too, with half a voice" in before
    assert f"<strong>{ada}</strong> reject (half a voice)" in " ".join(after.split())
    opened = life_of(pr).get(entered=Stage.REJECTED).details["voices"]
    assert [voice.get("half", False) for voice in opened] == [True, False]


def test_on_the_screen_a_trusted_contributor_finds_three_verdicts_and_their_weight(client: Any):
    pr, ada = waiting(), trusted()
    client.force_login(ada)

    desk, page = (client.get(at).content.decode() for at in ("/review", f"/review/{pr.pk}"))
    client.post(f"/review/{pr.pk}", {"verdict": "accept", "digest": pr.digest, "because": "right"})

    assert "You have half a voice on PRs that can do little harm" in desk
    assert "In quarantine" not in desk
    assert "Your voice counts half here" in page
    for step, there in (("accept", True), ("reject", True), ("escalate", False)):
        assert (f'value="{step}"' in page) is there
    assert 'data-fold="edit"' not in page
    assert (Voice.objects.get().reviewer, voices_on(pr).halves) == (ada, 1)


def test_what_only_reviewers_may_read_stays_closed_at_the_desk(client: Any):
    private, aside = waiting(), waiting()
    Contribution.objects.filter(pk=private.pk).update(consent="review")
    Contribution.objects.filter(pk=aside.pk).update(stage=Stage.QUARANTINED)
    client.force_login(trusted())

    answers = [client.get(f"/review/{pr.pk}").status_code for pr in (private, aside)]

    assert answers == [403, 403]


def test_after_an_appeal_the_same_rows_are_decided_on_once_more():
    pr, ada = waiting(), trusted()
    say("reject", pr, ada)
    say("reject", pr, reviewer())
    made = appealing.appeal(Contribution.objects.get(pk=pr.pk), by=pr.author, words="It is right.")
    appealing.hear(made, by=reviewer(), outcome="overturned", because="so it is")

    decision = say("accept", pr, reviewer())

    assert (decision.verdict, stage_of(pr)) == ("accept", Stage.ACCEPTED)


def test_no_audit_comes_to_a_trusted_contributor(client: Any):
    decided = waiting(audit=1)
    say("accept", decided, reviewer())
    ada = trusted()
    assert Audit.objects.exists()
    client.force_login(ada)

    answer = client.post("/review/next")

    assert answer.url == "/review"
