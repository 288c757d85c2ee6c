"""What the clock sets off between the desks, and what the outbox carries."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.contributions.models import Contribution
from apps.reviews.argilla import actions, bringing
from apps.reviews.argilla.calling import is_on
from apps.reviews.argilla.counting import count_voice as count
from apps.reviews.argilla.models import Board, Person
from apps.reviews.argilla.pushing import push
from apps.reviews.argilla.sweeping import sweep

logger = logging.getLogger(__name__)


@shared_task
def keep_in_step() -> None:
    """Lay out what is new, close what is decided, and send boards on their way."""
    bringing.decide_brought()
    if is_on():
        actions.lay_out()
        actions.close_decided()
        actions.set_off()


@shared_task
def push_board(pk: int) -> None:
    """Carry one board's rows, as far as one turn goes."""
    board = Board.objects.select_related("line", "skill").filter(pk=pk).first()
    if board and is_on() and (carried := push(board)):
        logger.info("%d records of %s are in step with Argilla", carried, board)


@shared_task
def sweep_board(pk: int) -> None:
    """Ask for what no webhook has brought."""
    board = Board.objects.select_related("line", "skill").filter(pk=pk).first()
    if board and is_on() and (new := sweep(board)):
        logger.info("%d responses of %s came by the sweep", new, board)


@shared_task
def count_voice(contribution: int, person: int) -> None:
    """Count one person's answers on one PR, if they are complete."""
    found = Contribution.objects.select_related("line", "skill", "author").get(pk=contribution)
    count(found, Person.objects.select_related("account").get(pk=person))
