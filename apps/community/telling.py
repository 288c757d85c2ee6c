"""Who is told of what: the record is read once, in order, and each event becomes notices.

Some events are read at once and told together: while many people decide, one by one would cost more
than their deciding does.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from django.db import transaction

from apps.accounts.models import Account
from apps.community.models import Notice, Reading, Reason, Subscription
from apps.community.news import News, is_about, kind_of_news, news_of
from apps.contributions.models import Contribution
from apps.history.models import Event

EVENTS_A_RING = 500
ROWS_AT_ONCE = 1000

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


def read_on(reader: str, tell: Callable[[Sequence[News]], None]) -> int:
    """Tell every event that this reader has not had, some at once; returns how many there were.

    Events are written one after the other under a lock, so none can appear behind the bookmark.
    The bookmark moves in the same transaction, so that each event is told exactly once.
    """
    Reading.objects.get_or_create(reader=reader)
    with transaction.atomic():
        bookmark = Reading.objects.select_for_update(skip_locked=True).filter(reader=reader).first()
        if bookmark is None:
            return 0
        after = Event.objects.filter(pk__gt=bookmark.event_id).select_related("account")
        events = list(after.order_by("pk")[:EVENTS_A_RING])
        if events:
            tell(news_of(events))
            bookmark.event_id = events[-1].pk
            bookmark.save(update_fields=["event_id"])
    return len(events)


def write_notices(many: Sequence[News]) -> None:
    """A line in the inbox of each person whom an event concerns, but not of who did it.

    Whoever says or decides something under a PR follows it from then on.
    """
    audience, notices = Audience(many), list[Notice]()
    for news in many:
        if news.kind in TOLD:
            notices += _notices_of(news, audience, notices)
        audience.hears_from_now_on(news)
    Notice.objects.bulk_create(notices, ROWS_AT_ONCE, ignore_conflicts=True)
    Subscription.objects.bulk_create(audience.joined, ROWS_AT_ONCE, ignore_conflicts=True)


class Audience:
    """Who follows the PRs that some news are about; it grows while they are told in their order."""

    def __init__(self, many: Sequence[News]) -> None:
        self.of: dict[int, dict[int, Subscription]] = defaultdict(dict)
        self.joined: list[Subscription] = []
        prs = {one.pk for news in many for one in news.contributions}
        for follows in Subscription.objects.filter(contribution__in=prs).select_related("account"):
            self.of[follows.contribution_id][follows.account_id] = follows

    def hears_from_now_on(self, news: News) -> None:
        """Let whoever did it follow the PR that it was done to, unless it is their own."""
        account = news.event.account
        if account is None:
            return
        for one in news.contributions:
            follows_already = account.pk in self.of[one.pk]
            if follows_already or one.author_id == account.pk or not is_about(news.event, one):
                continue
            joins = Subscription(account=account, contribution=one, reason=Reason.TOOK_PART)
            self.of[one.pk][account.pk] = joins
            self.joined.append(joins)


def _notices_of(news: News, audience: Audience, before: Sequence[Notice]) -> list[Notice]:
    only = ONLY.get(news.kind, set(Reason))
    return [
        Notice(account=account, contribution=contribution, event=news.event, reason=reason)
        for contribution in news.contributions
        if news.kind not in ONCE or not _told_before(news, contribution, before)
        for account, reason in _concerned(news, contribution, audience)
        if account.pk != news.event.account_id and reason in only
    ]


def _told_before(news: News, contribution: Contribution, before: Sequence[Notice]) -> bool:
    """Whether the same was told of this PR already, to anybody: earlier, or just now."""
    event = news.event
    for one in before:
        if one.contribution_id == contribution.pk and kind_of_news(one.event) == news.kind:
            return True
    told = Notice.objects.filter(contribution=contribution, event__verb=event.verb)
    return told.filter(event__subject_kind=event.subject_kind).exists()


def _concerned(
    news: News, contribution: Contribution, audience: Audience
) -> Iterator[tuple[Account, Reason]]:
    """Everybody whom the event concerns as part of this PR, each once, by the strongest reason."""
    told: set[int] = set()
    follows = audience.of[contribution.pk]
    muted = {one.account_id for one in follows.values() if one.muted}
    for account, reason in [
        *((one, Reason.MENTIONED) for one in _mentioned(news)),
        (contribution.author, Reason.AUTHOR),
        *((one.account, Reason(one.reason)) for one in follows.values()),
    ]:
        if account.pk in told or account.pk in muted or not account.is_active:
            continue
        # What a build or a rollout does concerns the authors of its PRs, not all who spoke of them.
        if reason == Reason.TOOK_PART and not is_about(news.event, contribution):
            continue
        told.add(account.pk)
        yield account, reason


def names_in(text: str) -> list[str]:
    """The handles that a text mentions as @name, in order, each once."""
    found = (name.rstrip(".-+@") for name in MENTION.findall(text))
    return list(dict.fromkeys(name for name in found if name))


def _mentioned(news: News) -> Iterable[Account]:
    """The accounts that the event's own text or details name."""
    names = [*news.event.details.get("mentioned", []), *names_in(news.event.because)]
    return Account.objects.filter(username__in=names[:20], is_active=True)
