"""Giving places: the queue pulls what came to review, and lets go of what left it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, FloatField, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Extract
from django.utils import timezone

from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.models import Event
from apps.history.queries import kind_of
from apps.reviews.agreement.halves import is_low_risk
from apps.reviews.queue.affiliation import tie_by_rows
from apps.reviews.queue.asking import ask_by_rule
from apps.reviews.queue.models import Claim, Demand, Pace, Place, Pulled
from apps.reviews.queue.policy import QueueRule
from apps.reviews.queue.worth import demands, heap_of, own_factors, own_worth, standing_of
from apps.skills.models import ModelLine
from apps.traces.clusters import Cluster, help_wanted
from apps.traces.models import Arm, Outcome, Trace

logger = logging.getLogger(__name__)

# A change shows when its transaction ends, up to so much later than the time it carries.
LATE = timedelta(minutes=2)
AT_ONCE = 100
# What is known of a contribution of which nothing could be found out.
PLAIN = {"judges": 0, "askers": 0, "novelty": 1.0, "rows": 1}
FURTHEST = 1000
BEFORE = """
    SELECT count(*) FROM (
        SELECT FROM unnest(%(heaps)s::bigint[], %(boosts)s::float8[]) AS heap (id, boost)
        JOIN reviews_place place
          ON place.heap = heap.id AND place.standing > %(value)s - heap.boost
        LIMIT %(most)s
    ) before
"""
# Demand is read from the latest answers, so that it costs the same on a large site.
LATEST = 5000


def pull(limit: int = AT_ONCE) -> int:
    """Give places to what came to review since the last pull; returns how many.

    One pulls at a time: whoever comes second goes on with what there is.
    """
    Pulled.objects.get_or_create(pk=1)
    with transaction.atomic():
        pulled = Pulled.objects.select_for_update(skip_locked=True).filter(pk=1).first()
        if pulled is None:
            return 0
        began, since = timezone.now(), pulled.until and pulled.until - LATE
        _let_go(since)
        _count_by_the_policy(pulled)
        arrived = list(_arrived(since)[:limit])
        _give_places(arrived)
        # What did not fit into this pull is where the next one begins.
        pulled.until = arrived[-1].touched_at if len(arrived) == limit else began
        pulled.save()
    return len(arrived)


def place_of(contribution: Contribution) -> int | None:
    """Its number in the queue by worth and age, for a reviewer of any skill; None where it has none
    yet, or where `FURTHEST` or more come first: nobody reads that far ahead.
    """
    place = Place.of(contribution)
    if place is None:
        return None
    asked_for = demands()
    value = place.standing + asked_for.get(place.heap, 0.0)
    told: dict[str, Any] = {"heaps": list(asked_for), "boosts": list(asked_for.values())}
    told |= {"value": value, "most": FURTHEST}
    with connection.cursor() as cursor:
        cursor.execute(BEFORE, told)
        before: int = cursor.fetchone()[0]
    return before + 1 if before < FURTHEST else None


def measure_demand(line: ModelLine) -> None:
    """Take down which share of a line's latest traffic and wrong answers falls on each skill."""
    traces = Trace.objects.filter(line=line).exclude(arm=Arm.SHADOW)
    wrong = Outcome.objects.filter(trace__line=line, success=False).exclude(trace__arm=Arm.SHADOW)
    traffic = _shares(traces.order_by("-pk")[:LATEST].values_list("skill", flat=True))
    failing = _shares(wrong.order_by("-pk")[:LATEST].values_list("trace__skill", flat=True))
    heaps = {skill: skill or -line.pk for skill in traffic.keys() | failing.keys()}
    with transaction.atomic():
        Demand.objects.filter(line=line).exclude(pk__in=heaps.values()).delete()
        Demand.objects.bulk_create(
            [
                Demand(
                    heap=heap,
                    line=line,
                    traffic=traffic.get(skill, 0.0),
                    failing=failing.get(skill, 0.0),
                )
                for skill, heap in heaps.items()
            ],
            update_conflicts=True,
            unique_fields=["heap"],
            update_fields=["traffic", "failing"],
        )


def look_again() -> None:
    """Have the next pull read everything, where more or less waits than has a place."""
    waiting = Contribution.objects.filter(stage=Stage.IN_REVIEW).count()
    if waiting != Place.objects.count():
        Pulled.objects.filter(pk=1).update(until=None)


def leave(contribution: Contribution) -> None:
    """Give up the place and the claim of what was decided on."""
    # Places before claims, everywhere: two that wait for each other would wait for ever.
    with connection.cursor() as cursor:
        for table in ("reviews_place", "reviews_claim"):
            cursor.execute(
                f"DELETE FROM {table} WHERE contribution_id = %s",  # noqa: S608 (of those two)
                [contribution.pk],
            )


