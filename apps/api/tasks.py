"""What the clock sets off here: old answers are forgotten."""

from __future__ import annotations

from celery import shared_task

from apps.api import idempotency


@shared_task
def forget_old_answers() -> int:
    """Delete the answers that were kept long enough; how many."""
    return idempotency.forget_old()
