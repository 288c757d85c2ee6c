"""What is promised to who waits: who answers next and by when, from measured stays.

A stay that has not ended yet counts for as long as it has lasted (Kaplan and Meier, 1958): counting
the ended ones alone, a queue that grows would look quicker the slower it gets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.contributions.clocks import PROMISED
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.models import Event
from apps.history.queries import kind_of, life_of
from apps.reviews.queue.models import Pace, Place
from apps.reviews.queue.policy import QueueRule
from apps.reviews.queue.worth import demands
from apps.skills.models import ModelLine

# Fewer stays than these prove nothing, and the promise that was written down stands.
FEWEST = 20
LOOKED_AT, LOOKED_BACK = 1000, timedelta(days=28)
A_WEEK = timedelta(days=7)
# What a person answers with; withdrawing is the author's own.
ANSWERS = (Stage.ACCEPTED, Stage.CHANGES_REQUESTED, Stage.REJECTED)
# Nobody promises within less.
SOONEST = timedelta(minutes=1)

# The latest entries into a stage, when each left it (nothing: it is there still) and where to.
# Gold items stay for as long as they serve, so they say nothing of how long anybody waits.
STAYS = """
    SELECT extract(epoch FROM coalesce(gone.at, %(now)s) - came.at), gone.entered
    FROM (
        SELECT e.id, e.subject_id, e.at FROM history_event e
        JOIN contributions_contribution it ON it.id = e.subject_id AND it.line_id = %(line)s
        WHERE e.subject_kind = %(kind)s AND e.entered = %(stage)s AND e.at > %(since)s
          AND NOT EXISTS (SELECT FROM reviews_gold gold WHERE gold.contribution_id = it.id)
        ORDER BY e.at DESC LIMIT %(most)s
    ) came
    LEFT JOIN LATERAL (
        SELECT e.at, e.entered FROM history_event e
        WHERE e.subject_kind = %(kind)s AND e.subject_id = came.subject_id
          AND e.id > came.id AND e."left" = %(stage)s
        ORDER BY e.id LIMIT 1
    ) gone ON true
