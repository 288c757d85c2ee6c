"""Giving and taking roles. A role is where a person stands, so it moves through this house too:
on record, by people who may, by two of them where it matters."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts import rules
from apps.accounts.actions import set_role
from apps.accounts.errors import AccountRefused, NotAllowed
from apps.accounts.models import Account, Role
from apps.history import two_people
from apps.history.actions import Actor, record
from apps.history.models import Proposal

ACTION = "appoint"
# Who is no person and may yet appoint: the operator's own command line, and the written rule.
OPERATOR, RULE = "operator", "trust"


def appoint(account: Account, role: str, *, by: Actor, because: str = "") -> Proposal | None:
    """Give an account a role; a proposal comes back while a second person has to want it.

    `by` is an account, the operator's command line, or the written rule of trust, which lifts
    contributors to trusted and does nothing else.
    """
    if role not in Role.values:
        said = _("the role “%(role)s” is not known; pick one of %(choice)s")
        raise AccountRefused(said % {"role": role, "choice": ", ".join(Role.values)})
    if isinstance(by, Account):
        return _by_people(account, role, by, because)
    if by == RULE and (account.role, role) != (Role.CONTRIBUTOR, Role.TRUSTED):
        raise NotAllowed(f"the rule of trust lifts contributors alone, not {account}")
    if by not in (OPERATOR, RULE):
        raise NotAllowed(f"“{by}” appoints nobody")
    _enter(account, role, by=by, because=because)
    return None


def _by_people(account: Account, role: str, by: Account, because: str) -> Proposal | None:
    with transaction.atomic():
        account = Account.objects.select_for_update().get(pk=account.pk)
        if rules.voices_needed(by, account, role) == 1:
            _enter(account, role, by=by, because=because)
            return None
        proposal = two_people.ask(
            account,
            ACTION,
            by=by,
            because=because,
            terms={"role": role, "from": account.role},
            may=lambda person: rules.may_second(person, account, role),
        )
        if proposal.agreed:
            _enter(account, role, by=by, because=because, first=proposal.proposed_by)
    return proposal


def _enter(
    account: Account, role: str, *, by: Actor, because: str, first: Account | None = None
) -> None:
    with transaction.atomic():
        left = account.role
        if left == role:
            return
        set_role(account, role)
        details = {"proposed_by": str(first)} if first else {}
        record(
            account, "appointed", by=by, because=because, left=left, entered=role, details=details
        )
