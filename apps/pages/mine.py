"""One's own PRs at a glance: what each waits for, and what it did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Q
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.builds.models import Build, Entry
from apps.builds.stages import Stage as BuildStage
from apps.contributions.models import Contribution
from apps.contributions.queries import OPEN
from apps.contributions.stages import Stage
from apps.pages.life import next_step
from apps.reviews.agreement.queries import stranded_among


class Work(NamedTuple):
    """A PR, who acts next on it and how, and what became of it so far."""

    contribution: Contribution
    who: str
    what: str
    did: str
    build: Build | None


class Sums(NamedTuple):
    """How many PRs somebody has sent, which of them wait, and what became of the others."""

    sent: int
    open: int
    accepted: int
    shipped: int


def works_of(contributions: Sequence[Contribution]) -> list[Work]:
    """Each PR with what it waits for and what it did, in three queries."""
    entries = Entry.objects.filter(contribution__in=contributions).select_related("build")
    latest = {entry.contribution_id: entry.build for entry in entries.order_by("build")}
    stranded = stranded_among(contributions)
    return [_work(one, latest.get(one.pk), stranded.get(one.pk)) for one in contributions]


def sums_of(account: Account) -> Sums:
    """Somebody's PRs, counted in one query."""
    shipped = Q(entries__build__shipped_at__isnull=False)
    counts = Contribution.objects.filter(author=account).exclude(stage=Stage.DRAFT)
    return Sums(
        **counts.aggregate(
            sent=Count("pk", distinct=True),
            open=Count("pk", filter=Q(stage__in=OPEN), distinct=True),
            accepted=Count("pk", filter=Q(stage=Stage.ACCEPTED), distinct=True),
            shipped=Count("pk", filter=shipped, distinct=True),
        )
    )


def _work(contribution: Contribution, build: Build | None, stranded_at: datetime | None) -> Work:
    live = build is not None and build.shipped_at is not None
    who, what = next_step(contribution, None, live, stranded_at=stranded_at)
    return Work(contribution, who, what, _did(build), build)


def _did(build: Build | None) -> str:
    if build is None:
        return ""
    if build.shipped_at:
        return _("Trained in build %(number)d, which serves everyone") % {"number": build.pk}
    if build.stage == BuildStage.FAILED:
        return _("Build %(number)d failed; it goes into the next one") % {"number": build.pk}
    if build.verdict == "refused":
        return _("Build %(number)d was not fit; it goes into the next one") % {"number": build.pk}
    return _("In build %(number)d") % {"number": build.pk}
