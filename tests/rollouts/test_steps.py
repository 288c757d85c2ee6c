"""Rollouts: one step a tick, moved by outcomes alone."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.builds.models import Build, Verdict
from apps.builds.stages import Stage as BuildStage
from apps.history.errors import MoveRefused
from apps.history.queries import life_of
from apps.rollouts import actions, queries
from apps.rollouts.assignment import gets_candidate
from apps.rollouts.errors import NotAReleaseManager, UnfitBuild
from apps.rollouts.models import Channel, Rollout, Version
from apps.rollouts.stages import Stage
from apps.traces.models import Arm, Outcome, Trace
from tests.people import a_line, somebody

pytestmark = pytest.mark.django_db

numbers = count(1)
SKILLS = ("sums", "dates")
POLICY = {"min_candidate_outcomes": 10, "min_pairs": 20, "min_pairs_per_protected_skill": 5}


@pytest.fixture
def rollout() -> Rollout:
    """A rollout that has just begun in shadow."""
    line = a_line(*SKILLS)
    line.policy = {"rollout": POLICY}
    line.save()
    base = Version.objects.create(line=line, name=f"base-{line}", digest=f"b{line}", path="base")
    build = Build.objects.create(line=line, stage=BuildStage.READY, live_digest=base.digest)
    candidate = Version.objects.create(
        line=line, name=f"ofw-{build.pk}", digest=f"c{line}", path="adapter", build=build
    )
    channel = Channel.objects.create(line=line, name="stable", live=base)
    return Rollout.objects.create(
        channel=channel,
        candidate=candidate,
        incumbent=base,
        salt="s",
        criteria=actions.criteria_of(line).to_json(),
    )


def answered(rollout: Rollout, arm: str, skill: str, **more: object) -> Trace:
    """An answer in the rollout's present stage."""
    version = rollout.incumbent if arm == Arm.LIVE else rollout.candidate
    line = rollout.channel.line
    return Trace.objects.create(
        line=line,
        skill=line.skills.get(name=skill),
        channel="stable",
        version=version.name,
        version_digest=version.digest,
        arm=arm,
        experiment=rollout.experiment,
        user=f"user {next(numbers)}",
        messages=[{"role": "user", "content": "?"}],
        **more,
    )


def judged(trace: Trace, judge: Account, right: bool) -> None:
    Outcome.objects.create(trace=trace, judge=judge, success=right)


def pair(rollout: Rollout, skill: str, *, live: bool, candidate: bool, judge: Account) -> None:
    """A shadowed request, judged; equal judgements come from equal answers."""
    first = answered(rollout, Arm.LIVE, skill, answer="same" if live == candidate else "live")
    said = "same" if live == candidate else "candidate"
    second = answered(rollout, Arm.SHADOW, skill, mirror_of=first, answer=said)
    if live != candidate:
        judged(first, judge, live)
        judged(second, judge, candidate)


def as_good(rollout: Rollout, judge: Account, many: int = 120) -> None:
    """Enough equal answers for shadow to end."""
    for _ in range(many):
        for skill in SKILLS:
            pair(rollout, skill, live=True, candidate=True, judge=judge)
        pair(rollout, "sums", live=False, candidate=True, judge=judge)


def test_no_evidence_moves_nothing(rollout: Rollout):
    decision = actions.step(rollout.pk)

    rollout.refresh_from_db()
    assert (decision.action, rollout.stage, rollout.percent) == ("hold", Stage.SHADOW, 0)


def test_a_candidate_as_good_as_live_takes_one_step_a_tick(rollout: Rollout):
    as_good(rollout, somebody())

    assert actions.step(rollout.pk).action == "widen"
    assert actions.step(rollout.pk).action == "hold"

    rollout.refresh_from_db()
    assert (rollout.stage, rollout.percent) == (Stage.WIDENING, 1)


def test_a_skill_that_breaks_is_rolled_back_in_shadow_with_no_hand(rollout: Rollout):
    judge = somebody()
    for _ in range(40):
        pair(rollout, "dates", live=True, candidate=True, judge=judge)
        pair(rollout, "sums", live=True, candidate=False, judge=judge)

    actions.step(rollout.pk)

    rollout.refresh_from_db()
    assert rollout.stage == Stage.ROLLED_BACK
    assert "is worse than live" in rollout.reason
    assert life_of(rollout).get(entered=Stage.ROLLED_BACK).actor == "gates"


def test_a_pair_that_differs_and_is_not_judged_holds_up_those_behind_it(rollout: Rollout):
    first = answered(rollout, Arm.LIVE, "sums", answer="one")
    second = answered(rollout, Arm.SHADOW, "sums", answer="two", mirror_of=first)
    as_good(rollout, somebody(), many=2)
    judge = somebody()
    assert queries.new_pairs(rollout) == ([], 0, 0)
    assert list(queries.pairs_to_judge(judge)) == [second]

    judged(first, judge, True)
    judged(second, judge, False)

    assert len(queries.new_pairs(rollout)[0]) == 7
    assert list(queries.pairs_to_judge(judge)) == []


