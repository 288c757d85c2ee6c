"""What the clock sets off in checks: whatever waits is screened."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.checks import actions
from apps.contributions.models import Contribution
from apps.contributions.queries import waiting_for_checks
from apps.history.actions import send
from apps.history.errors import MoveRefused

logger = logging.getLogger(__name__)

MOST_A_RING = 500


@shared_task
def check_waiting() -> None:
    """Put every waiting contribution on the queue, once for each revision."""
    for contribution in waiting_for_checks()[:MOST_A_RING]:
        send(
            "apps.checks.tasks.check_one",
            contribution.pk,
            once=f"check PR {contribution.pk}, revision {contribution.revision}",
        )


@shared_task
def check_one(pk: int) -> None:
    """Screen one contribution, unless somebody was quicker."""
    try:
        actions.check(Contribution.objects.select_related("line").get(pk=pk))
    except MoveRefused as refusal:
        logger.info("skipped: %s", refusal)
