"""Carrying a board's rows out, and closing there what was decided here, whatever is away."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from time import monotonic

from django.db import connection
from django.utils import timezone

from apps.reviews.argilla import returning
from apps.reviews.argilla.boards import dataset_of
from apps.reviews.argilla.calling import connected
from apps.reviews.argilla.carrying import Carrier
from apps.reviews.argilla.errors import ArgillaAway
from apps.reviews.argilla.models import Board, Slip
from apps.reviews.argilla.policy import ArgillaPolicy

# The most that Argilla takes at once; after each failure half of it, since a server under load may
# not manage as many before we stop waiting.
BATCH, LEAST = 500, 25
# One server takes about a hundred rows a second; a push that lasts longer goes on with the next.
PUSH_LASTS = 60.0
FIRST_WAIT, LONGEST_WAIT = 5.0, 900.0
# The first of the numbers under which each board has one carrier at a time.
BOARD_LOCK = 0x0A26 << 40


def push(board: Board) -> int:
    """Send what waits, close what is decided, hand back what was refused; how many that were.

    When Argilla is away the board remembers when to try again, and nothing is lost.
    """
    with _alone(board) as ours:
        if not ours or not (_due(board) or returning.due(board).exists()):
            return 0
        try:
            carried = _carry(board)
        except ArgillaAway as away:
            later(board, str(away))
            return 0
    well(board)
    return carried


def later(board: Board, trouble: str) -> None:
    """Try this board again after a while: twice as long each time, and never in step with others.

    A day without Argilla is some hundred tries.
    """
    wait = min(FIRST_WAIT * 2 ** min(board.tries, 20), LONGEST_WAIT)
    wait *= random.uniform(0.5, 1.5)  # noqa: S311
    board.tries, board.trouble = board.tries + 1, trouble[:300]
    board.next_try_at = timezone.now() + timedelta(seconds=wait)
    board.save(update_fields=["tries", "trouble", "next_try_at"])


def well(board: Board) -> None:
    """Forget the trouble: the last call succeeded."""
    Board.objects.filter(pk=board.pk).update(tries=0, trouble="", next_try_at=timezone.now())


def _carry(board: Board) -> int:
    carried, began = 0, monotonic()
    with connected() as client:
        carrier = Carrier(client, dataset_of(board, client))
        while (slips := _due(board)) and monotonic() - began < PUSH_LASTS:
            if slips[0].state == Slip.State.CLOSING:
                responses = ArgillaPolicy.of(board.line).responses
                carried += carrier.close(slips, responses=responses)
            else:
                carried += carrier.send(slips)
        return carried + returning.hand_back(client, board)


def _due(board: Board) -> list[Slip]:
    """What is carried next. Closing comes first: an open record costs somebody's time."""
    batch = max(LEAST, BATCH >> board.tries)
    for state in (Slip.State.CLOSING, Slip.State.WAITING):
        slips = Slip.objects.filter(board=board, state=state).order_by("pk")
        if found := list(slips.select_related("contribution", "row__skill")[:batch]):
            return found
    return []


@contextmanager
def _alone(board: Board) -> Iterator[bool]:
    """Whether this process carries for the board now; the lock falls with its connection."""
    key = [BOARD_LOCK + board.pk]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", key)
        (ours,) = cursor.fetchone()
    try:
        yield ours
    finally:
        if ours:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", key)
