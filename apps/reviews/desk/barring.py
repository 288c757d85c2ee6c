"""Who must leave a PR to somebody else, whatever their role: who handed it on, who rejected it."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.reviews.desk.models import Escalation, Outcome, Pending
from apps.reviews.errors import NotAReviewer


def barred(account: Account) -> Q:
    """Contributions on which this account has no voice any more."""
    handed_on = Q(escalation__isnull=False)
    if account.role == Role.MAINTAINER:
        handed_on = Q(escalation__by=account)
    overturned = Q(appeal__outcome=Outcome.OVERTURNED, appeal__decision__reviewer=account)
    return handed_on | overturned


def ensure_not_barred(account: Account, contribution: Contribution) -> None:
    """`NotAReviewer`, with who decides instead, where the PR is left to somebody else."""
    if not Contribution.objects.filter(barred(account), pk=contribution.pk).exists():
        return
    if Escalation.objects.filter(contribution=contribution).exists():
        raise NotAReviewer(f"{contribution} was handed to a maintainer; another one decides on it")
    raise NotAReviewer(f"{account} rejected {contribution}; after the appeal somebody else decides")


def awaiting() -> QuerySet[Pending]:
    """Verdicts that are given and not yet in effect: such a PR is offered to nobody."""
    return Pending.objects.filter(lapsed="")
