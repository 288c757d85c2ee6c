"""Rounds that nobody can complete: another voice is needed, and nobody else may give it.

All others wrote it, belong with its author, or have spoken. Rest is no such reason: who is away
comes back. The maintainers are told once, since they alone can find somebody from elsewhere.
"""

from __future__ import annotations

from contextlib import suppress

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.contributions.stages import Stage
from apps.history.actions import record
from apps.history.errors import MoveRefused
from apps.history.models import Event
from apps.history.queries import life_of
from apps.reviews.agreement import halves
from apps.reviews.agreement.asking import eligible
from apps.reviews.agreement.models import Round
from apps.reviews.agreement.policy import OVERLAP

MISSING, FOUND = "reviewer missing", "reviewer found"


def look() -> int:
    """Mark the rounds that nobody can complete, and those that somebody can again; returns of how
    many the maintainers were told.

    A round that was only drawn needs no mark: it closes with the voices it has.
    """
    waiting = Round.objects.filter(
        closed_at=None,
        contribution__stage=Stage.IN_REVIEW,
        contribution__digest=F("digest"),
        contribution__gold=None,
    ).exclude(because=[OVERLAP])
    told = 0
    for held in waiting.select_related("contribution__line", "contribution__author"):
        with suppress(MoveRefused), transaction.atomic():
            told += _look_at(held)
    return told


def _look_at(held: Round) -> bool:
    stranded = needs_somebody(held)
    if stranded == (held.stranded_at is not None):
        return False
    still = Round.objects.filter(pk=held.pk, closed_at=None, stranded_at=held.stranded_at)
    if not still.update(stranded_at=timezone.now() if stranded else None):
        return False
    if not stranded:
        record(held.contribution, FOUND, by="reviews", because="somebody may review it again")
        return False
    return _tell(held)


def needs_somebody(held: Round) -> bool:
    """Whether a whole voice is missing that nobody who is there may give."""
    voices = list(held.heard.all())
    if halves.is_complete(held, halves.split(held, voices)[0]):
        return False
    heard = [voice.reviewer_id for voice in voices]
    return not eligible(held.contribution).exclude(pk__in=heard).exists()


def _tell(held: Round) -> bool:
    """Put it on record, naming who can help; once for each content."""
    contribution = held.contribution
    if _told_before(held).exists():
        return False
    because = "another reviewer has to read it, and nobody who is there may: they wrote it, "
    because += "belong with its author, or have given their verdict"
    details = {"digest": held.digest, "mentioned": [who.username for who in helpers()]}
    record(contribution, MISSING, by="reviews", because=because, details=details)
    return True


def _told_before(held: Round) -> QuerySet[Event]:
    return life_of(held.contribution).filter(verb=MISSING, details__digest=held.digest)


def helpers() -> list[Account]:
    """Who can find another reviewer: the maintainers; where there are none, the administrators."""
    active = Account.objects.filter(is_active=True).order_by("pk")
    maintainers = list(active.filter(role=Role.MAINTAINER))
    return maintainers or list(active.filter(role=Role.ADMIN))
