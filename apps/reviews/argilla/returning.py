"""Refused answers are handed back, so that their records are asked of everybody again.

Argilla calls a record completed when somebody has submitted a response, whatever the rules here
say to it, and nobody else would ever be shown it. As a draft the response keeps its words, and
waits for its writer where it can be mended.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from apps.reviews.argilla.calling import get_if_there, put
from apps.reviews.argilla.models import Answer, Board, Slip
from apps.reviews.argilla.responses import DRAFT, SUBMITTED, moment

if TYPE_CHECKING:
    import argilla

logger = logging.getLogger(__name__)

MOST_A_TURN = 200


def due(board: Board) -> QuerySet[Answer]:
    """Refused answers on records that stand open, oldest first."""
    return refused().filter(slip__board=board).select_related("slip").order_by("pk")


def refused() -> QuerySet[Answer]:
    """The same of every board."""
    return Answer.objects.filter(
        state=Answer.State.REFUSED, status=SUBMITTED, slip__state=Slip.State.OPEN
    )


def hand_back(client: argilla.Argilla, board: Board) -> int:
    """Make drafts of what was refused; how many. A later version is left for the sweep to bring."""
    handed = 0
    for answer in due(board)[:MOST_A_TURN]:
        now = _response_now(client, answer)
        if now is not None and moment(now["updated_at"]) > answer.at:
            continue
        if now is not None and now["status"] == SUBMITTED:
            # Without its values the server would keep the response and lose what was typed.
            body = {"status": DRAFT, "values": answer.values}
            if not put(client, f"responses/{answer.response}", body):
                logger.warning("Argilla does not take %s back", answer)
        kept = Answer.objects.filter(pk=answer.pk, state=Answer.State.REFUSED)
        handed += kept.update(state=Answer.State.RETURNED)
    return handed


def _response_now(client: argilla.Argilla, answer: Answer) -> dict[str, Any] | None:
    """The response as it stands in Argilla; None where it is gone, alone or with its record."""
    record = get_if_there(client, f"records/{answer.slip.record}") or {}
    said = (one for one in record.get("responses") or [] if one["id"] == str(answer.response))
    return next(said, None)
