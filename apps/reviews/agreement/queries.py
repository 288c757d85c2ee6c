"""Asking about voices, gold items and audits, without telling anybody too early."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.accounts.models import Account
from apps.accounts.statements import Hole
from apps.contributions.models import Contribution
from apps.reviews.agreement import halves
from apps.reviews.agreement.intervals import wilson
from apps.reviews.agreement.models import Alpha, Audit, Gold, Round, Signal, Voice
from apps.reviews.agreement.policy import GOLD, OVERLAP, REASONS
from apps.reviews.models import Verdict
from apps.skills.models import ModelLine

WEEKS = 12


def voted_by(reviewer: Account | Hole) -> Exists:
    """Of a contribution in a query: whether this reviewer has given a voice on its content."""
    given = Voice.objects.filter(
        reviewer=reviewer,
        round__contribution=OuterRef("pk"),
        round__digest=OuterRef("digest"),
    )
    return Exists(given)


def kept_for_others(reviewer: Account) -> Q:
    """What the ordinary queue does not offer: voted on, and gold (`next_special` deals it out)."""
    return Q(voted_by(reviewer)) | Q(Exists(Gold.objects.filter(pk=OuterRef("pk"))))


@dataclass(frozen=True)
class Voices:
    """How many reviews of a PR are in, and why it gets more than one; never which way they went.

    `stranded_at`: since when nobody who is there may give the one that is missing.
    """

    given: int
    of: int
    because: tuple[str, ...]
    adjudication: bool = False
    halves: int = 0
    stranded_at: datetime | None = None

    @property
    def reasons(self) -> list[str]:
        """Why, in words."""
        return [str(REASONS[code]) for code in self.because if code in REASONS]


def voices_on(contribution: Contribution) -> Voices | None:
    """What may be told of an open round on the current content; None where there is none."""
    held = Round.objects.filter(
        contribution=contribution, digest=contribution.digest, closed_at=None
    ).first()
    if held is None:
        return None
    voices = list(held.heard.all())
    half, whole = sum(v.half for v in voices), sum(not v.half for v in voices)
    # A gold item looks like a drawn one that waits for its second voice.
    if GOLD in held.because:
        return Voices(min(whole, 1), 2, (OVERLAP,), halves=min(half, 1))
    return Voices(
        given=min(whole, held.voices),
        of=held.voices,
        because=tuple(held.because),
        adjudication=halves.is_complete(held, halves.split(held, voices)[0]),
        halves=half,
        stranded_at=held.stranded_at,
    )


def stranded_among(contributions: Sequence[Contribution]) -> dict[int, datetime]:
    """Since when nobody may give the review that is missing, by PR, where that is so."""
    digests = {contribution.pk: contribution.digest for contribution in contributions}
    held = Round.objects.filter(contribution__in=digests, closed_at=None, stranded_at__isnull=False)
    told = held.values_list("contribution", "digest", "stranded_at")
    return {pk: since for pk, digest, since in told if digest == digests[pk] and since}


def closed_rounds_on(contribution: Contribution) -> QuerySet[Round]:
    """Rounds whose voices are open to everybody, oldest first."""
    closed = Round.objects.filter(contribution=contribution, closed_at__isnull=False)
    return closed.prefetch_related("heard__reviewer")


# -- Agreement ------------------------------------------------------------------------------------


def alphas(line: ModelLine) -> QuerySet[Alpha]:
    """Krippendorff's alpha by skill and week, newest week first, over all skills before each."""
    since = timezone.now().date() - timedelta(weeks=WEEKS)
    found = Alpha.objects.filter(line=line, week__gte=since).select_related("skill")
    return found.order_by("-week", F("skill__title").asc(nulls_first=True))


def rounds_told(line: ModelLine) -> dict[str, Any]:
    """How rounds of several reviewers went lately: closed, agreed at once, adjudicated, open."""
    since = timezone.now() - timedelta(weeks=WEEKS)
    real = Round.objects.filter(contribution__line=line, contribution__gold=None)
    # (A round that only half a voice opened asked for one reviewer, who agrees with nobody.)
    recent = real.filter(closed_at__gte=since).exclude(because=[])
    third = Voice.objects.filter(round=OuterRef("pk"), adjudicates=True)
    closed, adjudicated = recent.count(), recent.filter(Exists(third)).count()
    open_ones = real.filter(closed_at=None, digest=F("contribution__digest")).exclude(because=[])
    return {
        "closed": closed,
        "agreed": closed - adjudicated,
        "adjudicated": adjudicated,
        "open": open_ones.filter(contribution__stage="in_review").count(),
    }


