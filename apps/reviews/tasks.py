"""What the clock sets off: the desk, the queue and agreement are reckoned, trust is given."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.accounts.errors import AccountRefused
from apps.accounts.models import Role
from apps.history.actions import send
from apps.history.appointments import RULE, appoint
from apps.reviews import actions
from apps.reviews.agreement import actions as agreement
from apps.reviews.agreement import reckoning, stranded
from apps.reviews.argilla import tasks as argilla
from apps.reviews.desk import pending
from apps.reviews.desk.models import Pending
from apps.reviews.evidence import tasks as evidence
from apps.reviews.queue import affiliation, places, promises
from apps.reviews.queue.policy import site_rule
from apps.reviews.trust import TrustRule, deserving
from apps.skills.models import ModelLine

logger = logging.getLogger(__name__)

__all__ = [
    "argilla",
    "carry_out",
    "carry_out_verdicts",
    "close_rounds",
    "evidence",
    "find_ties",
    "measure_the_queue",
    "pull_what_waits",
    "reckon_agreement",
    "trust_whom_the_rule_trusts",
]
MOST_A_RING = 500


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
    while places.pull() == places.AT_ONCE:
        logger.info("more waits for a place")


@shared_task
def measure_the_queue() -> None:
    """Take down demand, stays and load of every line."""
    for line in ModelLine.objects.order_by("pk"):
        places.measure_demand(line)
        promises.measure(line)
    places.look_again()


@shared_task
def find_ties() -> None:
    """Tie accounts that came from one network within days."""
    affiliation.tie_by_address(site_rule())


@shared_task
def carry_out_verdicts() -> None:
    """Send out every verdict whose time to undo is over; one that was edited goes out twice."""
    for given in pending.due()[:MOST_A_RING]:
        after = ", edited" if given.edited else ""
        send("apps.reviews.tasks.carry_out", given.pk, once=f"verdict {given.pk}{after}")


@shared_task
def carry_out(pk: int) -> None:
    """Let one verdict take effect, unless it was undone."""
    if given := Pending.objects.filter(pk=pk).first():
        pending.carry_out(given)


@shared_task
def close_rounds() -> int:
    """Close rounds that nobody will complete, tell of those that nobody can, and retire gold items
    that were answered enough."""
    return actions.decide_overdue() + stranded.look() + agreement.retire_answered()


@shared_task
def reckon_agreement() -> None:
    """Posteriors, alpha and signals of every line; the same answers at a second ring."""
    for line in ModelLine.objects.order_by("pk"):
        reckoning.weigh(line)
        reckoning.measure(line)
        reckoning.look_for_signals(line)
