"""Asking what waits for a person."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.agreement.halves import ROLES as HALVES
from apps.reviews.agreement.halves import without_room
from apps.reviews.agreement.queries import kept_for_others
from apps.reviews.desk.barring import awaiting, barred
from apps.reviews.models import Claim, Decision, Pending, Skip
from apps.reviews.queue.affiliation import apart_from
from apps.reviews.queue.policy import site_rule


def queue_for(reviewer: Account) -> QuerySet[Contribution]:
    """What this reviewer may decide on now, oldest first: nobody's whom they are kept apart from,
    not held by another, not skipped lately."""
    now = timezone.now()
    held = Claim.objects.filter(contribution=OuterRef("pk"), expires_at__gt=now, ahead=False)
    skipped = Skip.objects.filter(contribution=OuterRef("pk"), reviewer=reviewer, until__gt=now)
    waiting = Contribution.objects.filter(stage=Stage.IN_REVIEW)
    free = waiting.exclude(author__in=apart_from(reviewer, site_rule())).exclude(Exists(skipped))
    free = free.exclude(Exists(held.exclude(reviewer=reviewer)))
    free = free.exclude(barred(reviewer)).exclude(Exists(_given(OuterRef("pk"))))
    free = free.exclude(kept_for_others(reviewer))
    if reviewer.role in HALVES:
        free = free.filter(place__low_risk=True).exclude(without_room())
    if reviewer.role != Role.MAINTAINER:
        free = free.filter(reverts=None)
    return free.select_related("author", "skill", "line").order_by("pk")


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


def _given(contribution: OuterRef) -> QuerySet[Pending]:
    """The verdict on a contribution that has not taken effect yet."""
    return awaiting().filter(contribution=contribution)
