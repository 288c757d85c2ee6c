"""What the policy asks for one PR: how many voices, and for which reasons."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.models import Account
from apps.checks.models import Severity
from apps.checks.queries import severities_of
from apps.contributions.models import Contribution
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.reviews.agreement.policy import (
    FLAGGED,
    NEWCOMER,
    OVERRIDE,
    PROTECTED,
    AgreementPolicy,
    Asked,
    asked,
    drawn_in_secret,
)
from apps.reviews.desk.barring import barred_from
from apps.reviews.queue.affiliation import apart_from
from apps.reviews.queue.policy import QueueRule
from apps.reviews.rules import DECIDE


def asked_for(contribution: Contribution) -> Asked:
    """What the line's policy asks for this content, now; a PR that takes rows out bears no risk."""
    if contribution.reverts_id:
        return Asked()
    policy = AgreementPolicy.of(contribution.line)
    bears = _bears(contribution, policy)
    return asked(policy, bears, drawn=not any(bears.values()) and _is_drawn(contribution, policy))


def _bears(contribution: Contribution, policy: AgreementPolicy) -> dict[str, bool]:
    """Which risks of the policy the content bears."""
    found = severities_of(contribution)
    # Few rows can do no harm, so nobody is asked about their author and their skills.
    many = contribution.row_count >= policy.many_rows
    return {
        OVERRIDE: any(severity == Severity.QUARANTINE for severity, _dismissed in found),
        FLAGGED: (Severity.FLAG, False) in found,
        NEWCOMER: many and _is_new(contribution.author, policy),
        PROTECTED: many and rows_of(contribution).filter(skill__protected=True).exists(),
    }


def _is_new(author: Account, policy: AgreementPolicy) -> bool:
    accepted = Contribution.objects.filter(author=author, stage=Stage.ACCEPTED).order_by()
    return accepted[: policy.newcomer_below].count() < policy.newcomer_below


def _is_drawn(contribution: Contribution, policy: AgreementPolicy) -> bool:
    if not drawn_in_secret("overlap", contribution.digest, policy.overlap):
        return False
    return eligible(contribution).count() > policy.voices


def eligible(contribution: Contribution) -> QuerySet[Account]:
    """Accounts whose voice could count for this PR: they may decide, and nothing bars them."""
    deciding = Account.objects.filter(role__in=DECIDE, is_active=True)
    deciding = deciding.exclude(barred_from(contribution))
    # Whose work is kept from the author, from them the author's is.
    return deciding.exclude(pk__in=apart_from(contribution.author, QueueRule.of(contribution.line)))
