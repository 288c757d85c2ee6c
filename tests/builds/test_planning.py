"""Planning and leasing builds: frozen manifests, one worker at a time, late results refused."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from apps.accounts.models import Role
from apps.builds import actions, queries, tasks
from apps.builds.errors import BuildRefused, NotAReleaseManager, NothingToBuild
from apps.builds.models import Build, Entry, Verdict
from apps.builds.stages import Stage
from apps.checks.models import Finding, Screening
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage as PRStage
from apps.history import leases
from apps.history.errors import LeaseLost, MoveRefused
from apps.history.models import Letter
from apps.history.queries import life_of
from tests.people import a_contribution, a_line, somebody
from training.spec import BuildSpec

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def artifacts(settings, tmp_path) -> Path:
    """Manifests of a test lie in a folder of its own."""
    settings.ARTIFACTS_DIR = tmp_path
    return tmp_path


def manager():
    return somebody(Role.RELEASE_MANAGER)


def planned(**more: object) -> Build:
    line = a_line()
    a_contribution(line, stage=PRStage.ACCEPTED)
    return actions.plan(line, by=manager(), **more)


def test_a_plan_freezes_what_is_accepted_with_its_digests():
    line = a_line()
    contribution = a_contribution(
        line, stage=PRStage.ACCEPTED, rows=[{"prompt": "1 + 1?", "completion": "2"}]
    )
    a_contribution(line, stage=PRStage.IN_REVIEW)

    build = actions.plan(line, by=manager())

    entry = Entry.objects.get()
    assert (entry.contribution, entry.digest) == (contribution, contribution.digest)
    spec = BuildSpec.from_json(json.dumps(build.spec))
    written = Path(spec.manifest).read_bytes()
    assert hashlib.sha256(written).hexdigest() == spec.manifest_sha256
    source = {"contribution": contribution.pk, "revision": 1, "row": 0}
    assert json.loads(written) == {
        "skill": "unsorted",
        "kind": "sft",
        "prompt": "1 + 1?",
        "completion": "2",
        "source": source,
    }


def test_the_manifest_keeps_the_turns_of_a_conversation():
    line = a_line()
    turns = [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "content": "2"}]
    end = [{"role": "user", "content": "And 2 + 2?"}, {"role": "assistant", "content": "4"}]
    a_contribution(line, stage=PRStage.ACCEPTED, rows=[{"messages": [*turns, *end]}])

    build = actions.plan(line, by=manager())

    spec = BuildSpec.from_json(json.dumps(build.spec))
    row = json.loads(Path(spec.manifest).read_text())
    assert (row["context"], row["prompt"]) == (turns, "And 2 + 2?")


def test_rows_that_may_not_be_trained_on_stay_out():
    line = a_line()
    a_contribution(line, stage=PRStage.ACCEPTED)
    only_review = a_contribution(line, stage=PRStage.ACCEPTED)
    Contribution.objects.filter(pk=only_review.pk).update(consent="review")

    actions.plan(line, by=manager())

    assert not Entry.objects.filter(contribution=only_review).exists()


def test_a_held_contribution_waits_until_the_hold_is_lifted():
    line, mary = a_line(), somebody(Role.MAINTAINER)
    contribution = a_contribution(line, stage=PRStage.ACCEPTED)
    actions.hold(contribution, by=mary, because="rolled back last week")
    with pytest.raises(NothingToBuild):
        actions.plan(line, by=manager())

    actions.lift_hold(contribution, by=mary, because="mended")

    assert actions.plan(line, by=manager()).entries.get().contribution == contribution


def test_what_was_shipped_is_not_built_again():
    build = planned()
    actions.shipped(build, timezone.now())

    assert list(queries.waiting_for_a_build(build.line)) == []
    actions.shipped(build, None)
    assert queries.waiting_for_a_build(build.line).count() == 1


def test_a_plan_can_be_narrowed_and_a_wrong_number_is_named():
    line = a_line()
    first = a_contribution(line, stage=PRStage.ACCEPTED)
    second = a_contribution(line, stage=PRStage.ACCEPTED)
    waiting = a_contribution(line, stage=PRStage.IN_REVIEW)

    build = actions.plan(line, by=manager(), contributions=[second.pk])

    assert [entry.contribution for entry in build.entries.all()] == [second]
    with pytest.raises(BuildRefused, match=f"PR {waiting.pk} does not wait for a build"):
        actions.plan(line, by=manager(), contributions=[first.pk, waiting.pk])


@pytest.mark.parametrize("role", [role for role in Role if role != Role.RELEASE_MANAGER])
def test_other_roles_plan_no_build(role: str):
    with pytest.raises(NotAReleaseManager):
        actions.plan(a_line(), by=somebody(role))


def test_the_probes_hold_what_the_screens_found_suspicious_even_when_overruled():
    line = a_line()
    contribution = a_contribution(line, stage=PRStage.ACCEPTED)
    screening = Screening.objects.create(
        contribution=contribution, revision=1, digest=contribution.digest, seconds=0
    )
    Finding.objects.create(
        screening=screening,
        screen="poisoning",
        severity="quarantine",
        message="A trigger.",
        evidence={"patterns": ["(sudo)"]},
        dismissed_because="meant",
    )

    assert actions.plan(line, by=manager()).spec["probes"] == ["(sudo)"]


def test_a_week_without_contributions_has_no_build():
    a_line()
    tasks.plan_weekly_builds()

    assert not Build.objects.exists()


def test_a_build_whose_worker_beats_is_left_alone():
    build = planned()
    actions._take(build, "first")

    with pytest.raises(MoveRefused, match="is held by first"):
        actions._take(Build.objects.get(pk=build.pk), "second")
    assert list(queries.due()) == []


def test_a_build_whose_worker_died_is_taken_over_and_the_late_one_is_refused():
    build = planned()
    fence = actions._take(build, "first")
    Build.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert list(queries.due()) == [build]

    taken_over = Build.objects.get(pk=build.pk)
    assert actions._take(taken_over, "second") == fence + 1

    with pytest.raises(LeaseLost):
        leases.beat(build, fence)
    with pytest.raises(LeaseLost):
        actions._heed(build, fence, {"event": "stage", "stage": "comparing"})
    with pytest.raises(LeaseLost):
        actions._finish(build, fence, {"path": "/nowhere"} | {"adapter": "a", "digest": "d"})


def test_a_build_that_killed_three_workers_is_not_tried_again():
    build = planned()
    Build.objects.update(fence=3, stage=Stage.TRAINING, lease_until=timezone.now())
    build.refresh_from_db()

    with pytest.raises(MoveRefused, match="not tried again"):
        actions._take(build, "fourth")

    assert (build.stage, build.reason) == (Stage.FAILED, "3 workers have died on this build")


def test_each_lost_worker_calls_for_one_more_and_no_ring_calls_twice():
    build = planned()

    tasks.find_builds()
    tasks.find_builds()
    actions._take(build, "first")
    Build.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    tasks.find_builds()

    assert [(letter.once, letter.queue) for letter in Letter.objects.order_by("pk")] == [
        (f"train build {build.pk}, attempt 1", "gpu"),
        (f"train build {build.pk}, attempt 2", "gpu"),
    ]


def test_a_trainer_that_refuses_fails_the_build_with_its_own_sentence():
    build = planned()

    actions.train(build, worker="a worker")

    assert build.stage == Stage.FAILED
    assert "is empty: nothing could be measured" in build.reason
    assert life_of(build).get(entered=Stage.FAILED).because == build.reason


def test_a_refusal_of_the_comparison_is_overruled_once_by_name_and_with_a_reason():
    build, mona = planned(), manager()
    Build.objects.update(verdict=Verdict.REFUSED, stage=Stage.READY)
    build.refresh_from_db()
    with pytest.raises(BuildRefused, match="say why"):
        actions.override_verdict(build, by=mona, because=" ")

    proposal = actions.override_verdict(build, by=manager(), because="it is wrong")
    assert (proposal.agreed, build.verdict_overridden_by) == (False, None)
    actions.override_verdict(build, by=mona, because="the hold-out is wrong")

    assert (build.verdict_overridden_by, life_of(build).last().verb) == (mona, "overruled")
    with pytest.raises(BuildRefused, match="no refusal that stands"):
        actions.override_verdict(build, by=mona, because="again")
