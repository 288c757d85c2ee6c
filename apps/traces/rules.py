"""Whose answers somebody may see and judge."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from apps.accounts.models import Account, Role
from apps.traces import queries
from apps.traces.models import Trace

# They judge for others.
JUDGES = (Role.REVIEWER, Role.MAINTAINER, Role.RELEASE_MANAGER)
# Under this name the site logs what somebody without an account asks; see `visitor_called`.
VISITOR = "visitor-"


def may_judge(account: Account | None, visitor: str = "") -> Q:
    """The traces that this account, or this browser's visitor, may see and judge.

    Their own, nobody's, or as a judge everybody's; decision 0021 tells why.
    """
    if account and _judges(account):
        return Q()
    mine = Q(asked_by=None, user=visitor_called(visitor)) if visitor else Q(pk__in=[])
    if account:
        mine |= Q(asked_by__in=_one_house(account))
        mine |= Q(asked_by=None) & ~Q(user__startswith=VISITOR)
    return mine


def visitor_called(visitor: str) -> str:
    """The name of a visitor's questions, for the hash of their browser's key."""
    return f"{VISITOR}{visitor[:40]}"


def pairs_for(judge: Account) -> QuerySet[Trace]:
    """Shadow answers that wait for a judge and that this one may see, blind; oldest first.

    Who asked has seen the live answer and knows which one it is, so they are left out.
    """
    waiting = queries.unjudged_pairs().filter(may_judge(judge))
    return waiting.exclude(mirror_of__asked_by=judge)


def _judges(account: Account) -> bool:
    # Anybody can make a service account, so it sees no more than the person who answers for it.
    return (account.owner or account).role in JUDGES


def _one_house(account: Account) -> QuerySet[Account]:
    """The account, the services it answers for, and a service's siblings."""
    house = Q(pk=account.pk) | Q(owner=account.owner_id or account.pk)
    return Account.objects.filter(house)
