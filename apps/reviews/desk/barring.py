"""Who must leave a PR to somebody else, whatever their role: who handed it on, who rejected it."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.accounts.statements import Hole, Statement
from apps.contributions.models import Contribution
from apps.reviews.desk.models import Appeal, Escalation, Outcome, Pending
from apps.reviews.errors import NotAReviewer


def barred(account: Account) -> Q:
    """Contributions on which this account has no voice any more."""
    return _barred(account, maintains=account.role == Role.MAINTAINER)


def _barred(account: Account | Hole, *, maintains: bool) -> Q:
    handed_on = Q(escalation__by=account) if maintains else Q(escalation__isnull=False)
    overturned = Q(appeal__outcome=Outcome.OVERTURNED, appeal__decision__reviewer=account)
    return handed_on | overturned


def barred_from(contribution: Contribution) -> Q:
    """The same, asked of a PR: accounts that have no voice on it any more."""
    overturned = Appeal.objects.filter(contribution=contribution, outcome=Outcome.OVERTURNED)
    accounts = Q(pk__in=overturned.values("decision__reviewer"))
    handed_on = Escalation.objects.filter(contribution=contribution).first()
    if handed_on is not None:
        accounts |= ~Q(role=Role.MAINTAINER) | Q(pk=handed_on.by_id)
    return accounts


def _bars(*, maintains: bool) -> QuerySet[Contribution, Any]:
    one = Contribution.objects.filter(pk=Hole("number"))
    return one.filter(_barred(Hole("account"), maintains=maintains)).values_list("pk")[:1]


BARS_A_MAINTAINER = Statement(lambda: _bars(maintains=True))
BARS_A_REVIEWER = Statement(lambda: _bars(maintains=False))


def ensure_not_barred(account: Account, contribution: Contribution) -> None:
    """`NotAReviewer`, with who decides instead, where the PR is left to somebody else."""
    bars = BARS_A_MAINTAINER if account.role == Role.MAINTAINER else BARS_A_REVIEWER
    if not bars.any(number=contribution.pk, account=account.pk):
        return
    if Escalation.objects.filter(contribution=contribution).exists():
        said = _("%(pr)s was handed to a maintainer; another one decides on it")
        raise NotAReviewer(said % {"pr": contribution})
    said = _("%(account)s rejected %(pr)s; after the appeal somebody else decides")
    raise NotAReviewer(said % {"account": account, "pr": contribution})


def awaiting() -> QuerySet[Pending]:
    """Verdicts that are given and not yet in effect: such a PR is offered to nobody."""
    return Pending.objects.filter(lapsed="")
