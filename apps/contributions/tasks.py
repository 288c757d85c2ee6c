"""What the clock sets off in contributions: the feedback of days that are over becomes PRs."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.contributions import gathering

logger = logging.getLogger(__name__)


@shared_task
def gather_feedback() -> None:
    """Gather each day that waits; one that cannot be gathered holds up no other."""
    for day in gathering.waiting_days():
        try:
            gathering.gather(day)
        except Exception:
            logger.exception("the feedback of %s could not be gathered; next ring tries again", day)
