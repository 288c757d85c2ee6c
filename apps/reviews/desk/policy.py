"""The desk's numbers: a line's policy says them under `review`; these hold where it is silent."""

from __future__ import annotations

from dataclasses import dataclass, fields

from apps.skills.models import ModelLine


@dataclass(frozen=True)
class DeskPolicy:
    """How long a verdict can be undone, and what a reviewer must have had before their eyes."""

    undo_seconds: int = 30
    # Up to so many rows each has to have been on the screen; beyond, a sample is what is read.
    view_all_up_to: int = 200
    # A PR with more rows is looked at alone.
    rows_in_a_group: int = 3

    @classmethod
    def of(cls, line: ModelLine) -> DeskPolicy:
        """The numbers of a line."""
        said = line.policy.get("review", {})
        return cls(**{f.name: int(said[f.name]) for f in fields(cls) if f.name in said})
