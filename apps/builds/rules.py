"""Who may start builds, overrule a comparison, or keep a contribution out."""

from __future__ import annotations

from apps.accounts.models import Account, Role
from apps.builds.errors import NotAReleaseManager

PLAN = (Role.RELEASE_MANAGER,)
# Two of these, and they must be two people.
OVERRIDE = (Role.MAINTAINER, Role.RELEASE_MANAGER)
HOLD = (Role.MAINTAINER, Role.RELEASE_MANAGER)


def ensure_may_plan(account: Account) -> None:
    """`NotAReleaseManager` unless the account may start a build."""
    _ensure(account, PLAN, "start a build")


def ensure_may_override(account: Account) -> None:
    """`NotAReleaseManager` unless the account may overrule a comparison."""
    _ensure(account, OVERRIDE, "overrule a comparison")


def may_override(account: Account) -> bool:
    """Whether this account's voice counts for overruling a comparison; it takes two."""
    return account.role in OVERRIDE


def ensure_may_hold(account: Account) -> None:
    """`NotAReleaseManager` unless the account may keep a contribution out of builds."""
    _ensure(account, HOLD, "keep a contribution out of builds")


def _ensure(account: Account, roles: tuple[Role, ...], action: str) -> None:
    if account.role not in roles:
        needed = " or ".join(role.label.lower() for role in roles)
        raise NotAReleaseManager(f"{account} cannot {action}; a {needed} can")
