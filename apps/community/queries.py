"""What the public sees: the life of a contribution, who contributes, and how fast it is served."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Q
from django.db.models.functions import TruncWeek
from django.utils import timezone

from apps.builds.models import Build, Entry
from apps.checks.queries import screening_of
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.queries import kind_of, life_of
from apps.reviews.queries import decisions_on
from apps.rollouts.models import Rollout
from apps.rollouts.stages import Stage as RolloutStage
from apps.skills.models import ModelLine
from apps.traces.models import Arm, Trace


@dataclass(frozen=True)
class Hop:
    """One station of a contribution's life: what happened to which thing, when, and why."""

    kind: str
    id: str
    at: datetime | None
    title: str
    because: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def life_of_contribution(contribution: Contribution) -> list[Hop]:
    """Every hop from the PR to the answers that its version gave, oldest first."""
    hops = [
        *_moves(contribution),
        *_screenings(contribution),
        *_decisions(contribution),
        *_builds(contribution),
        *_rollouts(contribution),
        *_traces(contribution),
    ]
    return sorted(hops, key=lambda hop: (hop.at is None, hop.at or timezone.now()))


def _moves(contribution: Contribution) -> Iterator[Hop]:
    for event in life_of(contribution).filter(verb="moved", entered=Stage.SUBMITTED):
        title = f"{contribution} was submitted by {event.actor}"
        yield Hop("contribution", str(contribution.pk), event.at, title, event.because)


def _screenings(contribution: Contribution) -> Iterator[Hop]:
    if screening := screening_of(contribution):
        findings = screening.findings.count()
        facts = {"findings": findings, "seconds": round(screening.seconds, 2)}
        title = f"The screens found {findings or 'nothing'}"
        yield Hop("screening", str(screening.pk), screening.created_at, title, facts=facts)


def _decisions(contribution: Contribution) -> Iterator[Hop]:
    for decision in decisions_on(contribution):
        title = f"{decision.reviewer} decided: {decision.get_verdict_display().lower()}"
        facts = {"override": decision.override, "digest": decision.digest}
        at, because = decision.created_at, decision.because
        yield Hop("decision", str(decision.pk), at, title, because, facts)


def _builds(contribution: Contribution) -> Iterator[Hop]:
    entries = Entry.objects.filter(contribution=contribution).select_related("build")
    for entry in entries:
        build = entry.build
        title = f"It went into {build} with {entry.row_count} rows"
        facts = {"stage": build.stage, "verdict": build.verdict, "adapter": build.adapter}
        yield Hop("build", str(build.pk), build.created_at, title, facts=facts)


def _rollouts(contribution: Contribution) -> Iterator[Hop]:
    rollouts = Rollout.objects.filter(candidate__build__entries__contribution=contribution)
    for rollout in rollouts.select_related("candidate"):
        name, version = kind_of(rollout), rollout.candidate.name
        yield Hop("rollout", str(rollout.pk), rollout.created_at, f"{rollout} of {version} began")
        for event in life_of(rollout).filter(verb="moved"):
            share = event.details.get("to")
            step = f"{share} % of users" if share else event.entered.replace("_", " ")
            title = f"{version} went to {step}"
            facts = {"of": name, "event": event.pk}
            yield Hop("rollout", str(rollout.pk), event.at, title, event.because, facts)


def _traces(contribution: Contribution) -> Iterator[Hop]:
    """The latest answer of a version that holds the PR, to one of the PR's own prompts."""
    if answer := served_answer(contribution):
        title = f"{answer.version} answered: {answer.answer}"
        facts = {"prompt": answer.prompt, "version": answer.version}
        yield Hop("trace", answer.public_id, answer.created_at, title, facts=facts)


def served_answer(contribution: Contribution) -> Trace | None:
    """The newest answer to a user by a version whose build holds this contribution."""
    digests = Build.objects.filter(entries__contribution=contribution).values("digest")
    answers = Trace.objects.filter(version_digest__in=digests, error="").exclude(arm=Arm.SHADOW)
    prompts = set(
        contribution.revisions.filter(number=contribution.revision).values_list(
            "rows__prompt", flat=True
        )
    )
    for answer in answers.order_by("-pk")[:2000]:
        if answer.prompt in prompts:
            return answer
    return None


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
