"""Whose answers somebody may judge."""

from __future__ import annotations

from apps.accounts.models import Account, Role

# They judge for others: graders, and services that hand on what their users say.
JUDGES = (Role.REVIEWER, Role.MAINTAINER, Role.RELEASE_MANAGER, Role.SERVICE)


def may_judge(account: Account, asked_by: int | None) -> bool:
    """Whether the account may say how an answer turned out: its own, nobody's, or as a judge."""
    return asked_by in (None, account.pk) or account.role in JUDGES
