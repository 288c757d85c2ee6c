"""Who may decide on what."""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.agreement.halves import ROLES as HALVES
from apps.reviews.agreement.halves import is_low_risk
from apps.reviews.desk.barring import ensure_not_barred
from apps.reviews.errors import NotAReviewer
from apps.reviews.queue.affiliation import ensure_independent, is_independent

DECIDE = (Role.REVIEWER, Role.MAINTAINER)
RELEASE = (Role.MAINTAINER, Role.ADMIN)


def may_decide(account: Account | AnonymousUser) -> bool:
    """Whether the role includes deciding; own work is refused apart from this."""
    return isinstance(account, Account) and account.role in DECIDE


def ensure_deciding(account: Account | AnonymousUser) -> Account:
    """The account, if its role includes deciding; else `NotAReviewer`."""
    if isinstance(account, Account) and may_decide(account):
        return account
    said = _("%(account)s is not a reviewer; a maintainer can propose the role")
    raise NotAReviewer(said % {"account": account})


def ensure_may_decide(account: Account, contribution: Contribution) -> None:
    """`NotAReviewer`, `OwnWork` or `Affiliated` unless this account may decide on it.

    Who handed it on, or whose rejection was taken back, leaves it to somebody else.
    """
    ensure_deciding(account)
    ensure_independent(account, contribution)
    if contribution.reverts_id and account.role != Role.MAINTAINER:
        raise NotAReviewer(_("taking accepted rows out again is decided by a maintainer"))
    ensure_not_barred(account, contribution)


def may_review(account: Account | AnonymousUser) -> bool:
    """Whether the role includes a voice at the desk, a whole one or half a one."""
    return may_decide(account) or (isinstance(account, Account) and account.role in HALVES)


def ensure_reviewing(account: Account | AnonymousUser) -> Account:
    """The account, if its role includes a voice at the desk; else `NotAReviewer`."""
    if isinstance(account, Account) and may_review(account):
        return account
    said = _("%(account)s is not a reviewer; a maintainer can propose the role")
    raise NotAReviewer(said % {"account": account})


def ensure_may_review(account: Account, contribution: Contribution) -> None:
    """`NotAReviewer`, `OwnWork` or `Affiliated` unless it has a voice on this, whole or half."""
    if account.role not in HALVES:
        return ensure_may_decide(account, contribution)
    ensure_independent(account, contribution)
    ensure_not_barred(account, contribution)
    if contribution.stage == Stage.QUARANTINED or not is_low_risk(contribution):
        said = _(
            "%(pr)s is left to reviewers; a trusted contributor has half a voice where little is "
            "at risk"
        )
        raise NotAReviewer(said % {"pr": contribution})


def may_release(account: Account, contribution: Contribution) -> bool:
    """Whether this account's voice counts for overruling a quarantine; it takes two."""
    return account.role in RELEASE and is_independent(account, contribution)


def ensure_may_release(account: Account, contribution: Contribution) -> None:
    """`NotAReviewer`, `OwnWork` or `Affiliated` unless it may overrule a quarantine."""
    if account.role not in RELEASE:
        raise NotAReviewer(_("only maintainers can release a contribution from quarantine"))
    ensure_independent(account, contribution)
