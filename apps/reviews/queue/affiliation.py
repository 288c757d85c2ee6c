"""Who is kept apart from whose work: their own, their organisation's, their cluster's.

A cluster is what evidence ties together: accounts that signed in from one address within days, or
that sent the same rows. Ties only ever keep people apart, so a wrong one costs a detour.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.accounts import networks
from apps.accounts.models import Account, Affiliation, Role
from apps.checks.queries import rows_seen_before
from apps.contributions.models import Contribution
from apps.history.actions import record
from apps.reviews.errors import Affiliated, NotAReviewer, OwnWork, ReasonMissing
from apps.reviews.queue.models import Tie
from apps.reviews.queue.policy import QueueRule

DISMISS = (Role.MAINTAINER, Role.ADMIN)
# Friends of friends of friends; further than that nobody can follow the evidence.
LONGEST_CHAIN = 3


def ensure_independent(reviewer: Account, contribution: Contribution) -> None:
    """`OwnWork` or `Affiliated`, which says why, unless this account is free to decide here."""
    author = contribution.author
    if _owner(author) == _owner(reviewer):
        raise OwnWork(f"{reviewer} wrote {contribution}; somebody else decides on it")
    if shared := organisations_of(reviewer) & organisations_of(author):
        raise Affiliated(
            f"{reviewer} and the author of {contribution} both belong to {sorted(shared)[0]}; "
            "somebody else decides on it"
        )
    if author.pk in cluster_of(reviewer) or _met(reviewer, author, contribution):
        raise Affiliated(
            f"there is evidence that {reviewer} and the author of {contribution} are one person; "
            "somebody else decides on it, or a maintainer dismisses the evidence"
        )


def is_independent(reviewer: Account, contribution: Contribution) -> bool:
    """Whether nothing keeps this account apart from the contribution's author."""
    try:
        ensure_independent(reviewer, contribution)
    except (OwnWork, Affiliated):
        return False
    return True


def apart_from(reviewer: Account) -> list[int]:
    """The accounts whose work this reviewer is never offered, their own first."""
    near = {reviewer.pk, *cluster_of(reviewer), *_colleagues(reviewer)}
    near |= set(Account.objects.filter(owner__in=near).values_list("pk", flat=True))
    return [reviewer.pk, *sorted(near - {reviewer.pk})]


def organisations_of(account: Account) -> set[str]:
    """The organisations that keep this account's people apart; a service has its owner's."""
    return set(_standing().filter(account=_owner(account)).values_list("organisation", flat=True))


def cluster_of(account: Account) -> set[int]:
    """The accounts tied to this one by evidence that nobody dismissed, over a few steps."""
    found, edge = {_owner(account)}, {_owner(account)}
    for _step in range(LONGEST_CHAIN):
        standing = Tie.objects.filter(dismissed_by=None)
        ties = standing.filter(Q(one__in=edge) | Q(other__in=edge)).values_list("one", "other")
        edge = {number for tie in ties for number in tie} - found
        if not edge:
            break
        found |= edge
    return found - {account.pk}


def ties_of(account: Account) -> QuerySet[Tie]:
    """The evidence about one account, dismissed or not, newest first."""
    ties = Tie.objects.filter(Q(one=account) | Q(other=account))
    return ties.select_related("one", "other", "dismissed_by").order_by("-pk")


def tie_by_address(rule: QueueRule) -> int:
    """Tie accounts that signed in from one address within days; returns how many pairs stand."""
    pairs = networks.shared(days=rule.tie_days, crowd=rule.tie_crowd)
    _tie(Tie.Kind.ADDRESS, {pair: {"days_apart": round(days, 1)} for pair, days in pairs.items()})
    return len(pairs)


def tie_by_rows(contribution: Contribution, rule: QueueRule) -> None:
    """Tie the author to whoever sent the same rows before, when they are too many for chance."""
    numbers = [number for _position, number in rows_seen_before(contribution)]
    if len(numbers) < min(rule.tie_rows, max(2, contribution.row_count)):
        return
    earlier = Contribution.objects.filter(pk__in=set(numbers)).exclude(author=contribution.author)
    told = {
        _pair(contribution.author_id, one.author_id): {
            "rows": numbers.count(one.pk),
            "contributions": [one.pk, contribution.pk],
        }
        for one in earlier
        if numbers.count(one.pk) >= min(rule.tie_rows, contribution.row_count)
    }
    _tie(Tie.Kind.ROWS, told)


def ensure_may_see_ties(account: Account) -> None:
    """`NotAReviewer` for who may not look into the evidence."""
    if account.role not in DISMISS:
        raise NotAReviewer("this evidence is for maintainers and administrators")


def dismiss(tie: Tie, *, by: Account, because: str) -> None:
    """Say that the evidence misleads: the two are two people, on record."""
    if by.role not in DISMISS or by.pk in (tie.one_id, tie.other_id):
        raise NotAReviewer(f"{by} cannot dismiss this evidence; another maintainer can")
    if not because.strip():
        raise ReasonMissing("say why the evidence misleads")
    with transaction.atomic():
        tie.dismissed_by, tie.dismissed_because = by, because
        tie.save(update_fields=["dismissed_by", "dismissed_because"])
        details = {"kind": tie.kind, "other": str(tie.other)}
        record(tie.one, "tie dismissed", by=by, because=because, details=details)


def _owner(account: Account) -> int:
    return account.owner_id or account.pk


def _standing(now: datetime | None = None) -> QuerySet[Affiliation]:
    """Who belongs where, or did so lately."""
    lately = (now or timezone.now()) - timedelta(days=QueueRule().apart_days)
    return Affiliation.objects.filter(Q(ended_at=None) | Q(ended_at__gt=lately))


def _colleagues(account: Account) -> set[int]:
    mine = organisations_of(account)
    if not mine:
        return set()
    return set(_standing().filter(organisation__in=mine).values_list("account", flat=True))


def _met(reviewer: Account, author: Account, contribution: Contribution) -> bool:
    """Whether the two came from one address, also since the clock last looked; not if dismissed."""
    one, other = _pair(_owner(reviewer), _owner(author))
    rule = QueueRule.of(contribution.line)
    if not networks.met(one, other, days=rule.tie_days, crowd=rule.tie_crowd):
        return False
    known = Tie.objects.filter(one=one, other=other, kind=Tie.Kind.ADDRESS)
    return not known.exclude(dismissed_by=None).exists()


def _tie(kind: Tie.Kind, told: dict[tuple[int, int], dict[str, object]]) -> None:
    Tie.objects.bulk_create(
        [
            Tie(one_id=one, other_id=other, kind=kind, evidence=evidence)
            for (one, other), evidence in sorted(told.items())
        ],
        ignore_conflicts=True,
    )


def _pair(one: int, other: int) -> tuple[int, int]:
    return min(one, other), max(one, other)
