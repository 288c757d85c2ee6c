"""Belonging to an organisation: told by oneself or by who appoints, and kept on record."""

from __future__ import annotations

import unicodedata

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.errors import AccountRefused, NotAllowed
from apps.accounts.models import Account, Affiliation, Role
from apps.history.actions import record

LONGEST = 120
MAY_TELL_OF_OTHERS = (Role.MAINTAINER, Role.ADMIN)


def affiliate(account: Account, organisation: str, *, by: Account, because: str = "") -> str:
    """Say to which organisation an account's person belongs now ("" for none).

    Returns the name as it is kept. People say it of themselves, maintainers and administrators of
    anybody; an end is on record, and the queue keeps the two apart for a while after it.
    """
    if account.owner_id is not None:
        said = _("%(account)s is a service and belongs where its owner does")
        raise NotAllowed(said % {"account": account})
    if by.pk != account.pk and by.role not in MAY_TELL_OF_OTHERS:
        said = _("%(by)s cannot say where %(account)s belongs; they can, or a maintainer")
        raise NotAllowed(said % {"by": by, "account": account})
    kept = _spelt(organisation)
    with transaction.atomic():
        # The account's row lets two who say different things at once come one after the other.
        Account.objects.select_for_update().get(pk=account.pk)
        standing = Affiliation.objects.filter(account=account, ended_at=None).first()
        before = standing.organisation if standing else ""
        if before == kept:
            return kept
        if standing:
            standing.ended_at = timezone.now()
            standing.save(update_fields=["ended_at"])
        if kept:
            Affiliation.objects.create(account=account, organisation=kept)
        details = {"from": before, "to": kept}
        record(account, "affiliated", by=by, because=because, details=details)
    return kept


def organisation_of(account: Account) -> str:
    """Where an account's person says that they belong now; "" for nowhere."""
    standing = Affiliation.objects.filter(account=account, ended_at=None).first()
    return standing.organisation if standing else ""


def _spelt(organisation: str) -> str:
    kept = " ".join(unicodedata.normalize("NFKC", organisation).casefold().split())
    if len(kept) > LONGEST:
        said = _("the organisation's name is longer than %(most)d characters")
        raise AccountRefused(said % {"most": LONGEST})
    return kept
