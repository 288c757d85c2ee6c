"""What one person must not do alone: proposed by one, done when another wants the same.

There is no second verb and no second address: who proposes and who seconds says the same thing, so
that neither can be taken for a formality, and the second reads what the first has read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from apps.accounts.models import Account
from apps.history.actions import record
from apps.history.models import Proposal
from apps.history.queries import kind_of

LASTS = timedelta(days=7)


def ask(
    subject: models.Model,
    action: str,
    *,
    by: Account,
    because: str,
    may: Callable[[Account], bool],
    terms: Mapping[str, Any] | None = None,
) -> Proposal:
    """Add one voice for `action` on `subject`; the proposal is `agreed` when it is the second.

    Whoever calls does the thing in the same transaction once it is agreed. A proposal counts only
    for the same `terms`, for a week, and while its proposer still `may`.
    """
    terms, now = dict(terms or {}), timezone.now()
    with transaction.atomic():
        # The subject's row is the turnstile: of two who propose at once, one becomes the second.
        type(subject)._default_manager.select_for_update().get(pk=subject.pk)
        waiting = _waiting(subject, action)
        if waiting is not None and not _stands(waiting, terms, now, may):
            _close(waiting, now)
            waiting = None
        if waiting is None:
            return _propose(subject, action, by, because, terms, now)
        if waiting.proposed_by_id == by.pk:
            return waiting
        waiting.seconded_by = by
        _close(waiting, now)
        details = {"action": action, "terms": terms, "proposed_by": str(waiting.proposed_by)}
        record(subject, "seconded", by=by, because=because, details=details)
    return waiting


def _waiting(subject: models.Model, action: str) -> Proposal | None:
    open_ones = Proposal.objects.select_related("proposed_by").filter(
        subject_kind=kind_of(subject), subject_id=subject.pk, action=action, closed_at=None
    )
    return open_ones.first()


def _stands(
    waiting: Proposal, terms: Mapping[str, Any], now: datetime, may: Callable[[Account], bool]
) -> bool:
    """Rights are asked again now: who has lost them meanwhile has no voice any more."""
    person = waiting.proposed_by
    return waiting.terms == terms and waiting.expires_at > now and person.is_active and may(person)


def _propose(
    subject: models.Model,
    action: str,
    by: Account,
    because: str,
    terms: dict[str, Any],
    now: datetime,
) -> Proposal:
    details = {"action": action, "terms": terms}
    record(subject, "proposed", by=by, because=because, details=details)
    return Proposal.objects.create(
        subject_kind=kind_of(subject),
        subject_id=subject.pk,
        action=action,
        terms=terms,
        because=because,
        proposed_by=by,
        proposed_at=now,
        expires_at=now + LASTS,
    )


def _close(proposal: Proposal, now: datetime) -> None:
    proposal.closed_at = now
    proposal.save(update_fields=["closed_at", "seconded_by"])
