"""What the policy asks for one PR: how many voices, and for which reasons."""

from __future__ import annotations

from django.db.models import QuerySet

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.reviews.agreement.policy import AgreementPolicy, Asked, asked, drawn_in_secret
from apps.reviews.agreement.risks import risks_of
from apps.reviews.desk.barring import barred_from
from apps.reviews.queue.affiliation import apart_from
from apps.reviews.queue.policy import QueueRule
from apps.reviews.rules import DECIDE


def asked_for(contribution: Contribution) -> Asked:
    """What the line's policy asks for this content, now; a PR that takes rows out bears no risk."""
    if contribution.reverts_id:
        return Asked()
    policy = AgreementPolicy.of(contribution.line)
    bears = risks_of(contribution, policy)
    return asked(policy, bears, drawn=not any(bears.values()) and _is_drawn(contribution, policy))


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
