"""Who may do what to a contribution, and what a stranger may see of it."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from apps.accounts.models import Account, Role
from apps.contributions.models import Consent, Contribution
from apps.contributions.stages import Stage

SEE_QUARANTINE = (Role.REVIEWER, Role.MAINTAINER, Role.ADMIN)
# Training publishes what it learns from, so only that consent lets everybody read the rows.
READ_BY_ALL = (Consent.TRAIN,)


def is_author(account: Account | AnonymousUser, contribution: Contribution) -> bool:
    """Whether the account wrote the contribution."""
    return contribution.author_id == account.pk


def may_see_rows(account: Account | AnonymousUser, contribution: Contribution) -> bool:
    """Drafts are the author's; quarantined rows are for the author and those who decide.

    So are rows that nobody may train on: published, they could be measured with no longer.
    """
    if is_author(account, contribution):
        return True
    if contribution.stage == Stage.DRAFT:
        return False
    if contribution.stage == Stage.QUARANTINED or contribution.consent not in READ_BY_ALL:
        return isinstance(account, Account) and account.role in SEE_QUARANTINE
    return True
