"""The week's build as a train: when it closes, and which place an accepted PR has in it."""

from __future__ import annotations

from datetime import datetime, timedelta

from apps.builds.queries import waiting_for_a_build
from apps.contributions.models import Contribution

# Friday, 18:00 UTC; the beat schedule of the settings says the same, and a test compares them.
WEEKDAY, HOUR = 4, 18


def closes(now: datetime) -> datetime:
    """When the next build takes in what is accepted by then (UTC)."""
    day = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    day += timedelta(days=(WEEKDAY - now.weekday()) % 7)
    return day if day > now else day + timedelta(days=7)


def place_of(contribution: Contribution) -> int | None:
    """Which one it is among those that wait for the next build; None when it does not wait."""
    waiting = list(
        waiting_for_a_build(contribution.line)
        .filter(pk__lte=contribution.pk)
        .order_by("-pk")
        .values_list("pk", flat=True)[:1000]
    )
    return len(waiting) if waiting and waiting[0] == contribution.pk else None
