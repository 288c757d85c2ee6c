"""Who may act as what."""

from __future__ import annotations

from apps.accounts.errors import NotAllowed
from apps.accounts.models import Account, Role, Scope

# Names under which the system itself appears in the record.
RESERVED = frozenset(
    [
        "admin",
        "anonymous",
        "api",
        "builds",
        "checks",
        "gates",
        "history",
        "openflywheel",
        "operator",
        "reviews",
        "rollouts",
        "root",
        "schedule",
        "support",
        "system",
        "worker",
    ]
)

EVERYONE = {Scope.CONTRIBUTE, Scope.FEEDBACK, Scope.CHAT}

SCOPES: dict[str, frozenset[Scope]] = {
    Role.CONTRIBUTOR: frozenset(EVERYONE),
    Role.TRUSTED: frozenset(EVERYONE),
    Role.REVIEWER: frozenset(EVERYONE | {Scope.REVIEW}),
    Role.MAINTAINER: frozenset(EVERYONE | {Scope.REVIEW, Scope.RELEASE}),
    Role.RELEASE_MANAGER: frozenset(EVERYONE | {Scope.RELEASE}),
    Role.ADMIN: frozenset({Scope.CONTRIBUTE, Scope.ADMIN}),
    Role.SERVICE: frozenset(EVERYONE),
}


def scopes_of(account: Account) -> frozenset[Scope]:
    """The scopes that a token of this account may carry."""
    return SCOPES[account.role]


def ensure_may_grant(giver: Account, role: str) -> None:
    """`NotAllowed` unless `giver` may: administrators grant, maintainers only trust."""
    if giver.role == Role.ADMIN:
        return
    if giver.role == Role.MAINTAINER and role == Role.TRUSTED:
        return
    raise NotAllowed(f"{giver} cannot grant the role “{role}”; an administrator can")
