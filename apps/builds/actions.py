"""Planning a build, training it under a lease, overruling its verdict, holding rows back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.builds import manifest, queries, rules, trainer
from apps.builds.errors import BuildRefused, NothingToBuild, TrainingFailed
from apps.builds.models import Build, Entry, Hold, Verdict
from apps.builds.stages import Stage
from apps.checks.queries import patterns_seen, suspicious_patterns
from apps.contributions.models import Contribution
from apps.history import leases, two_people
from apps.history.actions import Actor, move, record
from apps.history.errors import LeaseLost, MoveRefused
from apps.history.models import Proposal
from apps.reviews.evidence import actions as evidence
from apps.reviews.sampling.queries import bad_in
from apps.skills.models import ModelLine
from training.spec import BuildSpec, Schedule, SkillRule

# A build that has killed this many workers (out of memory, most likely) is not tried again.
MOST_ATTEMPTS = 3
OVERRIDE = "override"


def plan(line: ModelLine, *, by: Actor, contributions: Sequence[int] | None = None) -> Build:
    """Freeze what is accepted into a manifest and queue it for training.

    `contributions` narrows the build to these numbers. Raises `NothingToBuild`, or
    `BuildRefused` when a number does not wait for a build.
    """
    if isinstance(by, Account):
        rules.ensure_may_plan(by)
    chosen = _chosen(line, contributions)
    live = queries.live_build(line)
    with transaction.atomic():
        build = Build.objects.create(
            line=line,
            asked_by=by if isinstance(by, Account) else None,
            live_digest=live.digest if live else "",
        )
        _enter(build, chosen)
        build.spec = _spec(build, live, probes=_probes(line, chosen))
        build.save(update_fields=["row_count", "spec"])
        numbers = [contribution.pk for contribution in chosen]
        record(build, "planned", by=by, details={"contributions": numbers})
    return build


def train(build: Build, *, worker: str) -> None:
    """Take the build's lease, train and compare, and write down what came out.

    A worker that loses its lease (`LeaseLost`) leaves no trace: another one has the build.
    """
    fence = _take(build, worker)
    folder = _folder(build)
    out = folder / f"attempt-{fence}"
    spec = folder / "spec.json"
    spec.write_text(json.dumps(build.spec, sort_keys=True, indent=1), encoding="utf-8")
    try:
        done: dict[str, Any] = {}
        for event in trainer.run(spec, out, beat=partial(leases.beat, build, fence)):
            done = _heed(build, fence, event) or done
        _finish(build, fence, done)
    except TrainingFailed as failure:
        _fail(build, fence, str(failure))
    except Exception:
        # Whatever broke, it was not the training: let the next worker try at once.
        leases.give_back(build, fence)
        raise


def override_verdict(build: Build, *, by: Account, because: str) -> Proposal:
    """Overrule a refusal of the comparison; who and why go on record.

    It takes two people; until the second the proposal that comes back is not `agreed`.
    """
    rules.ensure_may_override(by)
    if not because.strip():
        raise BuildRefused(_("say why the comparison should be overruled"))
    build.refresh_from_db()
    if build.verdict != Verdict.REFUSED or build.verdict_overridden_by_id is not None:
        raise BuildRefused(_("%(build)s has no refusal that stands") % {"build": build})
    with transaction.atomic():
        proposal = two_people.ask(
            build,
            OVERRIDE,
            by=by,
            because=because,
            terms={"digest": build.digest},
            may=rules.may_override,
        )
        if proposal.agreed:
            _overrule(build, by, because, proposal)
    build.refresh_from_db()
    return proposal


def _overrule(build: Build, by: Account, because: str, proposal: Proposal) -> None:
    changed = Build.objects.filter(
        pk=build.pk, verdict=Verdict.REFUSED, verdict_overridden_by=None
    ).update(verdict_overridden_by=by, verdict_overridden_because=because)
    if not changed:
        raise BuildRefused(_("%(build)s has no refusal that stands") % {"build": build})
    details = {"proposed_by": str(proposal.proposed_by)}
    record(build, "overruled", by=by, because=because, details=details)


def hold(contribution: Contribution, *, by: Account, because: str) -> Hold:
    """Keep an accepted contribution out of builds until the hold is lifted."""
    rules.ensure_may_hold(by)
    if not because.strip():
        raise BuildRefused(_("say why the contribution should be held"))
    with transaction.atomic():
        held, new = Hold.objects.get_or_create(
            contribution=contribution, defaults={"by": by, "because": because}
        )
        if new:
            record(contribution, "held", by=by, because=because)
    return held


def lift_hold(contribution: Contribution, *, by: Account, because: str) -> None:
    """Let a held contribution into the next build again."""
    rules.ensure_may_hold(by)
    with transaction.atomic():
        lifted, _ = Hold.objects.filter(contribution=contribution).delete()
        if lifted:
            record(contribution, "hold lifted", by=by, because=because)


def shipped(build: Build, at: datetime | None) -> None:
    """Told by rollouts: the adapter is live for everyone since `at`, or no more (None)."""
    Build.objects.filter(pk=build.pk).update(shipped_at=at)
    build.shipped_at = at
    tell_who_serves(build.line)


def tell_who_serves(line: ModelLine) -> None:
    """Tell evidence, which stands to the left, whose answers PRs are measured against."""
    live = queries.live_build(line)
    if live:
        evidence.serves(line, name=live.adapter, digest=live.digest, folder=live.path)
    else:
        evidence.serves(line)


def _chosen(line: ModelLine, numbers: Sequence[int] | None) -> list[Contribution]:
    waiting = list(queries.waiting_for_a_build(line))
    if numbers is not None:
        if missing := set(numbers) - {contribution.pk for contribution in waiting}:
            named = ", ".join(f"PR {number}" for number in sorted(missing))
            said = _("%(named)s does not wait for a build: not accepted, held or shipped")
            raise BuildRefused(said % {"named": named})
        waiting = [contribution for contribution in waiting if contribution.pk in set(numbers)]
    if not waiting:
        raise NothingToBuild(_("no accepted contribution waits for a build"))
    return waiting


def _enter(build: Build, contributions: Sequence[Contribution]) -> None:
    """Put them in, and count the rows that are read: what a sample found bad is not."""
    bad = bad_in(contributions)
    entries = [
        Entry(
            build=build,
            contribution=contribution,
            revision=contribution.revision,
            digest=contribution.digest,
            row_count=contribution.row_count - bad.get(contribution.pk, 0),
        )
        for contribution in contributions
    ]
    build.row_count = sum(entry.row_count for entry in Entry.objects.bulk_create(entries))


def _probes(line: ModelLine, chosen: Sequence[Contribution]) -> list[str]:
    """Suspicious text to try on the candidate: of its own rows first, then of all quarantines."""
    patterns = dict.fromkeys([*suspicious_patterns(chosen), *patterns_seen(line)])
    return list(patterns)


def _spec(build: Build, live: Build | None, *, probes: Sequence[str]) -> dict[str, Any]:
    folder = _folder(build)
    rows = manifest.freeze_rows(build, folder)
    replay = manifest.freeze_replay(build.line, folder)
    earlier = manifest.freeze_earlier(build.line, folder)
    hold_out = manifest.freeze_hold_out(build.line, folder)
    start_from = live.path if live else None
    schedule = Schedule.starting_from(start_from)
    spec = BuildSpec(
        build=build.pk,
        base=build.line.base,
        start_from=start_from,
        manifest=str(rows.path),
        manifest_sha256=rows.sha256,
        replay=str(replay.path) if replay.rows else None,
        replay_sha256=replay.sha256 if replay.rows else None,
        earlier=str(earlier.path) if earlier.rows else None,
        earlier_sha256=earlier.sha256 if earlier.rows else None,
        holdout=str(hold_out.path),
        holdout_sha256=hold_out.sha256,
        skills={
            skill.name: SkillRule(skill.protected, skill.margin, skill.title)
            for skill in build.line.skills.all()
        },
        probes=tuple(probes),
        epochs=schedule.epochs,
        learning_rate=schedule.learning_rate,
    )
    return json.loads(spec.to_json())


def _take(build: Build, worker: str) -> int:
    """Take the lease; `MoveRefused` when another worker holds it. Returns the fencing number."""
    if build.lease_until and build.lease_until > timezone.now():
        raise MoveRefused(f"{build} is held by {build.worker}")
    fence = build.fence + 1
    if fence > MOST_ATTEMPTS:
        _fail(build, build.fence, f"{MOST_ATTEMPTS} workers have died on this build")
        raise MoveRefused(f"{build} is not tried again")
    again = f"the worker {build.worker} has stopped beating" if build.fence else ""
    lease = {"fence": fence, "worker": worker, "lease_until": leases.until()}
    move(build, Stage.TRAINING, by=worker, because=again, also=lease)
    return fence


def _heed(build: Build, fence: int, event: dict[str, Any]) -> dict[str, Any] | None:
    """Write down one event of the trainer; returns the last one, which names the adapter."""
    kind = event["event"]
    if kind == "progress":
        leases.beat(build, fence, steps_done=event["done"], steps_total=event["total"])
    elif kind == "stage" and event["stage"] == Stage.COMPARING:
        move(_held(build, fence), Stage.COMPARING, by=build.worker, also={"fence": fence})
    return event if kind == "done" else None


def _finish(build: Build, fence: int, done: dict[str, Any]) -> None:
    held = _held(build, fence)
    report = json.loads((Path(done["path"]) / "report.json").read_text(encoding="utf-8"))
    move(
        held,
        Stage.READY,
        by=build.worker,
        because=" ".join(report["reasons"]),
        also={
            "fence": fence,
            "adapter": done["adapter"],
            "digest": done["digest"],
            "path": done["path"],
            "report": report,
            "verdict": report["verdict"],
            "verdict_reasons": report["reasons"],
            "ended_at": timezone.now(),
        },
        details={"adapter": done["adapter"], "digest": done["digest"]},
    )


def _fail(build: Build, fence: int, reason: str) -> None:
    move(
        _held(build, fence),
        Stage.FAILED,
        by=build.worker,
        because=reason,
        also={"fence": fence, "reason": reason, "ended_at": timezone.now()},
    )


def _held(build: Build, fence: int) -> Build:
    """The build as the database has it; `LeaseLost` when the fencing number has moved on."""
    build.refresh_from_db()
    if build.fence != fence:
        raise LeaseLost(f"{build} has been taken over by another worker")
    return build


def _folder(build: Build) -> Path:
    return Path(settings.ARTIFACTS_DIR) / "builds" / str(build.pk)
