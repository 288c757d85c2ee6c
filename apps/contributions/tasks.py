"""What the clock sets off in contributions: abandoned drafts go."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.contributions import drafts

logger = logging.getLogger(__name__)


@shared_task
def sweep_drafts() -> None:
    """Throw away what nobody has touched for a month."""
    if gone := drafts.sweep():
        logger.info("swept %s abandoned drafts", gone)
