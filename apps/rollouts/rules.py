"""Who may move a rollout."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.rollouts.errors import NotAReleaseManager

START = (Role.RELEASE_MANAGER,)
ROLL_BACK = (Role.RELEASE_MANAGER, Role.MAINTAINER, Role.ADMIN)


def ensure_may_start(account: Account) -> None:
    """`NotAReleaseManager` unless the account may start, pause or resume a rollout."""
    if account.role not in START:
        said = _("%(account)s cannot move a rollout; a release manager can")
        raise NotAReleaseManager(said % {"account": account})


def ensure_may_roll_back(account: Account) -> None:
    """`NotAReleaseManager` unless the account may roll back; one person is enough."""
    if account.role not in ROLL_BACK:
        said = _("%(account)s cannot roll back; a release manager can")
        raise NotAReleaseManager(said % {"account": account})
