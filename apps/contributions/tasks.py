"""What the clock sets off in contributions: feedback becomes PRs, abandoned drafts go."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.contributions import drafts, gathering

logger = logging.getLogger(__name__)


@shared_task
def gather_feedback() -> None:
    """Gather each day that waits; one that cannot be gathered holds up no other."""
    for day in gathering.waiting_days():
        try:
            gathering.gather(day)
        except Exception:
            logger.exception("the feedback of %s could not be gathered; next ring tries again", day)


@shared_task
def sweep_drafts() -> None:
    """Throw away what nobody has touched for a month."""
    if gone := drafts.sweep():
        logger.info("swept %s abandoned drafts", gone)
