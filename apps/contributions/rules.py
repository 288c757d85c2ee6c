"""Who may do what to a contribution, and what a stranger may see of it."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser

from apps.accounts.errors import NotAllowed
from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage

SEE_QUARANTINE = (Role.REVIEWER, Role.MAINTAINER, Role.ADMIN)


def ensure_may_offer(account: Account) -> None:
    """`NotAllowed` for administrators: who appoints the reviewers offers nothing to review."""
    if account.role == Role.ADMIN:
        raise NotAllowed(f"{account} administers the site and offers nothing; another account can")


def is_author(account: Account | AnonymousUser, contribution: Contribution) -> bool:
    """Whether the account wrote the contribution."""
    return contribution.author_id == account.pk


def may_see_rows(account: Account | AnonymousUser, contribution: Contribution) -> bool:
    """Drafts are the author's; quarantined rows are for the author and those who decide."""
    if is_author(account, contribution):
        return True
    if contribution.stage == Stage.DRAFT:
        return False
    if contribution.stage == Stage.QUARANTINED:
        return isinstance(account, Account) and account.role in SEE_QUARANTINE
    return True