def _shares(skills: Sequence[int | None] | QuerySet) -> dict[int | None, float]:
    counts: dict[int | None, int] = {}
    for skill in skills:
        counts[skill] = counts.get(skill, 0) + 1
    total = sum(counts.values())
    return {skill: count / total for skill, count in counts.items()}


def _arrived(since: datetime | None) -> QuerySet[Contribution]:
    """In review without a place, those that changed first at the front."""
    placed = Place.objects.filter(contribution=OuterRef("pk"))
    waiting = Contribution.objects.filter(stage=Stage.IN_REVIEW).exclude(Exists(placed))
    if since:
        waiting = waiting.filter(touched_at__gte=since)
    return waiting.select_related("line", "skill").order_by("touched_at", "pk")


def _let_go(since: datetime | None) -> None:
    """Take away the places and claims of what is not in review, or has other rows now."""
    changed = Contribution.objects.filter(touched_at__gte=since) if since else None
    gone = ~Q(contribution__stage=Stage.IN_REVIEW)
    other_rows = ~Q(contribution__revision=F("revision"))
    places, claims = Place.objects.filter(gone | other_rows), Claim.objects.filter(gone)
    if changed is not None:
        places = places.filter(contribution__in=changed)
        claims = claims.filter(contribution__in=changed)
    places.delete()
    claims.delete()


def _give_places(arrived: Sequence[Contribution]) -> None:
    since, full = _since(arrived), _full_desks()
    clusters: dict[int, list[Cluster]] = {}
    for contribution in arrived:
        line = contribution.line
        if line.pk not in clusters:
            clusters[line.pk] = help_wanted(line)
        came = since.get(contribution.pk) or contribution.submitted_at or timezone.now()
        desk = full.get(line.pk)
        try:
            with transaction.atomic():
                factors = own_factors(contribution, clusters[line.pk])
                _place(contribution, came, factors, desk, low_risk=is_low_risk(contribution))
                tie_by_rows(contribution, QueueRule.of(line))
                ask_by_rule(contribution, QueueRule.of(line))
        except Exception:
            # One that cannot be weighed holds up nobody, and waits like the others.
            logger.exception("%s could not be weighed and gets a plain place", contribution)
            _place(contribution, came, PLAIN, desk)


def _place(
    contribution: Contribution,
    came: datetime,
    factors: Mapping[str, float | int],
    desk: Pace | None,
    *,
    low_risk: bool = False,
) -> None:
    rule = QueueRule.of(contribution.line)
    worth = own_worth(factors, rule)
    asked_for = demands().get(heap_of(contribution), 0.0) if desk else 0.0
    held_back = bool(desk and desk.cut is not None and worth + asked_for < desk.cut)
    counts_from = came + rule.held_back if held_back else came
    Place.objects.create(
        contribution=contribution,
        line=contribution.line,
        author_id=contribution.author_id,
        heap=heap_of(contribution),
        revision=contribution.revision,
        arrived_at=came,
        counts_from=counts_from,
        factors=dict(factors),
        worth=worth,
        standing=standing_of(worth, counts_from, rule),
        maintainers_only=contribution.reverts_id is not None,
        low_risk=low_risk,
    )


def _since(arrived: Sequence[Contribution]) -> dict[int, datetime]:
    """When each of them came to review, as the record has it."""
    entered = Event.objects.filter(
        subject_kind=kind_of(Contribution()),
        subject_id__in=[contribution.pk for contribution in arrived],
        entered=Stage.IN_REVIEW,
    )
    return dict(entered.values_list("subject_id").annotate(Max("at")).order_by())


def _full_desks() -> dict[int, Pace]:
    """By line, the pace of a desk to which more comes than it can read."""
    return {pace.line_id: pace for pace in Pace.objects.filter(stage=Stage.IN_REVIEW, full=True)}


def _count_by_the_policy(pulled: Pulled) -> None:
    """Count every place of a line anew when its policy has another half-life."""
    for line in ModelLine.objects.all():
        half_life, counted = QueueRule.of(line).half_life, pulled.half_lives.get(str(line.pk))
        if counted is not None and counted != half_life:
            places = Place.objects.filter(line=line)
            arrived = F("counts_from")
            places.update(standing=F("worth") - _seconds(arrived) / half_life)
            logger.info("%s: places counted anew by a half-life of %s s", line, half_life)
        pulled.half_lives[str(line.pk)] = half_life


def _seconds(moment: F) -> Extract:
    return Extract(moment, "epoch", output_field=FloatField())
