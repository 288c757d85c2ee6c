"""What the clock sets off: the queue and agreement are reckoned, ties found, trust given."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.accounts.errors import AccountRefused
from apps.accounts.models import Role
from apps.history.appointments import RULE, appoint
from apps.reviews import actions
from apps.reviews.agreement import actions as agreement
from apps.reviews.agreement import reckoning
from apps.reviews.evidence import tasks as evidence
from apps.reviews.queue import affiliation, places, promises
from apps.reviews.queue.policy import site_rule
from apps.reviews.trust import TrustRule, deserving
from apps.skills.models import ModelLine

logger = logging.getLogger(__name__)

__all__ = [
    "evidence",
    "find_ties",
    "measure_the_queue",
    "pull_what_waits",
    "trust_whom_the_rule_trusts",
]


@shared_task
def trust_whom_the_rule_trusts() -> None:
    """Lift every contributor who deserves it; a second ring finds nobody left."""
    for line in ModelLine.objects.order_by("pk"):
        for account in deserving(line):
            try:
                appoint(account, Role.TRUSTED, by=RULE, because=TrustRule.of(line).words())
            except AccountRefused as refusal:
                logger.info("skipped: %s", refusal)


@shared_task
def pull_what_waits() -> None:
    """Give places to what came to review."""
    places.pull()


@shared_task
def measure_the_queue() -> None:
    """Take down demand, stays and load of every line."""
    for line in ModelLine.objects.order_by("pk"):
        places.measure_demand(line)
        promises.measure(line)


@shared_task
def find_ties() -> None:
    """Tie accounts that came from one network within days."""
    affiliation.tie_by_address(site_rule())


@shared_task
def close_rounds() -> int:
    """Close rounds that nobody will complete, and retire gold items that were answered enough."""
    return actions.decide_overdue() + agreement.retire_answered()


@shared_task
def reckon_agreement() -> None:
    """Posteriors, alpha and signals of every line; the same answers at a second ring."""
    for line in ModelLine.objects.order_by("pk"):
        reckoning.weigh(line)
        reckoning.measure(line)
        reckoning.look_for_signals(line)
