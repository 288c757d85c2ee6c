"""One try of one delivery: signed anew, sent, and what came of it written down."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from django.db.models import F
from django.utils import timezone

from apps.community.models import Dispatch, Endpoint
from apps.community.webhooks import calling, keys
from apps.community.webhooks.calling import Answer

# Waits between tries, in seconds: seven more tries over some 31 hours, each with jitter.
WAITS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400)
JITTER = 0.2
# A try is taken up again when its worker has died for this long.
TRY_LASTS = timedelta(seconds=60)
GONE = 410


def attempt(delivery: Dispatch) -> Answer | None:
    """Send a due delivery once; None when another worker has it, or when it is not due."""
    endpoint = delivery.endpoint
    if endpoint.disabled_at or not _take(delivery):
        return None
    now = timezone.now()
    answer = calling.post(endpoint.url, delivery.body.encode(), headers_of(delivery, now))
    if answer.taken:
        _note(delivery, answer, next_try_at=None, delivered_at=now)
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=None)
        return answer
    _note(delivery, answer, next_try_at=_next_try(delivery.tries, now))
    Endpoint.objects.filter(pk=endpoint.pk, failing_since=None).update(failing_since=now)
    if answer.status == GONE:
        disable(endpoint, "it answered 410 Gone")
    elif delivery.tries > len(WAITS):
        disable(endpoint, f"{delivery.tries} tries of {delivery.message_id} failed: {answer.text}")
    return answer


def headers_of(delivery: Dispatch, at: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks; while keys are changed, a signature by each."""
    endpoint = delivery.endpoint
    stored = [endpoint.key]
    if endpoint.old_key and endpoint.old_key_until and endpoint.old_key_until > at:
        stored.append(endpoint.old_key)
    signatures = [
        keys.signature(
            keys.opened(key),
            endpoint.algorithm,
            message_id=delivery.message_id,
            at=at,
            body=delivery.body,
        )
        for key in stored
    ]
    return {
        "content-type": "application/json",
        "user-agent": "OpenFlywheel-Webhooks/1",
        "webhook-id": delivery.message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(signatures),
    }


def disable(endpoint: Endpoint, because: str) -> None:
    """Send nothing more until its owner switches it on again."""
    now = timezone.now()
    still_on = Endpoint.objects.filter(pk=endpoint.pk, disabled_at=None)
    still_on.update(disabled_at=now, disabled_because=because[:300])
    endpoint.disabled_at, endpoint.disabled_because = now, because[:300]


def _take(delivery: Dispatch) -> bool:
    """Make the try ours, so that two workers never send it at the same time."""
    now = timezone.now()
    ours = Dispatch.objects.filter(pk=delivery.pk, tries=delivery.tries, next_try_at__lte=now)
    if not ours.update(tries=F("tries") + 1, next_try_at=now + TRY_LASTS):
        return False
    delivery.tries += 1
    return True


def _note(
    delivery: Dispatch,
    answer: Answer,
    *,
    next_try_at: datetime | None,
    delivered_at: datetime | None = None,
) -> None:
    delivery.status, delivery.answer = answer.status, answer.text
    delivery.next_try_at, delivery.delivered_at = next_try_at, delivered_at
    delivery.save(update_fields=["status", "answer", "next_try_at", "delivered_at"])


def _next_try(tries: int, now: datetime) -> datetime | None:
    """When to try again after so many failures; None when it is given up."""
    if tries > len(WAITS):
        return None
    wait = WAITS[tries - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
    return now + timedelta(seconds=wait)
