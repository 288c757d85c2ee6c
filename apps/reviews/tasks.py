"""What the clock sets off: trusting whom the written rule trusts."""

from __future__ import annotations

import logging

from celery import shared_task

from apps.accounts.errors import AccountRefused
from apps.accounts.models import Role
from apps.history.appointments import RULE, appoint
from apps.reviews.evidence import tasks as evidence
from apps.reviews.trust import TrustRule, deserving
from apps.skills.models import ModelLine

logger = logging.getLogger(__name__)

__all__ = ["evidence", "trust_whom_the_rule_trusts"]


@shared_task
def trust_whom_the_rule_trusts() -> None:
    """Lift every contributor who deserves it; a second ring finds nobody left."""
    for line in ModelLine.objects.order_by("pk"):
        for account in deserving(line):
            try:
                appoint(account, Role.TRUSTED, by=RULE, because=TrustRule.of(line).words())
            except AccountRefused as refusal:
                logger.info("skipped: %s", refusal)
