"""The numbers of the queue; a line's own stand in its policy under `review`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from apps.accounts.statements import Statement
from apps.skills.models import ModelLine


@dataclass(frozen=True)
class QueueRule:
    """How worth is weighed, how long things are held, and when the desk says that it is full."""

    # After so long a waiting PR is worth twice as much. Shorter, and age outgrows all else: with 12
    # hours the simulated desk did no better than first come, first served (docs/decisions/0015).
    half_life_hours: float = 168
    # What the least asked-for skill is worth of all traffic.
    least_demand: float = 0.02
    protected: float = 2
    # What a PR of another skill is worth to a reviewer who has named theirs.
    elsewhere: float = 0.25
    # How long reading takes: a PR by itself, each row more, and no more than a sample of many does.
    minutes_a_pr: float = 1
    minutes_a_row: float = 0.35
    most_minutes: float = 20
    claim_minutes: float = 15
    prefetch: int = 2
    skip_hours: float = 168
    skips_to_flag: int = 3
    # Sign-ins from one address within so many days tie two accounts; a crowd there proves nothing.
    tie_days: int = 14
    tie_crowd: int = 5
    tie_rows: int = 3
    # For so long after it ended an organisation still keeps its people apart.
    apart_days: int = 180
    # Reviewers of its skill who are asked when a PR comes in.
    ask: int = 1
    # The desk is full when so many times more comes than leaves, and this much work waits.
    full_ratio: float = 1.1
    full_days: float = 2
    # What is worth least then waits as if it had come so much later.
    held_back_hours: float = 72

    @classmethod
    def of(cls, line: ModelLine) -> QueueRule:
        """The rule of a line; what it does not say stands as above."""
        return cls.said(line.policy)

    @classmethod
    def said(cls, policy: Mapping[str, Any]) -> QueueRule:
        """The rule that a policy says."""
        told = policy.get("review", {})
        return cls(**{name: value for name, value in told.items() if name in NAMES})

    @property
    def claim_lasts(self) -> timedelta:
        """How long a claim stands without being renewed."""
        return timedelta(minutes=self.claim_minutes)

    @property
    def half_life(self) -> float:
        """The half-life in seconds."""
        return self.half_life_hours * 3600

    @property
    def held_back(self) -> timedelta:
        """How much later the least valuable counts from while the desk is full."""
        return timedelta(hours=self.held_back_hours)


OLDEST_POLICY = Statement(
    lambda: ModelLine.objects.order_by("pk").values_list("policy", flat=True)[:1]
)
NAMES = frozenset(field.name for field in fields(QueueRule))


def site_rule() -> QueueRule:
    """The rule of what belongs to no item: the oldest line's."""
    return QueueRule.said(OLDEST_POLICY.first() or {})
