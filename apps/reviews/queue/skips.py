"""What a reviewer has passed on, and taking it back."""

from __future__ import annotations

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import record
from apps.reviews.queue.models import Place, Skip
from apps.reviews.queue.policy import QueueRule


def passed_on(reviewer: Account) -> QuerySet[Skip]:
    """What is not offered to this reviewer for a while, and still waits; the latest first."""
    waiting = Skip.objects.filter(contribution__stage=Stage.IN_REVIEW, until__gt=timezone.now())
    mine = waiting.filter(reviewer=reviewer).select_related("contribution__skill")
    return mine.order_by("-skipped_at")


def take_back(contribution: Contribution, *, by: Account) -> bool:
    """Have the item offered again to who passed it on; whether they had.

    With too few skips left it is flagged no more, on record.
    """
    rule = QueueRule.of(contribution.line)
    with transaction.atomic():
        place = Place.objects.select_for_update().filter(pk=contribution.pk).first()
        if not Skip.objects.filter(contribution=contribution, reviewer=by).delete()[0]:
            return False
        left = Skip.objects.filter(contribution=contribution).count()
        if place is not None and place.flagged and left < rule.skips_to_flag:
            Place.objects.filter(pk=place.pk).update(flagged=False)
            because = f"{by} took their skip back"
            record(contribution, "flag lifted", by="reviews", because=because)
    return True
