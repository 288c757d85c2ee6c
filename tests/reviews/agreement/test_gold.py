"""Items whose verdict is known: like any other at the desk, and never in a build."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.builds.queries import waiting_for_a_build
from apps.community.queries import leaderboard
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import move
from apps.history.models import Event
from apps.history.queries import life_of
from apps.reviews import actions
from apps.reviews.agreement import actions as agreement
from apps.reviews.agreement.actions import commitment, next_special, plant, plant_again
from apps.reviews.agreement.models import Gold, Voice
from apps.reviews.agreement.queries import calibration, voices_on
from apps.reviews.agreement.voting import Awaited
from apps.reviews.desk import pending
from apps.reviews.desk.editing import Edit
from apps.reviews.desk.models import Pending, Step
from apps.reviews.errors import BadGold, NotAMaintainer
from apps.reviews.queries import queue_for
from apps.reviews.queue import promises
from apps.reviews.queue.habits import decided_today
from apps.reviews.queue.models import Habits, Pace
from tests.api.calling import calling
from tests.people import NO_CHANCE, TERMS, a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db


def a_line_with_gold(share: float = 1.0, answers: int = 10) -> Any:
    line = a_line()
    numbers = NO_CHANCE | {"gold": share, "gold_answers": answers}
    line.policy = {"review": {"agreement": numbers}}
    line.save()
    return line


def planted(line: Any, verdict: str = "reject", because: str = "the sum is wrong") -> Gold:
    gold = plant(
        line,
        by=somebody(Role.MAINTAINER),
        verdict=verdict,
        because=because,
        title="Some sums",
        kind="dataset",
        rows=[{"prompt": "What is 2 plus 2?", "completion": "5"}],
        terms=TERMS,
    )
    Contribution.objects.filter(pk=gold.pk).update(stage=Stage.IN_REVIEW)
    return gold


def say(verdict: str, pr: Contribution, by: Account) -> Any:
    mine = Contribution.objects.get(pk=pr.pk)
    return actions.VERDICTS[verdict](mine, by=by, digest=mine.digest, because="so it is")


def test_no_number_of_acceptances_moves_a_gold_item_and_no_build_sees_it():
    line = a_line_with_gold()
    gold = planted(line)

    answers = [say("accept", gold.contribution, somebody(Role.REVIEWER)) for _ in range(4)]

    gold.contribution.refresh_from_db()
    assert all(isinstance(answer, Awaited) for answer in answers)
    assert gold.contribution.stage == Stage.IN_REVIEW
    assert not waiting_for_a_build(line).exists()
    assert actions.decide_overdue() == 0


def test_at_the_desk_it_reads_like_a_drawn_one_that_waits_for_its_second_review():
    line = a_line_with_gold()
    gold, alan = planted(line), somebody(Role.REVIEWER)
    drawn = a_contribution(line, stage=Stage.IN_REVIEW)
    line.policy["review"]["agreement"]["overlap"] = 1
    line.save()
    for _ in range(3):
        somebody(Role.REVIEWER)

    standing = [say("accept", pr, alan) for pr in (gold.contribution, drawn)]
    for _ in range(3):
        say("accept", gold.contribution, somebody(Role.REVIEWER))

    told = [(one.given, one.of, one.because, one.adjudication) for one in standing]
    assert told == [(1, 2, ("overlap",), False)] * 2
    assert voices_on(gold.contribution) == voices_on(drawn)
    pages = [
        calling(alan).get(f"contributions/{pr.pk}").json() for pr in (gold.contribution, drawn)
    ]
    assert pages[0].keys() == pages[1].keys()
    assert "gold" not in str(pages[0])


def test_the_ordinary_queue_leaves_it_to_the_policy_s_rate():
    line = a_line_with_gold(share=0)
    gold, grace = planted(line), somebody(Role.REVIEWER)

    never = next_special(grace)
    line.policy["review"]["agreement"]["gold"] = 1
    line.save()
    always = next_special(grace)

    assert (never, always.contribution) == (None, gold.contribution)
    assert list(queue_for(grace)) == []


def test_a_third_of_a_reviewer_s_items_are_gold_where_the_policy_says_a_third():
    line = a_line_with_gold(share=1 / 3)
    for _ in range(60):
        planted(line)
    grace, offered = somebody(Role.REVIEWER), 0

    for _ in range(60):
        special = next_special(grace)
        item = special.contribution if special else a_contribution(line, stage=Stage.IN_REVIEW)
        offered += special is not None
        say("accept", item, grace)

    assert 10 <= offered <= 30
    assert Voice.objects.filter(reviewer=grace).count() == offered


def test_nobody_gets_the_same_one_twice_or_one_they_planted():
    line = a_line_with_gold()
    gold, grace = planted(line), somebody(Role.REVIEWER)
    say("reject", gold.contribution, grace)

    assert next_special(grace) is None
    assert next_special(gold.planted_by) is None


def test_after_enough_answers_it_is_taken_away_and_the_record_opens_its_commitment():
    gold = planted(a_line_with_gold(answers=2))
    say("reject", gold.contribution, somebody(Role.REVIEWER))
    too_early = agreement.retire_answered()
    say("accept", gold.contribution, somebody(Role.REVIEWER))

    retired = agreement.retire_answered()

    gold.refresh_from_db()
    assert (too_early, retired, agreement.retire_answered()) == (0, 1, 0)
    assert gold.contribution.stage == Stage.WITHDRAWN
    committed = Event.objects.get(verb="planted").details
    assert committed == {"commitment": commitment(gold)}
    assert life_of(gold.contribution).get(verb="was gold").details["nonce"] == gold.nonce


def test_a_rejected_pr_serves_again_under_another_name_and_an_accepted_one_does_not():
    line, mary = a_line_with_gold(), somebody(Role.MAINTAINER)
    rejected = a_contribution(line, stage=Stage.REJECTED)
    accepted = a_contribution(line, stage=Stage.ACCEPTED)

    gold = plant_again(rejected, by=mary, because="the answers are wrong")

    assert gold.contribution.digest == rejected.digest
    assert gold.contribution.author != rejected.author
    with pytest.raises(BadGold, match="recognised"):
        plant_again(accepted, by=mary, because="right")
    with pytest.raises(NotAMaintainer):
        plant_again(rejected, by=somebody(Role.REVIEWER), because="wrong")


def test_a_reviewer_reads_their_own_hits_by_verdict_and_reason_with_intervals():
    line, grace = a_line_with_gold(), somebody(Role.REVIEWER)
    wrong_sums = [planted(line) for _ in range(3)]
    fine = planted(line, verdict="accept", because="plain and right")
    for gold, said in zip(
        [*wrong_sums, fine], ("reject", "changes", "accept", "accept"), strict=True
    ):
        say(said, gold.contribution, grace)

    mine = calibration(grace)

    assert (mine.overall.hits, mine.overall.of) == (3, 4)
    assert [(share.name, share.hits, share.of) for share in mine.by_reason] == [
        ("plain and right", 1, 1),
        ("the sum is wrong", 2, 3),
    ]
    low, high = mine.overall.interval
    assert (round(low, 3), round(high, 3)) == (0.301, 0.954)
    assert calibration(somebody(Role.REVIEWER)).overall.of == 0


def test_a_gold_item_that_a_reviewer_mends_stays_as_it_is():
    line = a_line_with_gold()
    gold = planted(line)
    pr, grace = Contribution.objects.get(pk=gold.pk), somebody(Role.REVIEWER)
    edits = [Edit(0, "completion", "4")]

    given = pending.give(pr, Step.ACCEPT, by=grace, digest=pr.digest, edits=edits)
    pending.carry_out(given)

    mended = Contribution.objects.get(pk=gold.pk)
    assert (mended.digest, mended.revision, mended.stage) == (pr.digest, 1, Stage.IN_REVIEW)
    assert Voice.objects.get().verdict == "changes"
    assert not Pending.objects.exists()


def test_a_gold_item_says_nothing_of_how_long_anybody_waits_and_counts_until_it_is_opened():
    line = a_line_with_gold(answers=1)
    gold = planted(line)
    move_back = Contribution.objects.filter(pk=gold.pk)
    move_back.update(stage=Stage.SUBMITTED)
    move(move_back.get(), Stage.IN_REVIEW, by="checks")
    promises.measure(line)
    pace = Pace.objects.get(line=line, stage=Stage.IN_REVIEW)
    hidden = leaderboard(line).submitted

    agreement.retire(Gold.objects.get())

    assert (pace.stays, pace.waiting, pace.arrivals_a_day) == (0, 0, 0)
    assert (hidden, leaderboard(line).submitted) == (1, 0)


def test_a_verdict_that_waits_counts_for_the_day_like_any_other():
    gold, grace = planted(a_line_with_gold()), somebody(Role.REVIEWER)
    kept = Habits.objects.create(account=grace)

    say("accept", gold.contribution, grace)

    assert decided_today(kept, timezone.now()) == 1
