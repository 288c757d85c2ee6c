"""Builds, comparisons and rollouts."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

from apps.api.shapes.accounts import Proposal
from apps.api.shapes.base import Count, Digest, Percent
from apps.api.shapes.contributions import Held
from apps.builds.models import Verdict as BuildVerdict
from apps.builds.stages import Stage as BuildStage
from apps.rollouts.stages import Stage as RolloutStage


class Progress(TypedDict):
    """Steps of training."""

    done: Count
    total: Count


class Build(TypedDict):
    """A build as it stands in a list."""

    id: str
    number: int
    stage: BuildStage
    reason: str
    row_count: Count
    progress: Progress
    adapter: str | None
    digest: Digest | None
    verdict: BuildVerdict | None
    verdict_reasons: list[str]
    overridden_by: str | None
    overridden_because: str
    created_at: datetime
    ended_at: datetime | None
    shipped_at: datetime | None


class Entry(TypedDict):
    """A contribution in a build's manifest: which revision, with which content."""

    contribution: int
    revision: int
    digest: Digest
    row_count: Count


class BuildPage(Build):
    """A build with its manifest and its comparison."""

    asked_by: str | None
    live_digest: str
    contributions: list[Entry]
    report: dict[str, Any]


class OverrideProposed(BuildPage):
    """The build as it stands, and the override that waits for a second person."""

    proposal: Proposal


class HeldNow(TypedDict):
    """A contribution that is kept out of builds."""

    number: int
    held: Held


class Rollout(TypedDict):
    """A rollout as it stands in a list."""

    id: str
    number: int
    channel: str
    candidate: str
    incumbent: str
    build: int | None
    stage: RolloutStage
    percent: Percent
    reason: str
    created_at: datetime
    ended_at: datetime | None


class Look(TypedDict):
    """One look of the gates at the numbers."""

    at: datetime
    stage: RolloutStage
    percent: Percent
    requests: Count
    judged: Count
    decision: str
    reason: str
    statistics: dict[str, Any]


class RolloutPage(Rollout):
    """A rollout with its criteria, its running statistics and every look of the gates."""

    started_by: str | None
    requests: Count
    criteria: dict[str, Any]
    statistics: dict[str, Any]
    looks: list[Look]
