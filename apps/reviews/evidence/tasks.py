"""What the clock sets off: PRs that want evidence find a worker, unless a build needs it."""

from __future__ import annotations

import logging
import os
import socket

from celery import shared_task
from celery.exceptions import Ignore

from apps.history.actions import send
from apps.reviews.evidence import actions, queries
from apps.reviews.evidence.errors import Interrupted
from apps.reviews.evidence.models import Evidence

logger = logging.getLogger(__name__)


@shared_task
def find_evidence() -> None:
    """Call a worker for the PR that has waited longest; it takes others along.

    One letter at a time stands in the queue, so that a build is never behind many.
    """
    queries.look_on()
    first = queries.due().first()
    if first is None:
        return
    held = Evidence.objects.filter(contribution=first, digest=first.digest).order_by("-fence")
    taken = held.values_list("fence", flat=True).first() or 0
    version = queries.served(first.line).digest
    named = f"evidence on PR {first.pk}, {first.digest[:12]} against {version[:12]}"
    send(actions.TASK, once=f"{named}, take {taken + 1}", queue=actions.QUEUE)


@shared_task
def measure_waiting() -> None:
    """Measure what waits. A letter whose worker had to give way is brought back by the sweeper."""
    try:
        actions.measure_waiting(worker=f"{socket.gethostname()}:{os.getpid()}")
    except Interrupted as interruption:
        logger.info("skipped: %s", interruption)
        raise Ignore from interruption
