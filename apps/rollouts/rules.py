"""Who may move a rollout, and which version answers whom."""

from __future__ import annotations

import hashlib

from apps.accounts.models import Account, Role
from apps.rollouts.errors import NotAReleaseManager

START = (Role.RELEASE_MANAGER,)
ROLL_BACK = (Role.RELEASE_MANAGER, Role.MAINTAINER, Role.ADMIN)
BUCKETS = 10_000


def ensure_may_start(account: Account) -> None:
    """`NotAReleaseManager` unless the account may start, pause or resume a rollout."""
    if account.role not in START:
        raise NotAReleaseManager(f"{account} cannot move a rollout; a release manager can")


def ensure_may_roll_back(account: Account) -> None:
    """`NotAReleaseManager` unless the account may roll back; one person is enough."""
    if account.role not in ROLL_BACK:
        raise NotAReleaseManager(f"{account} cannot roll back; a release manager can")


def gets_candidate(user: str, *, salt: str, percent: int) -> bool:
    """Whether this user is among the first `percent` of hundred under this rollout's salt.

    Sticky (the same user always falls into the same bucket of ten thousand), and nested: who has
    the candidate at 1 % keeps it at 5 and 50 %.
    """
    digest = hashlib.sha256(f"{salt}\n{user}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS < percent * BUCKETS // 100