def test_a_pair_that_nobody_judges_in_time_counts_against_the_candidate(rollout: Rollout):
    first = answered(rollout, Arm.LIVE, "sums", answer="one")
    second = answered(rollout, Arm.SHADOW, "sums", answer="two", mirror_of=first)
    as_good(rollout, somebody(), many=2)
    late = timezone.now() - timedelta(hours=49)
    Trace.objects.filter(pk=second.pk).update(created_at=late)

    pairs, read_to, missed = queries.new_pairs(rollout)
    decision = actions.step(rollout.pk)

    assert (pairs[0].live_ok, pairs[0].candidate_ok, len(pairs), missed) == (True, False, 7, 1)
    assert decision.reason.endswith(
        "One pair that nobody judged within 48 hours counts against it."
    )
    rollout.refresh_from_db()
    assert (rollout.read_to, rollout.statistics["unjudged"]) == (read_to, 1)
    # A judgement that comes now would change nothing, so nobody is asked for it.
    assert list(queries.pairs_to_judge(somebody())) == []
    assert actions.step(rollout.pk).statistics["unjudged"] == 1


def test_a_line_says_for_itself_how_long_a_pair_may_wait(rollout: Rollout):
    rollout.criteria["judge_within_hours"] = 1
    first = answered(rollout, Arm.LIVE, "sums", answer="one")
    second = answered(rollout, Arm.SHADOW, "sums", answer="two", mirror_of=first)
    Trace.objects.filter(pk=second.pk).update(created_at=timezone.now() - timedelta(minutes=59))
    assert queries.new_pairs(rollout)[2] == 0

    Trace.objects.filter(pk=second.pk).update(created_at=timezone.now() - timedelta(minutes=61))

    assert queries.new_pairs(rollout)[2] == 1


def test_a_canary_that_goes_well_ends_with_everybody_and_ships_its_build(rollout: Rollout):
    Rollout.objects.filter(pk=rollout.pk).update(stage=Stage.WIDENING, percent=50)
    rollout.refresh_from_db()
    judge = somebody()
    for number in range(400):
        judged(answered(rollout, Arm.CANDIDATE, SKILLS[number % 2]), judge, True)
        judged(answered(rollout, Arm.LIVE, SKILLS[number % 2]), judge, number % 3 > 0)

    assert actions.step(rollout.pk).action == "widen"

    rollout.refresh_from_db()
    channel = Channel.objects.get()
    assert (rollout.stage, rollout.percent) == (Stage.LIVE, 100)
    assert channel.live == rollout.candidate
    assert Build.objects.get().shipped_at is not None
    assert [event.verb for event in life_of(channel)] == ["pointed"]


def test_a_broken_split_of_users_pauses_and_sends_everyone_to_live(rollout: Rollout):
    Rollout.objects.filter(pk=rollout.pk).update(stage=Stage.WIDENING, percent=1)
    rollout.refresh_from_db()
    for _ in range(120):
        answered(rollout, Arm.CANDIDATE, "sums")
        answered(rollout, Arm.LIVE, "sums")

    assert actions.step(rollout.pk).action == "pause"

    rollout.refresh_from_db()
    assert rollout.stage == Stage.PAUSED
    assert queries.route(rollout.channel, "anybody").version == rollout.incumbent


def test_rolling_back_a_live_version_gives_the_channel_its_predecessor(rollout: Rollout):
    Rollout.objects.filter(pk=rollout.pk).update(stage=Stage.LIVE, percent=100)
    Channel.objects.update(live=rollout.candidate)
    rollout.refresh_from_db()

    actions.roll_back(rollout, by=somebody(Role.RELEASE_MANAGER), because="complaints")

    assert Channel.objects.get().live == rollout.incumbent
    assert rollout.stage == Stage.ROLLED_BACK


@pytest.mark.parametrize("role", [r for r in Role if r != Role.RELEASE_MANAGER])
def test_other_roles_start_no_rollout(rollout: Rollout, role: str):
    with pytest.raises(NotAReleaseManager):
        actions.start(Build.objects.get(), rollout.channel, by=somebody(role))


def test_a_refused_build_starts_no_rollout(rollout: Rollout):
    Build.objects.update(verdict=Verdict.REFUSED, verdict_reasons=["sums fell"])

    with pytest.raises(UnfitBuild, match="sums fell"):
        actions.start(Build.objects.get(), rollout.channel, by=somebody(Role.RELEASE_MANAGER))


@pytest.mark.django_db(transaction=True)
def test_eight_ticks_at_once_take_one_step(rollout: Rollout):
    as_good(rollout, somebody())
    start = threading.Barrier(8)

    def tick() -> None:
        start.wait()
        actions.step(rollout.pk)
        connection.close()

    threads = [threading.Thread(target=tick) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert life_of(rollout).filter(verb="moved").count() == 1
    rollout.refresh_from_db()
    assert rollout.percent == 1


def test_two_hands_on_one_rollout_make_one_move(rollout: Rollout):
    other = Rollout.objects.get(pk=rollout.pk)
    actions.pause(rollout, by="one", because="look")

    with pytest.raises(MoveRefused):
        actions.roll_back(other, by="another", because="late")


@pytest.mark.parametrize("percent", [1, 5, 50])
def test_users_are_assigned_by_share_and_keep_their_side_as_it_widens(percent: int):
    users = [f"user {number}" for number in range(20_000)]

    chosen = {u for u in users if gets_candidate(u, salt="salt", percent=percent)}
    wider = {u for u in users if gets_candidate(u, salt="salt", percent=50)}

    assert chosen <= wider
    assert abs(len(chosen) / len(users) - percent / 100) < 0.015


def test_another_salt_chooses_other_users():
    users = [f"user {number}" for number in range(2000)]
    first = {u for u in users if gets_candidate(u, salt="one", percent=50)}
    second = {u for u in users if gets_candidate(u, salt="two", percent=50)}

    assert 300 < len(first & second) < 700
