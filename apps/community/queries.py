"""What the public sees: who contributes, and how fast it is served."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import TruncWeek
from django.utils import timezone

from apps.builds.models import Entry
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.rollouts.models import Rollout
from apps.rollouts.stages import Stage as RolloutStage
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


def leaderboard(line: ModelLine) -> Leaderboard:
    """PRs a week, accepted, shipped, and how long it took from submission to everyone."""
    since = timezone.now() - timedelta(weeks=WEEKS)
    contributions = Contribution.objects.filter(line=line, submitted_at__gte=since)
    live = shipped_at(line)
    latencies = sorted(
        (live[pk] - submitted).total_seconds()
        for pk, submitted in contributions.filter(pk__in=live).values_list("pk", "submitted_at")
    )
    accepted = Count("pk", filter=Q(stage=Stage.ACCEPTED))
    shipped = Count("pk", filter=Q(pk__in=list(live)))
    counts = {"submitted": Count("pk"), "accepted": accepted, "shipped": shipped}
    people = contributions.values(name=F("author__username")).annotate(**counts)
    return Leaderboard(
        weeks=list(
            contributions.annotate(week=TruncWeek("submitted_at"))
            .values("week")
            .annotate(**counts)
            .order_by("week")
        ),
        contributors=[
            Contributor(**person)
            for person in people.order_by("-shipped", "-accepted", "name")[:100]
        ],
        **contributions.aggregate(**counts),
        latency_p50=_quantile(latencies, 0.5),
        latency_p90=_quantile(latencies, 0.9),
    )


def shipped_at(line: ModelLine) -> dict[int, datetime]:
    """Contribution number to the moment when a version that holds it was live for everyone."""
    shipped: dict[int, datetime] = {}
    live = Rollout.objects.filter(channel__line=line, stage=RolloutStage.LIVE).order_by("ended_at")
    by_build = defaultdict(list)
    for build, number in Entry.objects.filter(build__line=line).values_list(
        "build", "contribution"
    ):
        by_build[build].append(number)
    for build, at in live.values_list("candidate__build", "ended_at"):
        for number in by_build[build]:
            shipped.setdefault(number, at)
    return shipped


def _quantile(ordered: list[float], share: float) -> float | None:
    """The nearest-rank quantile of ordered values; None of none."""
    if not ordered:
        return None
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
