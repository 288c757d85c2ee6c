"""What the public sees, what waits in an inbox, and which webhooks want to hear of what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import (
    Aggregate,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    Min,
    Q,
    QuerySet,
)
from django.db.models.functions import TruncWeek
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from apps.accounts.models import Account
from apps.builds.models import Entry
from apps.community.models import Dispatch, Endpoint, MailWish, Notice
from apps.community.news import News, kind_of_news
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.models import Event
from apps.skills.models import ModelLine


@dataclass(frozen=True)
class Contributor:
    """A line of the leaderboard."""

    name: str
    submitted: int
    accepted: int
    shipped: int


@dataclass(frozen=True)
class Leaderboard:
    """Counts of the last weeks, the contributors, and the latency from PR to served (seconds)."""

    weeks: list[dict[str, Any]]
    contributors: list[Contributor]
    submitted: int
    accepted: int
    shipped: int
    latency_p50: float | None
    latency_p90: float | None


WEEKS = 12
MOST_CONTRIBUTORS = 100


def leaderboard(line: ModelLine) -> Leaderboard:
    """PRs a week, accepted, shipped, and how long it took from submission to everyone."""
    since = timezone.now() - timedelta(weeks=WEEKS)
    contributions = Contribution.objects.filter(line=line, submitted_at__gte=since).order_by()
    # (A gold item counts until the record has opened which one it was: to miss would tell it.)
    contributions = contributions.exclude(gold__retired_at__isnull=False)
    in_shipped = Entry.objects.filter(build__line=line, build__shipped_at__isnull=False)
    counts = {
        "submitted": Count("pk"),
        "accepted": Count("pk", filter=Q(stage=Stage.ACCEPTED)),
        "shipped": Count("pk", filter=Q(pk__in=in_shipped.order_by().values("contribution"))),
    }
    # Rows of such queries are plain dictionaries, of which the type checker knows half the keys.
    by_week: Any = contributions.annotate(week=TruncWeek("submitted_at")).values("week")
    by_person: Any = contributions.values(name=F("author__username"))
    weeks: list[dict[str, Any]] = list(by_week.annotate(**counts).order_by("week"))
    people = by_person.annotate(**counts).order_by("-shipped", "-accepted", "name")
    p50, p90 = _latencies(contributions)
    return Leaderboard(
        weeks=weeks,
        contributors=[Contributor(**person) for person in people[:MOST_CONTRIBUTORS]],
        submitted=sum(week["submitted"] for week in weeks),
        accepted=sum(week["accepted"] for week in weeks),
        shipped=sum(week["shipped"] for week in weeks),
        latency_p50=p50,
        latency_p90=p90,
    )


class Percentile(Aggregate):
    """The nearest-rank quantile of an expression, reckoned by PostgreSQL."""

    function = "percentile_disc"
    template = "%(function)s(%(share)s) WITHIN GROUP (ORDER BY %(expressions)s)"


def _latencies(contributions: QuerySet[Contribution]) -> list[float | None]:
    """Median and 90th percentile of the seconds from submission to live for everyone."""
    shipped = contributions.filter(entries__build__shipped_at__isnull=False)
    waited = F("entries__build__shipped_at") - F("submitted_at")
    each = shipped.values("pk").annotate(waited=Min(ExpressionWrapper(waited, DurationField())))
    found = each.aggregate(
        p50=Percentile("waited", share=0.5, output_field=DurationField()),
        p90=Percentile("waited", share=0.9, output_field=DurationField()),
    )
    return [waited.total_seconds() if waited else None for waited in (found["p50"], found["p90"])]


# -- Inboxes and webhooks -------------------------------------------------------------------------

SENTENCES = {
    "pr.submitted": gettext_noop("was sent, and the checks begin"),
    "pr.in_review": gettext_noop("passed the checks and waits for a reviewer"),
    "pr.quarantined": gettext_noop("was set aside by the checks; a maintainer looks at it"),
    "pr.changes_requested": gettext_noop("came back with a request for changes"),
    "pr.accepted": gettext_noop("was accepted and goes into the next build"),
    "pr.rejected": gettext_noop("was rejected"),
    "pr.rejection_upheld": gettext_noop("stays rejected: somebody else has heard the appeal"),
    "pr.withdrawn": gettext_noop("was withdrawn"),
    "pr.commented": gettext_noop("has a new comment"),
    "pr.comment_edited": gettext_noop("has a comment that now mentions you"),
    "pr.held": gettext_noop("is held back from builds"),
    "pr.hold_lifted": gettext_noop("may go into builds again"),
    "pr.revert_proposed": gettext_noop("might be taken out again: somebody proposes a revert"),
    "pr.measured": gettext_noop("shows what its rows would do to the model: a preview"),
    "pr.answer_not_counted": gettext_noop(
        "has an answer from Argilla that was not counted; the desk says why"
    ),
    "pr.reviewer_missing": gettext_noop(
        "needs a reviewer from elsewhere: nobody who is there may give the missing review"
    ),
    "build.ready": gettext_noop("was trained into a version that is ready to roll out"),
    "build.failed": gettext_noop("was in a build that failed"),
    "rollout.live": gettext_noop("serves everyone now"),
    "rollout.rolled_back": gettext_noop("was in a version that was taken back"),
}


# What comes to review from elsewhere than the checks.
BACK_IN_REVIEW: dict[str, str] = {
    Stage.REJECTED: gettext_noop("is in review again: the appeal was granted"),
    Stage.QUARANTINED: gettext_noop("was released by maintainers and waits for a reviewer"),
}


def sentence_of(notice: Notice) -> str:
    """What a line of the inbox says, in the reader's language."""
    said = said_of(notice.event) or gettext("has news")
    return f"{notice.contribution} {said}"


