"""Who may do what to a contribution, and what a stranger may see of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db.models import F, QuerySet, Sum, Value
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.errors import NotAllowed
from apps.accounts.models import Account, Role
from apps.contributions import queries
from apps.contributions.errors import ContributionRefused, QuotaReached
from apps.contributions.models import Consent, Contribution, Kind
from apps.contributions.stages import Stage

A_DAY = timedelta(days=1)
# What may still be edited without sending a revision.
EDITABLE = (
    *(Stage.DRAFT, Stage.SUBMITTED, Stage.IN_REVIEW),
    *(Stage.QUARANTINED, Stage.CHANGES_REQUESTED),
)

# So often may one PR be rejected before its author has to begin anew.
REJECTIONS = 3

SEE_QUARANTINE = (Role.REVIEWER, Role.MAINTAINER, Role.ADMIN)
# Training publishes what it learns from, so only that consent lets everybody read the rows.
READ_BY_ALL = (Consent.TRAIN,)


def ensure_may_offer(account: Account) -> None:
    """`NotAllowed` for administrators: who appoints the reviewers offers nothing to review."""
    if account.role == Role.ADMIN:
        said = _("%(who)s administers the site and offers nothing; another account can")
        raise NotAllowed(said % {"who": account})


@dataclass(frozen=True)
class Quota:
    """What a role may send in any 24 hours; None where nothing is counted."""

    contributions: int | None = None
    dataset_rows: int | None = None


# The quotas of the permission matrix; LIMITS_FACTOR multiplies them, and 0 switches them off.
QUOTAS: dict[str, Quota] = {
    Role.CONTRIBUTOR: Quota(contributions=20, dataset_rows=1_000),
    Role.TRUSTED: Quota(contributions=200, dataset_rows=100_000),
    Role.REVIEWER: Quota(dataset_rows=100_000),
    Role.SERVICE: Quota(dataset_rows=100_000),
}


def is_counted(author: Account) -> bool:
    """Whether what the author sends is held against a quota."""
    return bool(settings.LIMITS_FACTOR) and author.role in QUOTAS


def ensure_within_quota(author: Account, *, kind: str, rows: int) -> None:
    """`QuotaReached`, with the time of the next free place, when the author's day is full."""
    if most := _most(author, "contributions"):
        sent = queries.sent_since(author, timezone.now() - A_DAY)
        _ensure_room(sent, Value(1), 1, most=most)
    if kind == Kind.DATASET:
        ensure_rows_within_quota(author, rows)


def ensure_rows_within_quota(author: Account, more: int) -> None:
    """`QuotaReached` when so many more rows of fine-tuning data do not fit into the day."""
    if more > 0 and (most := _most(author, "dataset_rows")):
        sent = queries.sent_since(author, timezone.now() - A_DAY).filter(kind=Kind.DATASET)
        _ensure_room(sent, F("row_count"), more, most=most)


def _most(author: Account, what: str) -> int:
    """The author's quota on this site; 0 where nothing is counted."""
    quota = QUOTAS.get(author.role, Quota())
    return (getattr(quota, what) or 0) * settings.LIMITS_FACTOR


def _ensure_room(sent: QuerySet[Contribution], counts: Value | F, more: int, *, most: int) -> None:
    """`QuotaReached` unless `more` fits beside what was sent, of which each counts so much."""
    if more > most:
        raise QuotaReached(_more_than_a_day_takes(most, more), seconds=int(A_DAY.total_seconds()))
    excess = (sent.aggregate(sum=Sum(counts))["sum"] or 0) + more - most
    if excess <= 0:
        return
    opens = timezone.now()
    for at, count in sent.annotate(counted=counts).values_list("created_at", "counted"):
        opens, excess = at + A_DAY, excess - count
        if excess <= 0:
            break
    raise QuotaReached(
        _day_is_full(most, opens, rows=isinstance(counts, F)),
        seconds=max(1, ceil((opens - timezone.now()).total_seconds())),
    )


def _more_than_a_day_takes(most: int, more: int) -> str:
    """Why so many rows are never taken at once; one PR always fits into an empty day."""
    said = _(
        "your role sends at most %(most)s rows of fine-tuning data a day, and this has %(more)s; "
        "send a part of it, and the rest on other days"
    )
    return said % {
        "most": number_format(most, force_grouping=True),
        "more": number_format(more, force_grouping=True),
    }


def _day_is_full(most: int, opens: datetime, *, rows: bool) -> str:
    """Why nothing more is taken before `opens`: rows, or else PRs, are sent for today."""
    said = (
        _(
            "your role sends %(most)s rows of fine-tuning data a day, and they are sent; "
            "there is room again at %(opens)s"
        )
        if rows
        else _(
            "your role sends %(most)s PRs a day, and they are sent; "
            "there is room again at %(opens)s"
        )
    )
    shown = number_format(most, force_grouping=True)
    return said % {"most": shown, "opens": f"{opens:%Y-%m-%dT%H:%M:%SZ}"}


def ensure_may_send_again(contribution: Contribution) -> None:
    """`ContributionRefused` where a PR was rejected as often as its line bears."""
    if contribution.stage != Stage.REJECTED:
        return
    most = int(contribution.line.policy.get("review", {}).get("rejections", REJECTIONS))
    if queries.rejections().filter(subject_id=contribution.pk).count() >= most:
        said = ngettext(
            "%(pr)s was rejected %(most)d time and is not sent again; appeal, or offer "
            "other rows in a new PR",
            "%(pr)s was rejected %(most)d times and is not sent again; appeal, or offer "
            "other rows in a new PR",
            most,
        )
        raise ContributionRefused(said % {"pr": contribution, "most": most})


def is_author(account: Account | AnonymousUser, contribution: Contribution) -> bool:
    """Whether the account wrote the contribution."""
    return contribution.author_id == account.pk


def may_see_rows(account: Account | AnonymousUser, contribution: Contribution) -> bool:
    """Drafts are the author's; quarantined rows are for the author and those who decide.

    So are rows that nobody may train on: published, they could be measured with no longer.
    """
    if is_author(account, contribution):
        return True
    if contribution.stage == Stage.DRAFT:
        return False
    if contribution.stage == Stage.QUARANTINED or contribution.consent not in READ_BY_ALL:
        return isinstance(account, Account) and account.role in SEE_QUARANTINE
    return True
