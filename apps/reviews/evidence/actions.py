"""Measuring PRs: taken under a lease, asked and learned in a child process, and given up to builds.

A worker that dies leaves leases that run out; a crash is counted against the PRs it held, which
are then tried alone, and after a few of them a PR says that it could not be measured.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.contributions.models import Contribution
from apps.history import leases
from apps.history.actions import record
from apps.history.errors import LeaseLost
from apps.history.queries import waiting_for_a_worker
from apps.reviews.evidence import queries
from apps.reviews.evidence.errors import Interrupted
from apps.reviews.evidence.models import Evidence, Served, State
from apps.reviews.evidence.offering import job_for, key_of
from apps.reviews.evidence.rule import EvidenceRule
from apps.skills.models import ModelLine
from training import child

logger = logging.getLogger(__name__)

QUEUE = "gpu"
TASK = "apps.reviews.evidence.tasks.measure_waiting"
# Any constant does: PRs are taken by one hand at a time, which takes milliseconds.
TAKING_LOCK = 0x0F18
MEASURER = "evidence"


@dataclass
class Batch:
    """PRs of one line that one worker holds; what has ended leaves `open`."""

    served: Served
    rule: EvidenceRule
    open: dict[str, Evidence] = field(default_factory=dict)


def serves(line: ModelLine, *, name: str = "", digest: str = "", folder: str = "") -> None:
    """Told by builds: this adapter serves everyone, or the base model does."""
    told = {"name": name, "digest": digest, "folder": folder}
    if not Served.objects.filter(line=line, **told).exists():
        Served.objects.update_or_create(line=line, defaults=told)


def measure_waiting(*, worker: str) -> int:
    """Take the PRs that have waited longest and measure them; returns how many there were.

    Raises `Interrupted` when the worker is wanted for something else, before or in between.
    """
    _give_way()
    batch = take(worker)
    if not batch.open:
        return 0
    held = len(batch.open)
    try:
        _measure(batch)
    except Interrupted:
        _give_back(batch, attempted=False)
        raise
    except child.ChildFailed as failure:
        _crashed(batch, str(failure))
    except Exception:
        _give_back(batch, attempted=True)
        raise
    return held


def take(worker: str) -> Batch:
    """Lease the PRs of one line that wait, a few together; one alone where a batch has crashed.

    What was measured before for the same rows, version and recipe is taken from there.
    """
    with transaction.atomic():
        _one_hand_at_a_time()
        first = queries.due().first()
        if first is None:
            return Batch(Served(), EvidenceRule())
        served, rule = queries.served(first.line), EvidenceRule.of(first.line)
        batch = Batch(served, rule)
        waiting = queries.due().filter(line=first.line)[: rule.together]
        for contribution in waiting:
            evidence = _lease(contribution, served, rule, worker)
            alone = evidence.attempts > 1
            if alone and batch.open:
                _release(evidence)
                break
            if not _spared(evidence, rule):
                batch.open[str(evidence.pk)] = evidence
            if alone and batch.open:
                break
        return batch


def _lease(contribution: Contribution, served: Served, rule: EvidenceRule, worker: str) -> Evidence:
    evidence, _ = Evidence.objects.get_or_create(
        contribution=contribution,
        key=key_of(contribution, served, rule),
        defaults={
            "revision": contribution.revision,
            "digest": contribution.digest,
            "version": served.digest,
            "version_name": served.name,
        },
    )
    evidence.contribution = contribution
    evidence.fence += 1
    evidence.attempts += 1
    evidence.worker, evidence.lease_until = worker, leases.until()
    evidence.state, evidence.revision = State.ASKING, contribution.revision
    evidence.save()
    return evidence


def _spared(evidence: Evidence, rule: EvidenceRule) -> bool:
    """Whether nothing is left to do: measured before, or tried too often."""
    if before := queries.measured_before(evidence.key):
        copied = ("asked", "failing", "fixed", "spoiled", "cases", "broken", "answers", "kept")
        _end(evidence, State.MEASURED, **{name: getattr(before, name) for name in copied})
        return True
    if evidence.attempts > rule.attempts:
        reason = evidence.reason or f"{rule.attempts} workers have died while they measured it"
        _end(evidence, State.FAILED, reason=reason)
        return True
    return False


def _measure(batch: Batch) -> None:
    """Run the trainer's preview over the batch and write down what it tells, PR by PR."""
    job = job_for(batch.served, list(batch.open.values()), batch.rule)
    home = Path(settings.ARTIFACTS_DIR) / "evidence"
    home.mkdir(parents=True, exist_ok=True)
    # The rows lie there while they are measured, and no longer.
    with TemporaryDirectory(dir=home) as folder:
        path = Path(folder) / "job.json"
        path.write_text(job.to_json(), encoding="utf-8")
        beat = partial(_beat, batch, until=time.monotonic() + batch.rule.seconds)
        beat()
        for event in child.heard(
            ["preview", str(path)],
            errors=Path(folder) / "stderr.log",
            threads=job.settings.threads,
            beat=beat,
            every=settings.HEARTBEAT_SECONDS,
        ):
            _heed(batch, event)
            beat()
    if batch.open:
        raise child.ChildFailed("the trainer has ended without a word about it")


