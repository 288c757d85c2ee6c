"""What the clock sets off in traces: large deliveries are stored, months get their tables."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from apps.history.errors import MoveRefused
from apps.traces.feedback import delivering, partitions
from apps.traces.models import Delivery
from apps.traces.stages import Stage

logger = logging.getLogger(__name__)

# Nobody sends one body for longer.
SENDER_IS_GONE_AFTER = timedelta(hours=6)


@shared_task
def store_delivery(pk: int) -> None:
    """Store a large delivery, from where an earlier try left off."""
    try:
        delivering.store_waiting(Delivery.objects.get(pk=pk))
    except (MoveRefused, Delivery.DoesNotExist) as refusal:
        logger.info("skipped: %s", refusal)


@shared_task
def make_months() -> None:
    """Have the tables of this month and the next two before anybody needs them."""
    for ahead in range(3):
        with transaction.atomic():
            partitions.ensure(partitions.this_month() + ahead)


@shared_task
def give_up_on_senders() -> None:
    """End deliveries that stopped halfway and were never sent again."""
    gone = timezone.now() - SENDER_IS_GONE_AFTER
    for delivery in Delivery.objects.filter(stage=Stage.RECEIVING, received_at__lt=gone):
        try:
            delivering.abandon(delivery, "its sender stopped before the end of the body")
        except MoveRefused as refusal:
            logger.info("skipped: %s", refusal)