"""


@dataclass(frozen=True)
class Promise:
    """By when the stage should be left, how many seconds that is, and what it rests on."""

    by: datetime
    seconds: float
    measured: bool
    full: bool = False
    held_back: bool = False
    estimated: bool = False

    def says(self) -> str:
        """The promise in a sentence or two."""
        told = _("Nine of ten are answered within %s, measured over the last weeks.")
        if self.estimated:
            told = _("Expect an answer in about %s.")
        elif not self.measured:
            told = _("We promise an answer within %s; too few were measured yet.")
        said = [told % _length(self.seconds)]
        if self.full:
            said.append(_("More comes in now than can be read, so it takes longer than usual."))
        if self.held_back:
            said.append(_("What is worth least waits until the desk has room; this is part of it."))
        return " ".join(said)

    @property
    def late(self) -> bool:
        """Whether the time is over; ageing has moved it up meanwhile."""
        return self.by < timezone.now()


def promise(contribution: Contribution, since: datetime) -> Promise | None:
    """By when somebody acts on what entered its stage at `since`; None where nothing waits."""
    stage = contribution.stage
    if stage not in PROMISED:
        return None
    pace = Pace.objects.filter(line=contribution.line_id, stage=stage).first()
    lasts = _lasts(pace, stage)
    place = Place.of(contribution) if stage == Stage.IN_REVIEW else None
    held_back = place is not None and place.held_back
    if place and held_back:
        since = place.counts_from
    full = bool(pace and pace.full)
    return Promise(since + lasts, lasts.total_seconds(), _is_measured(pace), full, held_back)


def promise_of(contribution: Contribution) -> Promise | None:
    """By when somebody acts on it, counted from when it came to where it stands."""
    if contribution.stage not in PROMISED:
        return None
    entered = life_of(contribution).filter(entered=contribution.stage).order_by("-pk").first()
    since = entered.at if entered else contribution.submitted_at or contribution.created_at
    return promise(contribution, since)


def expected(line: ModelLine, *, sent_at: datetime | None = None) -> Promise:
    """What somebody who sends now (or did at `sent_at`) has to expect until a person answers,
    checks included."""
    paces = {pace.stage: pace for pace in Pace.objects.filter(line=line)}
    review = paces.get(Stage.IN_REVIEW)
    lasts = _lasts(review, Stage.IN_REVIEW)
    full = bool(review and review.full)
    if review and full and review.answers_a_day:
        # Measured stays look back; what waits already says what is coming (Little, 1961).
        lasts = max(lasts, timedelta(days=review.waiting / review.answers_a_day))
    lasts += _lasts(paces.get(Stage.SUBMITTED), Stage.SUBMITTED)
    return Promise(
        (sent_at or timezone.now()) + lasts,
        lasts.total_seconds(),
        _is_measured(review),
        full=full,
        estimated=full,
    )


def measure(line: ModelLine) -> None:
    """Take down how long stays last now, and whether more comes than is answered."""
    now = timezone.now()
    for stage in PROMISED:
        stays = _stays(line, stage, now)
        waiting = Contribution.objects.filter(line=line, stage=stage, gold=None).count()
        measured: dict[str, object] = {
            "stays": len(stays),
            "half_seconds": quantile(stays, 0.5),
            "most_seconds": quantile(stays, 0.9),
            "waiting": waiting,
            "measured_at": now,
        }
        if stage == Stage.IN_REVIEW:
            measured |= _load(line, waiting, now)
        Pace.objects.update_or_create(line=line, stage=stage, defaults=measured)


def quantile(stays: Iterable[tuple[float, bool]], share: float) -> float | None:
    """The time (seconds) by which this share has ended; None while that many have not.

    `stays` are (seconds, whether it ended); one that has not ended lasts longer than its seconds.
    """
    standing, left = 1.0, sorted(stays, key=lambda stay: (stay[0], not stay[1]))
    for at, (seconds, ended) in enumerate(left):
        if ended:
            standing *= 1 - 1 / (len(left) - at)
            # (Products of fractions come out a hair above what they mean.)
            if standing <= 1 - share + 1e-9:
                return seconds
    return None


def _length(seconds: float) -> str:
    """A length of time as people say it, rounded up."""
    minutes, hours, days = ceil(seconds / 60), ceil(seconds / 3600), ceil(seconds / 86400)
    if hours <= 1:
        return ngettext("%d minute", "%d minutes", minutes) % minutes
    if days <= 2:
        return ngettext("%d hour", "%d hours", hours) % hours
    return ngettext("%d day", "%d days", days) % days


def _lasts(pace: Pace | None, stage: str) -> timedelta:
    if pace is None or pace.stays < FEWEST or pace.most_seconds is None:
        return PROMISED[stage]
    return max(SOONEST, timedelta(seconds=pace.most_seconds))


def _is_measured(pace: Pace | None) -> bool:
    return pace is not None and pace.stays >= FEWEST and pace.most_seconds is not None


def _stays(line: ModelLine, stage: str, now: datetime) -> list[tuple[float, bool]]:
    told: dict[str, Any] = {"line": line.pk, "kind": kind_of(Contribution()), "now": now}
    told |= {"stage": str(stage), "since": now - LOOKED_BACK, "most": LOOKED_AT}
    with connection.cursor() as cursor:
        cursor.execute(STAYS, told)
        return [
            (float(seconds), entered is not None and entered != Stage.WITHDRAWN)
            for seconds, entered in cursor.fetchall()
        ]


def _load(line: ModelLine, waiting: int, now: datetime) -> dict[str, object]:
    """Arrivals and answers a day over the last week, and whether the desk is full."""
    rule, week = QueueRule.of(line), _moves(line).filter(at__gt=now - A_WEEK)
    first = week.order_by("at").values_list("at", flat=True).first()
    days = max(1.0, (now - first) / timedelta(days=1)) if first else 1.0
    came = week.filter(entered=Stage.IN_REVIEW).count()
    arrivals = came / days
    answers = week.filter(left=Stage.IN_REVIEW, entered__in=ANSWERS).count() / days
    more_comes = came >= FEWEST and arrivals > rule.full_ratio * answers
    full = more_comes and waiting > rule.full_days * answers
    cut = _cut(line, 1 - answers / arrivals) if full else None
    return {"arrivals_a_day": arrivals, "answers_a_day": answers, "full": full, "cut": cut}


def _moves(line: ModelLine) -> QuerySet[Event]:
    ours = Contribution.objects.filter(line=line, gold=None).values("pk")
    return Event.objects.filter(subject_kind=kind_of(Contribution()), subject_id__in=ours)


def _cut(line: ModelLine, share: float) -> float | None:
    """The worth, demand included, below which that share of the latest arrivals lies."""
    latest = Place.objects.filter(line=line, contribution__gold=None).order_by("-arrived_at")[
        :LOOKED_AT
    ]
    asked_for = demands()
    worths = sorted(
        worth + asked_for.get(heap, 0.0) for heap, worth in latest.values_list("heap", "worth")
    )
    return worths[min(int(share * len(worths)), len(worths) - 1)] if worths else None
