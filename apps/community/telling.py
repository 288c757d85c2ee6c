"""Who is told of what: the record is read once, in order, and each event becomes notices."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from django.db import transaction

from apps.accounts.models import Account
from apps.community.models import Notice, Reading, Reason, Subscription
from apps.community.news import News, is_about, news_of
from apps.contributions.models import Contribution
from apps.history.models import Event

EVENTS_A_RING = 500

# What is worth a line in an inbox, beside everything that happens in a discussion.
TOLD = frozenset(
    [
        *("pr.in_review", "pr.quarantined", "pr.changes_requested", "pr.accepted", "pr.rejected"),
        *("pr.withdrawn", "pr.commented", "pr.held", "pr.hold_lifted", "pr.revert_proposed"),
        *("pr.submitted", "pr.comment_edited", "pr.measured", "pr.answer_not_counted"),
        *("pr.rejection_upheld", "pr.reviewer_missing"),
        *("build.ready", "build.failed", "rollout.live", "rollout.rolled_back"),
    ]
)
# What concerns some alone. An edited comment is news to those whom it mentions for the first time.
ONLY = {
    "pr.comment_edited": {Reason.MENTIONED},
    "pr.answer_not_counted": {Reason.MENTIONED},
    "pr.rejection_upheld": {Reason.AUTHOR},
    "pr.reviewer_missing": {Reason.MENTIONED},
    "pr.measured": {Reason.AUTHOR},
}
# Evidence is measured anew with each version; that it is there is told once.
ONCE = frozenset(["pr.measured"])
MENTION = re.compile(r"(?<![\w@/])@(\w[\w.@+-]{0,149})")


def read_on(reader: str, tell: Callable[[News], None]) -> int:
    """Tell every event that this reader has not had; returns how many there were.

    Events are written one after the other under a lock, so none can appear behind the bookmark.
    The bookmark moves in the same transaction, so that each event is told exactly once.
    """
    Reading.objects.get_or_create(reader=reader)
    with transaction.atomic():
        bookmark = Reading.objects.select_for_update(skip_locked=True).filter(reader=reader).first()
        if bookmark is None:
            return 0
        events = list(Event.objects.filter(pk__gt=bookmark.event_id).order_by("pk")[:EVENTS_A_RING])
        for event in events:
            tell(news_of(event))
        if events:
            bookmark.event_id = events[-1].pk
            bookmark.save(update_fields=["event_id"])
    return len(events)


def write_notices(news: News) -> None:
    """A line in the inbox of each person whom an event concerns, but not of who did it."""
    if news.kind not in TOLD:
        return
    only = ONLY.get(news.kind, set(Reason))
    notices = [
        Notice(account=account, contribution=contribution, event=news.event, reason=reason)
        for contribution in news.contributions
        if news.kind not in ONCE or not _told_before(news, contribution)
        for account, reason in concerned(news, contribution)
        if account.pk != news.event.account_id and reason in only
    ]
    Notice.objects.bulk_create(notices, ignore_conflicts=True)


def _told_before(news: News, contribution: Contribution) -> bool:
    """Whether the same was told of this PR already."""
    told = Notice.objects.filter(contribution=contribution, event__verb=news.event.verb)
    return told.filter(event__subject_kind=news.event.subject_kind).exists()


def concerned(news: News, contribution: Contribution) -> Iterator[tuple[Account, Reason]]:
    """Everybody whom the event concerns as part of this PR, each once, by the strongest reason."""
    told: set[int] = set()
    follows = Subscription.objects.filter(contribution=contribution).select_related("account")
    muted = {one.account_id for one in follows if one.muted}
    for account, reason in [
        *((one, Reason.MENTIONED) for one in _mentioned(news)),
        (contribution.author, Reason.AUTHOR),
        *((one.account, Reason(one.reason)) for one in follows),
    ]:
        if account.pk in told or account.pk in muted or not account.is_active:
            continue
        # What a build or a rollout does concerns the authors of its PRs, not all who spoke of them.
        if reason == Reason.TOOK_PART and not is_about(news.event, contribution):
            continue
        told.add(account.pk)
        yield account, reason


def take_part(news: News) -> None:
    """Whoever says or decides something under a PR follows it from then on."""
    account = news.event.account
    if account is None:
        return
    Subscription.objects.bulk_create(
        [
            Subscription(account=account, contribution=one, reason=Reason.TOOK_PART)
            for one in news.contributions
            if is_about(news.event, one) and one.author_id != account.pk
        ],
        ignore_conflicts=True,
    )


def names_in(text: str) -> list[str]:
    """The handles that a text mentions as @name, in order, each once."""
    found = (name.rstrip(".-+@") for name in MENTION.findall(text))
    return list(dict.fromkeys(name for name in found if name))


def _mentioned(news: News) -> Iterable[Account]:
    """The accounts that the event's own text or details name."""
    names = [*news.event.details.get("mentioned", []), *names_in(news.event.because)]
    return Account.objects.filter(username__in=names[:20], is_active=True)
