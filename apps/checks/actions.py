"""Screening what waits, and sending it on: to review, or to quarantine."""

from __future__ import annotations

import time

from django.db import transaction

from apps.checks import queries
from apps.checks.hints import prints_of
from apps.checks.models import Finding, Print, Screening
from apps.checks.reference import reference_for, row_for_screens
from apps.contributions.models import Contribution
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.history.actions import move
from training.screening import SCREENS, Found, screen, worst


def check(contribution: Contribution) -> Screening:
    """Run every screen over the current revision and send the contribution on.

    A screen that crashes is itself a finding. Raises `MoveRefused` when the contribution has
    moved meanwhile (withdrawn, or checked by another worker); then nothing is stored.
    """
    began = time.perf_counter()
    found = _screen(contribution)
    seconds = time.perf_counter() - began
    quarantined = worst(found) == "quarantine"
    entered = Stage.QUARANTINED if quarantined else Stage.IN_REVIEW
    grave = (one.message.rstrip(".") for one in found if one.severity == "quarantine")
    because = " ".join(f"{message}." for message in grave)
    with transaction.atomic():
        move(
            contribution,
            entered,
            by="checks",
            because=because[:2000],
            also={"revision": contribution.revision},
            details={"findings": len(found)},
        )
        Print.objects.bulk_create(prints_of(contribution), ignore_conflicts=True)
        return _store(contribution, found, seconds)


def _screen(contribution: Contribution) -> list[Found]:
    rows = list(rows_of(contribution))
    found = screen(
        [row_for_screens(row, contribution.kind) for row in rows],
        reference_for(contribution.line),
        licence=contribution.licence,
    )
    return [*found, *_copies_elsewhere(contribution)]


def _copies_elsewhere(contribution: Contribution) -> list[Found]:
    """Rows that stand word for word in an earlier contribution, whoever sent it."""
    copies = queries.rows_seen_before(contribution)
    if not copies:
        return []
    numbers = sorted({number for _, number in copies})
    named = ", ".join(f"PR {number}" for number in numbers[:5])
    places = sorted({position for position, _ in copies})
    share = len(places) / max(1, contribution.row_count)
    return [
        Found(
            screen="duplicates",
            severity="flag" if share >= 0.5 else "note",
            rows=tuple(places),
            message=f"{len(places)} of {contribution.row_count} rows stand in {named} already",
            mend="leave out the rows that were sent before",
            evidence={"contributions": list(numbers)},
        )
    ]


def _store(contribution: Contribution, found: list[Found], seconds: float) -> Screening:
    screening = Screening.objects.create(
        contribution=contribution,
        revision=contribution.revision,
        digest=contribution.digest,
        seconds=seconds,
        screens=["licence", *SCREENS],
    )
    Finding.objects.bulk_create(
        Finding(
            screening=screening,
            screen=one.screen,
            severity=one.severity,
            rows=list(one.rows),
            message=one.message,
            mend=one.mend,
            evidence=dict(one.evidence),
        )
        for one in found
    )
    return screening
