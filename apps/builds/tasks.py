"""What the clock sets off in builds: planned and abandoned builds find a worker."""

from __future__ import annotations

import logging
import os
import socket

from celery import shared_task

from apps.builds import actions, queries
from apps.builds.errors import BuildRefused
from apps.builds.models import Build
from apps.history.actions import send
from apps.history.errors import LeaseLost, MoveRefused
from apps.skills.models import ModelLine

logger = logging.getLogger(__name__)


@shared_task
def find_builds() -> None:
    """Call a worker of the `gpu` queue for every build that waits for one."""
    for line in ModelLine.objects.all():
        actions.tell_who_serves(line)
    for build in queries.due():
        # The fencing number in the name: once for each worker that the build needs.
        send(
            "apps.builds.tasks.train_build",
            build.pk,
            once=f"train build {build.pk}, attempt {build.fence + 1}",
            queue="gpu",
        )


@shared_task
def train_build(pk: int) -> None:
    """Train one build, unless another worker holds it."""
    try:
        actions.train(Build.objects.get(pk=pk), worker=f"{socket.gethostname()}:{os.getpid()}")
    except (MoveRefused, BuildRefused, LeaseLost) as refusal:
        logger.info("skipped: %s", refusal)


@shared_task
def plan_weekly_builds() -> None:
    """Plan the week's build for every line; a week without contributions has no build."""
    for line in ModelLine.objects.all():
        try:
            actions.plan(line, by="schedule")
        except BuildRefused as refusal:
            logger.info("no build of %s: %s", line, refusal)
