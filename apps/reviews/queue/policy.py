"""The numbers of the queue; a line's own stand in its policy under `review`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import timedelta

from apps.skills.models import ModelLine


@dataclass(frozen=True)
class QueueRule:
    """How worth is weighed, how long things are held, and when the desk says that it is full."""

    # After so long a waiting PR is worth twice as much.
    half_life_hours: float = 12
    # What the least asked-for skill is worth of all traffic.
    least_demand: float = 0.02
    protected: float = 2
    # What a PR of another skill is worth to a reviewer who has named theirs.
    elsewhere: float = 0.25
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
        said = line.policy.get("review", {})
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in said.items() if name in known})

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

    def held_back_words(self) -> str:
        """The rule of throttling as it is quoted."""
        return (
            f"while {self.full_ratio:g} times more comes than is answered and more than "
            f"{self.full_days:g} days of work wait, what is worth least counts from "
            f"{self.held_back_hours:g} hours later"
        )


def site_rule() -> QueueRule:
    """The rule of what belongs to no item: the oldest line's."""
    line = ModelLine.objects.order_by("pk").first()
    return QueueRule.of(line) if line else QueueRule()
