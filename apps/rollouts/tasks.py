"""What the clock sets off in rollouts: one step a tick, and the runtime kept complete."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.history.errors import MoveRefused
from apps.rollouts import actions, queries
from apps.rollouts.errors import RolloutRefused

logger = logging.getLogger(__name__)


@shared_task
def look_at_rollouts() -> None:
    """Give every rollout under way one look; one bad rollout holds up nobody."""
    for pk in queries.moving().values_list("pk", flat=True):
        try:
            actions.step(pk)
        except (MoveRefused, RolloutRefused) as refusal:
            logger.info("skipped: %s", refusal)


@shared_task
def load_wanted_versions() -> None:
    """Load what a restarted runtime has forgotten."""
    try:
        if names := actions.load_wanted():
            logger.info("loaded again: %s", ", ".join(names))
    except RolloutRefused as refusal:
        logger.warning("%s", refusal)
