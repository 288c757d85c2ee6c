"""Who may act as what."""

from __future__ import annotations

from datetime import timedelta

from apps.accounts.errors import NotAllowed
from apps.accounts.models import Account, Role, Scope

EVERYONE = {Scope.CONTRIBUTE, Scope.FEEDBACK, Scope.CHAT}

SCOPES: dict[str, frozenset[Scope]] = {
    Role.CONTRIBUTOR: frozenset(EVERYONE),
    Role.TRUSTED: frozenset(EVERYONE | {Scope.REVIEW}),
    Role.REVIEWER: frozenset(EVERYONE | {Scope.REVIEW, Scope.ADMIN}),
    Role.MAINTAINER: frozenset(EVERYONE | {Scope.REVIEW, Scope.RELEASE, Scope.ADMIN}),
    Role.RELEASE_MANAGER: frozenset(EVERYONE | {Scope.RELEASE}),
    Role.ADMIN: frozenset({Scope.CONTRIBUTE, Scope.REVIEW, Scope.RELEASE, Scope.ADMIN}),
    Role.SERVICE: frozenset(EVERYONE),
}

# How much a role may do to others' roles: nobody gives what stands above their own.
LEVEL: dict[str, int] = {
    Role.CONTRIBUTOR: 0,
    Role.TRUSTED: 1,
    Role.REVIEWER: 2,
    Role.MAINTAINER: 3,
    Role.RELEASE_MANAGER: 3,
    Role.ADMIN: 4,
}
NEVER_APPOINTED = "a service account is made by its owner and has no other role"

# Who may hold how many service accounts at once.
SERVICES_OF_ONE = 5
LONGEST_TOKEN = timedelta(days=366)
LONGEST_SERVICE_TOKEN = timedelta(days=90)

# A token with one of these stands in for a person at work, not for a program that sends feedback.
STRONG = frozenset({Scope.REVIEW, Scope.RELEASE, Scope.ADMIN})


def scopes_of(account: Account) -> frozenset[Scope]:
    """The scopes that a token of this account may carry; a service has no more than its owner."""
    if account.owner is not None:
        return SCOPES[Role.SERVICE] & SCOPES[account.owner.role]
    return SCOPES[account.role]


def voices_needed(giver: Account, account: Account, role: str) -> int:
    """How many people must want this change of role: 1, or 2; `NotAllowed` when `giver` may not.

    Administrators appoint in pairs, maintainers appoint reviewers in pairs and trust alone,
    reviewers propose whom to trust. One administrator is enough to take a reviewer's role away.
    """
    if giver.pk == account.pk:
        raise NotAllowed(f"{giver} cannot grant a role to themselves; somebody else can")
    if Role.SERVICE in (role, account.role):
        raise NotAllowed(NEVER_APPOINTED)
    highest = max(LEVEL[role], LEVEL[account.role])
    rises = LEVEL[role] > LEVEL[account.role]
    if giver.role == Role.ADMIN:
        return 1 if highest <= 1 or (highest == 2 and not rises) else 2
    if giver.role == Role.MAINTAINER and highest <= 1:
        return 1
    if giver.role == Role.MAINTAINER and role == Role.REVIEWER and rises:
        return 2
    if giver.role == Role.REVIEWER and role == Role.TRUSTED and rises:
        return 2
    raise NotAllowed(f"{giver} cannot grant the role “{role}”; an administrator can")


def may_second(giver: Account, account: Account, role: str) -> bool:
    """Whether this person's voice counts beside another's."""
    try:
        voices_needed(giver, account, role)
    except NotAllowed:
        return False
    return True