# -- Audits ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Overturned:
    """How many audited decisions the second reader would have turned round."""

    answered: int
    overturned: int
    waiting: int

    @property
    def rate(self) -> float | None:
        """The share that was overturned; None before the first answer."""
        return self.overturned / self.answered if self.answered else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % Wilson interval of the rate."""
        return wilson(self.overturned, self.answered)


def overturned(line: ModelLine) -> Overturned:
    """The overturn rate of a line, since it was founded."""
    audits = Audit.objects.filter(decision__contribution__line=line)
    counts = audits.aggregate(
        answered=Count("pk", Q(answered_at__isnull=False)),
        overturned=Count("pk", Q(overturned=True)),
        waiting=Count("pk", Q(answered_at=None)),
    )
    return Overturned(**counts)


def audits(line: ModelLine) -> QuerySet[Audit]:
    """Answered audits of a line, newest decision first. Those that wait are not told."""
    found = Audit.objects.filter(
        decision__contribution__line=line, answered_at__isnull=False
    ).select_related("decision__contribution", "decision__reviewer", "auditor")
    return found.order_by("-pk")


# -- One reviewer's own ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Share:
    """So many hits of so many, with the 95 % Wilson interval."""

    name: str
    hits: int
    of: int

    @property
    def interval(self) -> tuple[float, float] | None:
        """Low and high, or None where nothing was counted."""
        return wilson(self.hits, self.of)

    @property
    def percents(self) -> tuple[float, float, float] | None:
        """Rate, low and high in percent."""
        if (interval := self.interval) is None:
            return None
        return 100 * self.hits / self.of, 100 * interval[0], 100 * interval[1]


@dataclass(frozen=True)
class Calibration:
    """How one reviewer did on items whose verdict is known; for their own eyes."""

    overall: Share
    by_verdict: list[Share]
    by_reason: list[Share]
    agreed: Share


def calibration(reviewer: Account) -> Calibration:
    """Hits on gold items, all and by what was right; and how often rounds ended as they said.

    A hit lets in what should be let in and keeps out what should not; whether it was kept out by
    a rejection or a request for changes is a matter of taste.
    """
    said = list(
        Voice.objects.filter(
            reviewer=reviewer, round__contribution__gold__isnull=False
        ).values_list(
            "verdict", "round__contribution__gold__verdict", "round__contribution__gold__reason"
        )
    )
    hits = [(_lets_in(mine) == _lets_in(right), right, reason) for mine, right, reason in said]
    mine = Voice.objects.filter(
        reviewer=reviewer, round__closed_at__isnull=False, round__contribution__gold=None
    )
    agreed = mine.filter(verdict=F("round__outcome")).count()
    return Calibration(
        _share("", [hit for hit, _, _ in hits]),
        [
            _share(verdict, [hit for hit, right, _ in hits if right == verdict])
            for verdict in sorted({right for _, right, _ in hits})
        ],
        [
            _share(reason, [hit for hit, _, why in hits if why == reason])
            for reason in sorted({why for _, _, why in hits})
        ],
        Share("", agreed, mine.count()),
    )


def _share(name: str, hits: list[bool]) -> Share:
    return Share(name, sum(hits), len(hits))


def _lets_in(verdict: str) -> bool:
    return verdict == Verdict.ACCEPT


# -- For maintainers ------------------------------------------------------------------------------


def signals(line: ModelLine) -> QuerySet[Signal]:
    """What maintainers should look at, most certain first."""
    return Signal.objects.filter(line=line).select_related("first", "second").order_by("q", "pk")


def gold_items(line: ModelLine) -> QuerySet[Gold]:
    """Gold items of a line, newest first, with how often each was answered."""
    found = Gold.objects.filter(contribution__line=line).select_related("contribution", "source")
    answered = Count("contribution__rounds__heard")
    return found.annotate(answered=answered).order_by("-planted_at")