def said_of(event: Event) -> str:
    """What an event says of its PR, in the reader's language; "" where nobody is told of it."""
    said = SENTENCES.get(kind_of_news(event), "")
    if event.entered == Stage.IN_REVIEW:
        said = BACK_IN_REVIEW.get(event.left, said)
    return gettext(said) if said else ""


def inbox(account: Account, *, box: str = "inbox") -> QuerySet[Notice]:
    """The lines of an inbox, newest first: open ones, `unread`, `saved` or `done`."""
    notices = Notice.objects.filter(account=account).select_related("contribution", "event")
    boxes = {
        "inbox": Q(done_at=None),
        "unread": Q(done_at=None, read_at=None),
        "saved": Q(saved=True),
        "done": Q(done_at__isnull=False),
    }
    return notices.filter(boxes[box]).order_by("-pk")


def unread(account: Account) -> int:
    """How many lines of the inbox nobody has read; counted up to a hundred."""
    return len(inbox(account, box="unread").values_list("pk")[:100])


def wants_mail(account: Account) -> bool:
    """Whether mail may go to this account."""
    wish = MailWish.objects.filter(account=account).first()
    return bool(account.email) and account.is_active and (wish is None or wish.wanted)


def to_be_mailed(many: Iterable[News]) -> QuerySet[Notice]:
    """The notices of some events whose readers have an address and want mail, as they came."""
    events = [news.event.pk for news in many]
    notices = Notice.objects.filter(event__in=events, mailed_at=None).exclude(account__email="")
    return notices.exclude(account__mail_wish__wanted=False).order_by("pk")


def endpoints_of(account: Account) -> QuerySet[Endpoint]:
    """The account's webhooks, oldest first."""
    return Endpoint.objects.filter(account=account)


def endpoints_on() -> list[Endpoint]:
    """The webhooks that hear anything at all."""
    return list(Endpoint.objects.filter(disabled_at=None).order_by("pk"))


def wants(endpoint: Endpoint, news: News) -> bool:
    """Whether a webhook has asked for news of this kind, and may hear them."""
    thing = news.kind.split(".")[0]
    if not {"*", f"{thing}.*", news.kind}.intersection(endpoint.wants):
        return False
    return not endpoint.own_only or endpoint.account_id in {
        one.author_id for one in news.contributions
    }


def due_deliveries() -> QuerySet[Dispatch, int]:
    """The keys of deliveries whose next try has come, the longest waiting first."""
    due = Dispatch.objects.filter(next_try_at__lte=timezone.now(), endpoint__disabled_at=None)
    return due.order_by("next_try_at").values_list("pk", flat=True)
