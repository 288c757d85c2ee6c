"""Reading the record: a thing's life, and whether the chain is whole."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

from django.db.models import Model, Q, QuerySet
from django.utils import timezone

from apps.history.errors import ChainBroken
from apps.history.models import Event, Letter, Proposal

GENESIS = "0" * 64
PATIENCE = timedelta(hours=1)


def kind_of(subject: Model) -> str:
    """The name under which a thing stands in the record, `contributions.contribution`."""
    return subject._meta.label_lower


def life_of(subject: Model) -> QuerySet[Event]:
    """Everything that happened to one thing, oldest first."""
    return Event.objects.filter(subject_kind=kind_of(subject), subject_id=subject.pk)


def digest_of(event: Event) -> str:
    """SHA-256 (hex) over the predecessor's digest and the canonical JSON of what the event says."""
    said: dict[str, Any] = {
        "subject": [event.subject_kind, event.subject_id],
        "verb": event.verb,
        "move": [event.left, event.entered],
        "actor": [event.actor, event.account_id],
        "because": event.because,
        "details": event.details,
        "at": event.at.isoformat(),
    }
    canonical = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{event.previous}\n{canonical}".encode()).hexdigest()


def verify_chain() -> int:
    """Read the whole record and return its length; `ChainBroken` names the first bad line."""
    previous, length = GENESIS, 0
    for event in Event.objects.order_by("pk").iterator(chunk_size=2000):
        if event.previous != previous:
            raise ChainBroken(f"event {event.pk} does not follow its predecessor")
        if event.digest != digest_of(event):
            raise ChainBroken(f"event {event.pk} was changed after it was written")
        previous, length = event.digest, length + 1
    return length


def undelivered(older_than: timedelta) -> QuerySet[Letter]:
    """Letters that were never sent, or were sent that long ago and are still not done."""
    waited = Q(sent_at__isnull=True) | Q(sent_at__lt=timezone.now() - older_than)
    return Letter.objects.filter(waited, done_at__isnull=True).order_by("pk")


def waiting_for_a_worker(queue: str, *, besides: str) -> bool:
    """Whether another task than `besides` waits on a queue and no worker has taken it up.

    What has waited for an hour waits for something else: a worker that knows its task, say.
    """
    waiting = Letter.objects.filter(
        queue=queue,
        sent_at__isnull=False,
        begun_at__isnull=True,
        done_at__isnull=True,
        written_at__gt=timezone.now() - PATIENCE,
    )
    return waiting.exclude(task=besides).exists()


def open_proposal(subject: Model, action: str) -> Proposal | None:
    """What waits for a second person, if something does."""
    waiting = Proposal.objects.select_related("proposed_by").filter(
        subject_kind=kind_of(subject),
        subject_id=subject.pk,
        action=action,
        closed_at=None,
        expires_at__gt=timezone.now(),
    )
    return waiting.first()
