"""Who may start builds, overrule a comparison, or keep a contribution out."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.builds.errors import NotAReleaseManager

PLAN = (Role.RELEASE_MANAGER,)
# Two of these, and they must be two people.
OVERRIDE = (Role.MAINTAINER, Role.RELEASE_MANAGER)
HOLD = (Role.MAINTAINER, Role.RELEASE_MANAGER)


def ensure_may_plan(account: Account) -> None:
    """`NotAReleaseManager` unless the account may start a build."""
    if account.role not in PLAN:
        said = _("%(account)s cannot start a build; a release manager can")
        raise NotAReleaseManager(said % {"account": account})


def ensure_may_override(account: Account) -> None:
    """`NotAReleaseManager` unless the account may overrule a comparison."""
    if account.role not in OVERRIDE:
        said = _("%(account)s cannot overrule a comparison; a maintainer or release manager can")
        raise NotAReleaseManager(said % {"account": account})


def may_override(account: Account) -> bool:
    """Whether this account's voice counts for overruling a comparison; it takes two."""
    return account.role in OVERRIDE


def ensure_may_hold(account: Account) -> None:
    """`NotAReleaseManager` unless the account may keep a contribution out of builds."""
    if account.role not in HOLD:
        said = _(
            "%(account)s cannot keep a contribution out of builds; a maintainer or release "
            "manager can"
        )
        raise NotAReleaseManager(said % {"account": account})
