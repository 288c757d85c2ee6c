"""Asking what waits for a person."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.models import Decision


def queue_for(reviewer: Account) -> QuerySet[Contribution]:
    """What this reviewer may decide on now, oldest first: not their own, not held by another."""
    held = Q(claim__expires_at__gt=timezone.now()) & ~Q(claim__reviewer=reviewer)
    waiting = Contribution.objects.filter(stage=Stage.IN_REVIEW).exclude(author=reviewer)
    return waiting.exclude(held).select_related("author", "skill", "line").order_by("pk")


def quarantine() -> QuerySet[Contribution]:
    """What the screens set aside, oldest first."""
    contributions = Contribution.objects.filter(stage=Stage.QUARANTINED)
    return contributions.select_related("author", "skill", "line").order_by("pk")


def decisions_on(contribution: Contribution) -> QuerySet[Decision]:
    """Every decision on a contribution, oldest first."""
    return Decision.objects.filter(contribution=contribution).select_related("reviewer")


def decisions_on_each(contributions: Iterable[Contribution]) -> QuerySet[Decision]:
    """Every decision on several contributions, oldest first."""
    taken = Decision.objects.filter(contribution__in=list(contributions))
    return taken.select_related("reviewer").order_by("pk")
