"""What the clock reckons: posteriors of closed rounds, alpha by skill and week, signals."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.reviews.agreement.consensus import Said, agreement, posteriors
from apps.reviews.agreement.models import Alpha, Audit, Gold, Round, Signal, Voice
from apps.reviews.agreement.policy import AgreementPolicy
from apps.reviews.agreement.queries import WEEKS
from apps.reviews.agreement.signals import favours, stamps
from apps.reviews.models import Decision, Verdict
from apps.skills.models import ModelLine

VERDICTS = (Verdict.ACCEPT.value, Verdict.CHANGES.value, Verdict.REJECT.value)


def weigh(line: ModelLine) -> int:
    """Reckon the posterior of every round that closed lately; returns how many.

    Every voice helps to know its giver, also those on gold items, whose right verdict is known.
    """
    since = timezone.now() - timedelta(weeks=WEEKS)
    voices = Voice.objects.filter(round__contribution__line=line, at__gte=since)
    said = list(voices.values_list("round", "reviewer", "verdict"))
    # Who was a trusted contributor once and reviews now is a reviewer to all of it.
    whole = set(voices.filter(half=False).values_list("reviewer", flat=True))
    halves = {reviewer for _, reviewer, _ in said} - whole
    gold = Gold.objects.filter(contribution__line=line)
    known = dict(gold.values_list("contribution__rounds", "verdict"))
    known = {key: verdict for key, verdict in known.items() if key}
    found = posteriors(said, known, VERDICTS, halves=halves)
    closed = Round.objects.filter(pk__in=found, closed_at__isnull=False)
    for held in closed:
        held.posterior = found[held.pk]
    Round.objects.bulk_update(closed, ["posterior"], batch_size=500)
    return len(closed)


def measure(line: ModelLine) -> int:
    """Reckon alpha by week, for each skill and for all; returns how many were stored."""
    by_group: dict[tuple[date, int | None], list[Said]] = defaultdict(list)
    for day, skill, item, reviewer, verdict in _said_of(line):
        monday = day - timedelta(days=day.weekday())
        for group in {skill, None}:
            by_group[monday, group].append((item, reviewer, verdict))
    rows = []
    for (week, group), said in by_group.items():
        now = agreement(said, seed=week.toordinal())
        if now.items:
            rows.append(
                Alpha(
                    line=line,
                    skill_id=group,
                    week=week,
                    alpha=now.alpha,
                    low=now.low,
                    high=now.high,
                    items=now.items,
                    voices=now.voices,
                )
            )
    with transaction.atomic():
        first = timezone.now().date() - timedelta(weeks=WEEKS, days=7)
        Alpha.objects.filter(line=line, week__gte=first).delete()
        Alpha.objects.bulk_create(rows)
    return len(rows)


def _said_of(line: ModelLine) -> list[tuple[Any, int | None, int, int, str]]:
    """(day, skill, item, reviewer, verdict) of opened rounds and answered audits, lately.

    Only voices that knew of no other count, so an adjudicator's does: it was given blind too. Half
    voices do not: alpha takes all who speak for reviewers of one kind.
    """
    monday = timezone.now().date() - timedelta(weeks=WEEKS)
    since = monday - timedelta(days=monday.weekday())
    heard = Voice.objects.filter(
        round__contribution__line=line, round__closed_at__date__gte=since, half=False
    ).values_list("round__closed_at", "round__contribution__skill", "round", "reviewer", "verdict")
    said: list[tuple[Any, int | None, int, int, str]] = [
        (at.date(), skill, item, who, verdict) for at, skill, item, who, verdict in heard if at
    ]
    # An audited decision of one voice is an item of two; its number must be nobody else's.
    audits = Audit.objects.filter(
        decision__contribution__line=line, answered_at__date__gte=since
    ).values_list(
        *("answered_at", "decision__contribution__skill", "pk", "auditor", "verdict"),
        *("decision__reviewer", "decision__verdict"),
    )
    for at, skill, item, auditor, again, reviewer, first in audits:
        said += [
            (at.date(), skill, -item, auditor, again),
            (at.date(), skill, -item, reviewer, first),
        ]
    return said


def look_for_signals(line: ModelLine) -> int:
    """Find favours and stamps of the last weeks; returns how many signals stand now."""
    level = AgreementPolicy.of(line).signal
    found = [(Signal.Kind.FAVOUR, signal) for signal in favours(_decided(line), level=level)]
    found += [(Signal.Kind.STAMP, signal) for signal in stamps(_answered(line), level=level)]
    rows = [
        Signal(
            line=line,
            kind=kind,
            first_id=signal.who[0],
            second_id=(*signal.who, None)[1],
            p=signal.p,
            q=signal.q,
            facts=signal.facts,
        )
        for kind, signal in found
    ]
    with transaction.atomic():
        Signal.objects.filter(line=line).delete()
        Signal.objects.bulk_create(rows)
    return len(rows)


def _decided(line: ModelLine) -> list[tuple[int, int, str, bool]]:
    since = timezone.now() - timedelta(weeks=2 * WEEKS)
    taken = Decision.objects.filter(contribution__line=line, created_at__gte=since)
    of_one = taken.exclude(verdict=Verdict.RELEASE).values_list(
        "reviewer", "contribution__author", "contribution__skill", "verdict"
    )
    return [(who, author, str(skill), v == Verdict.ACCEPT) for who, author, skill, v in of_one]


def _answered(line: ModelLine) -> list[tuple[int, int, float | None, bool]]:
    since = timezone.now() - timedelta(weeks=2 * WEEKS)
    bad = Voice.objects.filter(
        round__contribution__line=line, round__contribution__gold__isnull=False, at__gte=since
    ).exclude(round__contribution__gold__verdict=Verdict.ACCEPT)
    said = bad.values_list("reviewer", "round", "seconds", "verdict")
    return [(who, item, seconds, v == Verdict.ACCEPT) for who, item, seconds, v in said]
