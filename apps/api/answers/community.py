"""The leaderboard, the record, notices and webhooks, as the API shows them."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from apps.api.ids import id_of
from apps.community.models import Dispatch, Endpoint, Notice
from apps.community.news import kind_of_news
from apps.community.queries import Leaderboard, sentence_of
from apps.history.models import Event


def leaderboard(board: Leaderboard) -> dict[str, Any]:
    """Counts by week and by person, and how long it took to be served (seconds)."""
    return asdict(board)


def event(written: Event) -> dict[str, Any]:
    """A line of the record with everything that its digest covers."""
    return {
        "id": id_of(written),
        "number": written.pk,
        "subject": {"kind": written.subject_kind, "id": written.subject_id},
        "verb": written.verb,
        "left": written.left,
        "entered": written.entered,
        "actor": written.actor,
        "account": written.account_id,
        "because": written.because,
        "details": written.details,
        # As the digest reads it: to the microsecond.
        "at": written.at.isoformat(),
        "previous": written.previous,
        "digest": written.digest,
    }


def endpoint(shown: Endpoint) -> dict[str, Any]:
    """A webhook; its key only in the answer that made it."""
    return {
        "id": shown.public_id,
        "number": shown.pk,
        "url": shown.url,
        "wants": shown.wants,
        "own_only": shown.own_only,
        "algorithm": shown.algorithm,
        "created_at": shown.created_at,
        "failing_since": shown.failing_since,
        "disabled_at": shown.disabled_at,
        "disabled_because": shown.disabled_because,
    }


def delivery(shown: Dispatch) -> dict[str, Any]:
    """One message to one webhook, and how its last try went."""
    return {
        "id": shown.public_id,
        "number": shown.pk,
        "message": shown.message_id,
        "type": shown.kind,
        "body": json.loads(shown.body),
        "created_at": shown.created_at,
        "tries": shown.tries,
        "status": shown.status,
        "answer": shown.answer,
        "delivered_at": shown.delivered_at,
        "next_try_at": shown.next_try_at,
    }


def notice(shown: Notice) -> dict[str, Any]:
    """A line of the inbox."""
    return {
        "number": shown.pk,
        "text": sentence_of(shown),
        "type": kind_of_news(shown.event),
        "contribution": shown.contribution_id,
        "event": shown.event_id,
        "reason": shown.reason,
        "at": shown.event.at,
        "read_at": shown.read_at,
        "done_at": shown.done_at,
        "saved": shown.saved,
    }