def _beat(batch: Batch, *, until: float) -> None:
    """Prolong every lease; `Interrupted` where a PR has moved on or the worker is wanted.

    What has not ended by `until` (on the monotonic clock) counts as a crash.
    """
    if batch.open and time.monotonic() > until:
        raise child.ChildFailed(f"it has not ended in {batch.rule.seconds} seconds")
    for evidence in list(batch.open.values()):
        if not queries.stands(evidence):
            raise Interrupted(f"{evidence.contribution} has moved on")
        try:
            leases.beat(evidence, evidence.fence)
        except LeaseLost as lost:
            del batch.open[str(evidence.pk)]
            logger.info("skipped: %s", lost)
    if batch.open:
        _give_way()


def _give_way() -> None:
    if waiting_for_a_worker(QUEUE, besides=TASK):
        raise Interrupted("a build waits for this worker")


def _heed(batch: Batch, event: dict[str, Any]) -> None:
    """Write down what the trainer says of one PR, if it is still ours."""
    evidence = batch.open.get(event.get("offer", ""))
    if evidence is None:
        return
    if event["event"] == "answered":
        _write(evidence, state=State.LEARNING, answers=event["rows"], **_counts(event["rows"]))
        return
    del batch.open[event["offer"]]
    if not queries.stands(evidence):
        _release(evidence)
    elif event["event"] == "refused":
        _end(evidence, State.FAILED, reason=event["message"])
    else:
        rows, cases = event["rows"], event["cases"]
        told = _counts(rows) | _kept_counts(cases) | {"answers": rows, "kept": cases}
        _end(evidence, State.MEASURED, **told, seconds=event["seconds"])


def _counts(rows: Sequence[dict[str, Any]]) -> dict[str, int | None]:
    failing = [row for row in rows if not row["live"]["right"]]
    learned = any("preview" in row for row in rows)
    right = [row for row in rows if row["live"]["right"]]
    return {
        "asked": len(rows),
        "failing": len(failing),
        "fixed": sum(row["preview"]["right"] for row in failing) if learned else None,
        "spoiled": sum(not row["preview"]["right"] for row in right) if learned else None,
    }


def _kept_counts(cases: Sequence[dict[str, Any]]) -> dict[str, int | None]:
    """Of cases that the live model knows: one that it gets wrong itself cannot be broken."""
    known = [case for case in cases if case["live"]["right"]]
    broken = sum(not case["preview"]["right"] for case in known)
    return {"cases": len(known), "broken": broken} if cases else {}


def _crashed(batch: Batch, reason: str) -> None:
    """Held against each PR that was open; the last attempt says so on its page."""
    for evidence in batch.open.values():
        if evidence.attempts >= batch.rule.attempts:
            _end(evidence, State.FAILED, reason=reason)
        else:
            leases.give_back(evidence, evidence.fence, reason=reason)


def _give_back(batch: Batch, *, attempted: bool) -> None:
    for evidence in batch.open.values():
        _release(evidence, attempted=attempted)


def _release(evidence: Evidence, *, attempted: bool = False) -> None:
    """Let the next worker have it; an attempt that was none is not counted."""
    attempts = evidence.attempts if attempted else evidence.attempts - 1
    leases.give_back(evidence, evidence.fence, attempts=attempts)


def _end(evidence: Evidence, state: str, **told: Any) -> None:
    """The last word on it, which goes on the PR's record; not from a worker that was too late."""
    told |= {"state": state, "ended_at": timezone.now(), "lease_until": None}
    try:
        with transaction.atomic():
            leases.write(evidence, evidence.fence, **told)
            verb = "measured" if state == State.MEASURED else "not measured"
            names = ("asked", "failing", "fixed", "cases", "broken")
            details = {name: told[name] for name in names if told.get(name) is not None}
            details |= {"key": evidence.key, "version": evidence.version_name}
            because = told.get("reason", "")
            record(evidence.contribution, verb, by=MEASURER, because=because, details=details)
    except LeaseLost as lost:
        logger.info("skipped: %s", lost)


def _write(evidence: Evidence, **told: Any) -> None:
    try:
        leases.write(evidence, evidence.fence, **told)
    except LeaseLost as lost:
        logger.info("skipped: %s", lost)


def _one_hand_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [TAKING_LOCK])
