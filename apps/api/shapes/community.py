"""What everybody may see: the leaderboard and the record."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypedDict

from apps.api.shapes.base import Count, Digest, Name


class WeeklyCounts(TypedDict):
    """The counts of one week."""

    week: datetime
    submitted: Count
    accepted: Count
    shipped: Count


class Contributor(TypedDict):
    """A line of the leaderboard."""

    name: Name
    submitted: Count
    accepted: Count
    shipped: Count


class Leaderboard(TypedDict):
    """Counts by week and by person; latencies are seconds from submission to served."""

    weeks: list[WeeklyCounts]
    contributors: list[Contributor]
    submitted: Count
    accepted: Count
    shipped: Count
    latency_p50: float | None
    latency_p90: float | None


class Subject(TypedDict):
    """What an event is about."""

    kind: str
    id: int


class Event(TypedDict):
    """A line of the record with everything that its digest covers."""

    id: str
    number: int
    subject: Subject
    verb: str
    left: str
    entered: str
    actor: str
    account: int | None
    because: str
    details: dict[str, Any]
    at: datetime
    previous: Digest
    digest: Digest
