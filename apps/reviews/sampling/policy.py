"""From how many rows on a PR is accepted by sampling, and what the sample has to show.

The numbers stand in the line's policy under `review`, `sampling`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from apps.contributions.models import Contribution
from apps.skills.models import ModelLine


@dataclass(frozen=True)
class SamplingPolicy:
    """rows: a PR with as many is sampled; limit: the share of bad rows that must be ruled out;
    alpha: the chance at which a PR with so many passes all the same; most_bad: bad rows that the
    last look still allows.
    """

    rows: int = 500
    limit: float = 0.05
    alpha: float = 0.05
    most_bad: int = 3

    def __post_init__(self) -> None:
        if not (0 < self.limit < 1 and 0 < self.alpha < 1):
            raise ValueError("limit and alpha lie between 0 and 1")

    @classmethod
    def of(cls, line: ModelLine) -> SamplingPolicy:
        """The policy of a line."""
        said: dict[str, Any] = line.policy.get("review", {}).get("sampling", {})
        known = {field.name for field in fields(cls)}
        return cls(**{name: value for name, value in said.items() if name in known})

    def covers(self, contribution: Contribution) -> bool:
        """Whether a PR has so many rows that it is accepted by sampling."""
        return contribution.row_count >= self.rows
