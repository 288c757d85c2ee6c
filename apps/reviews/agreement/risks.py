"""By what a PR could do harm: the risks for which a policy can ask a second voice."""

from __future__ import annotations

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
)


def risks_of(contribution: Contribution, policy: AgreementPolicy) -> dict[str, bool]:
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
