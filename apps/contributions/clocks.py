"""By when somebody should have acted: a promise that the pages show, and no rule that moves."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.contributions.models import Contribution
from apps.contributions.stages import Stage

PROMISED: dict[str, timedelta] = {
    Stage.SUBMITTED: timedelta(minutes=5),
    Stage.QUARANTINED: timedelta(days=2),
    Stage.IN_REVIEW: timedelta(days=3),
    Stage.CHANGES_REQUESTED: timedelta(days=14),
}


def due(contribution: Contribution, since: datetime) -> datetime | None:
    """By when the stage that was entered at `since` should be left; None where nothing waits."""
    promised = PROMISED.get(contribution.stage)
    return since + promised if promised else None
