"""Holding a piece of long work: a lease that must be prolonged, and a fencing number.

Whoever takes the work raises the number by one. Results come with the number under which they were
made, so those of a worker that was taken for dead are refused, however late they come.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from apps.history.errors import LeaseLost
from apps.history.models import Leased


def until() -> datetime:
    """When a lease that is taken or prolonged now runs out."""
    return timezone.now() + timedelta(seconds=settings.LEASE_SECONDS)


def beat(work: Leased, fence: int, **progress: object) -> None:
    """Prolong the lease and write down `progress`; `LeaseLost` when somebody else has taken it."""
    write(work, fence, lease_until=until(), **progress)


def give_back(work: Leased, fence: int, **state: object) -> None:
    """Let the next worker take it at once; nothing happens where somebody has it already."""
    type(work)._default_manager.filter(pk=work.pk, fence=fence).update(
        lease_until=timezone.now(), **state
    )


def write(work: Leased, fence: int, **values: object) -> None:
    """Write values as the holder of this fencing number; `LeaseLost` for an older one."""
    held = type(work)._default_manager.filter(pk=work.pk, fence=fence)
    if not held.update(**values):
        raise LeaseLost(f"{work} has been taken over by another worker")
