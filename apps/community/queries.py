"""What the public sees: who contributes, and how fast it is served."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import (
    Aggregate,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Min,
    Q,
    QuerySet,
)
from django.db.models.functions import TruncWeek
from django.utils import timezone

from apps.builds.models import Entry
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.skills.models import ModelLine


@dataclass(frozen=True)
class Contributor:
    """A line of the leaderboard."""

    name: str
    submitted: int
    accepted: int
    shipped: int


@dataclass(frozen=True)
class Leaderboard:
    """Counts of the last weeks, the contributors, and the latency from PR to served (seconds)."""

    weeks: list[dict[str, Any]]
    contributors: list[Contributor]
    submitted: int
    accepted: int
    shipped: int
    latency_p50: float | None
    latency_p90: float | None


WEEKS = 12
MOST_CONTRIBUTORS = 100


def leaderboard(line: ModelLine) -> Leaderboard:
    """PRs a week, accepted, shipped, and how long it took from submission to everyone."""
    since = timezone.now() - timedelta(weeks=WEEKS)
    contributions = Contribution.objects.filter(line=line, submitted_at__gte=since).order_by()
    in_shipped = Entry.objects.filter(build__line=line, build__shipped_at__isnull=False)
    counts = {
        "submitted": Count("pk"),
        "accepted": Count("pk", filter=Q(stage=Stage.ACCEPTED)),
        "shipped": Count("pk", filter=Q(pk__in=in_shipped.order_by().values("contribution"))),
    }
    # Rows of such queries are plain dictionaries, of which the type checker knows half the keys.
    by_week: Any = contributions.annotate(week=TruncWeek("submitted_at")).values("week")
    by_person: Any = contributions.values(name=F("author__username"))
    weeks: list[dict[str, Any]] = list(by_week.annotate(**counts).order_by("week"))
    people = by_person.annotate(**counts).order_by("-shipped", "-accepted", "name")
    p50, p90 = _latencies(contributions)
    return Leaderboard(
        weeks=weeks,
        contributors=[Contributor(**person) for person in people[:MOST_CONTRIBUTORS]],
        submitted=sum(week["submitted"] for week in weeks),
        accepted=sum(week["accepted"] for week in weeks),
        shipped=sum(week["shipped"] for week in weeks),
        latency_p50=p50,
        latency_p90=p90,
    )


class Percentile(Aggregate):
    """The nearest-rank quantile of an expression, reckoned by PostgreSQL."""

    function = "percentile_disc"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"


def _latencies(contributions: QuerySet[Contribution]) -> list[float | None]:
    """Median and 90th percentile of the seconds from submission to live for everyone."""
    shipped = contributions.filter(entries__build__shipped_at__isnull=False)
    waited = F("entries__build__shipped_at") - F("submitted_at")
    each = shipped.values("pk").annotate(waited=Min(ExpressionWrapper(waited, DurationField())))
    found = each.aggregate(
        p50=Percentile("waited", share=0.5, output_field=DurationField()),
        p90=Percentile("waited", share=0.9, output_field=DurationField()),
    )
    return [waited.total_seconds() if waited else None for waited in (found["p50"], found["p90"])]
