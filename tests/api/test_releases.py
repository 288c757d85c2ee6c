"""Builds, holds and rollouts over REST: who may, and how a refusal reads."""

from __future__ import annotations

import pytest

from apps.accounts.models import Role
from apps.builds.models import Build, Verdict
from apps.builds.stages import Stage as BuildStage
from apps.contributions.stages import Stage
from apps.rollouts.actions import publish_base
from apps.rollouts.models import Channel, Rollout, Version
from apps.rollouts.stages import Stage as RolloutStage
from apps.skills.models import ModelLine
from tests.api.calling import Caller, calling
from tests.people import a_contribution, somebody


@pytest.fixture
def mona(line: ModelLine) -> Caller:
    """A release manager."""
    return calling(somebody(Role.RELEASE_MANAGER))


@pytest.fixture
def stable(line: ModelLine) -> Channel:
    return publish_base(line, name="base", digest="0" * 64, channel="stable", by="operator")


def a_build(line: ModelLine, number: int = 1, **more: object) -> Build:
    fields: dict[str, object] = {
        "stage": BuildStage.READY,
        "verdict": Verdict.FIT,
        "adapter": f"ofw-{number}-000000000000",
        "digest": str(number) * 64,
        "live_digest": "0" * 64,
        "path": "/somewhere/private",
    }
    return Build.objects.create(line=line, **fields | more)


def a_rollout(channel: Channel, build: Build) -> Rollout:
    version = Version.objects.create(
        line=build.line, name=build.adapter, digest=build.digest, build=build, path=build.path
    )
    return Rollout.objects.create(
        channel=channel, candidate=version, incumbent=channel.live, salt="s", percent=0
    )


def test_a_build_that_was_overruled_says_by_whom_and_why(
    line: ModelLine, mona: Caller, stranger: Caller
) -> None:
    reasons = ["sums fell by 12 points"]
    build = a_build(line, verdict=Verdict.REFUSED, verdict_reasons=reasons)

    silent = mona.post(f"builds/{build.pk}/override", {})
    other = calling(somebody(Role.MAINTAINER))
    proposed = other.post(f"builds/{build.pk}/override", {"because": "to see"})
    mona.post(f"builds/{build.pk}/override", {"because": "a drill"})
    again = mona.post(f"builds/{build.pk}/override", {"because": "a drill"})

    shown = stranger.get(f"builds/{build.pk}").json()
    assert silent.json()["errors"][0]["pointer"] == "/because"
    assert (proposed.status_code, proposed.json()["overridden_by"]) == (202, None)
    assert shown["overridden_because"] == "a drill"
    assert mona.account is not None
    assert shown["overridden_by"] == mona.account.username
    assert (again.status_code, again.json()["code"]) == (409, "build_refused")


def test_no_folder_of_the_machine_is_shown(
    line: ModelLine, stable: Channel, stranger: Caller
) -> None:
    rollout = a_rollout(stable, a_build(line))

    for address in ("builds", "builds/1", "rollouts", f"rollouts/{rollout.pk}"):
        assert "private" not in stranger.get(address).content.decode()


def test_a_build_of_nothing_is_a_conflict(mona: Caller) -> None:
    answer = mona.post("builds", {})

    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_build")


def test_a_contributor_starts_no_build(line: ModelLine, ada: Caller) -> None:
    assert ada.post("builds", {}).json()["code"] == "scope_missing"


def test_a_held_contribution_says_so_until_the_hold_is_lifted(
    line: ModelLine, stranger: Caller
) -> None:
    maintainer = calling(somebody(Role.MAINTAINER))
    number = a_contribution(line, stage=Stage.ACCEPTED).pk

    maintainer.post(f"contributions/{number}/hold", {"because": "rolled back in shadow"})
    held = stranger.get(f"contributions/{number}").json()["held"]
    lifted = maintainer.delete(f"contributions/{number}/hold")

    assert held["because"] == "rolled back in shadow"
    assert lifted.status_code == 204
    assert stranger.get(f"contributions/{number}").json()["held"] is None


def test_a_refused_build_does_not_roll_out(line: ModelLine, stable: Channel, mona: Caller) -> None:
    build = a_build(line, verdict=Verdict.REFUSED, verdict_reasons=["sums fell"])

    answer = mona.post("rollouts", {"build": build.pk})

    assert (answer.status_code, answer.json()["code"]) == (409, "unfit_build")
    assert "sums fell" in answer.json()["detail"]


def test_an_unknown_channel_or_build_is_not_found(
    line: ModelLine, stable: Channel, mona: Caller
) -> None:
    build = a_build(line)

    no_channel = mona.post("rollouts", {"build": build.pk, "channel": "nightly"})
    no_build = mona.post("rollouts", {"build": 4711})

    assert (no_channel.status_code, no_channel.json()["code"]) == (404, "unknown_version")
    assert (no_build.status_code, no_build.json()["code"]) == (404, "not_found")


def test_a_rollout_is_paused_resumed_and_rolled_back_by_hand_on_record(
    line: ModelLine, stable: Channel, mona: Caller, stranger: Caller
) -> None:
    rollout = a_rollout(stable, a_build(line))
    address = f"rollouts/{rollout.pk}"

    stages = [
        mona.post(f"{address}/{verb}", {"because": f"to {verb}"}).json()["stage"]
        for verb in ("pause", "resume", "roll-back")
    ]
    late = mona.post(f"{address}/pause", {"because": "too late"})

    assert stages == [RolloutStage.PAUSED, RolloutStage.SHADOW, RolloutStage.ROLLED_BACK]
    assert (late.status_code, late.json()["code"]) == (409, "move_refused")
    assert stranger.get(address).json()["reason"] == "to roll-back"


def test_a_contributor_moves_no_rollout(line: ModelLine, stable: Channel, ada: Caller) -> None:
    rollout = a_rollout(stable, a_build(line))

    answer = ada.post(f"rollouts/{rollout.pk}/roll-back", {"because": "I can"})

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
