"""Asking what was answered and how it turned out."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.db import connection
from django.db.models import (
    BigIntegerField,
    Case,
    Exists,
    F,
    Func,
    Max,
    Min,
    OuterRef,
    Q,
    QuerySet,
    Sum,
    When,
)

from apps.accounts.models import Account
from apps.skills.models import ModelLine, Skill
from apps.traces.feedback import partitions
from apps.traces.models import Arm, Delivery, Feedback, Outcome, StandingTerms, Trace
from apps.traces.stages import Stage

# Whoever writes outcomes holds this lock together with the others, up to the commit.
WRITING = 0x0F19


def wait_for_writers() -> None:
    """Wait until everybody is done who was writing feedback when we came."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [WRITING])
        cursor.execute("SELECT pg_advisory_unlock(%s)", [WRITING])


def pairs(experiment: str) -> QuerySet[Trace]:
    """Shadow answers of an experiment, each with the live answer it mirrors, in request order."""
    mirrored = Trace.objects.filter(experiment=experiment, arm=Arm.SHADOW)
    return mirrored.select_related("mirror_of", "skill").order_by("pk")


def unjudged_pairs() -> QuerySet[Trace]:
    """Shadow answers that differ from the live answer and that nobody has judged, oldest first.

    The two answers of a pair are judged together and blind, so one outcome on the shadow answer
    says that the pair is done. Whom they may be shown `rules.pairs_for` says.
    """
    judged = Outcome.objects.filter(trace=OuterRef("pk"))
    differing = Trace.objects.filter(arm=Arm.SHADOW, error="").exclude(
        answer=F("mirror_of__answer")
    )
    return differing.exclude(Exists(judged)).select_related("mirror_of", "skill").order_by("pk")


def outcomes_after(experiment: str, outcome_id: int) -> QuerySet[Outcome]:
    """Outcomes of an experiment's answers, in the order in which they came in.

    Keys are given out before their transactions commit, so that a lower one can appear after a
    higher one was read, and would be passed over for ever. So we go no further than the last key
    that is to be seen now, and no sooner than everybody who may hold a lower one is done.
    """
    last = Outcome.objects.aggregate(last=Max("pk"))["last"] or 0
    wait_for_writers()
    outcomes = Outcome.objects.filter(trace__experiment=experiment, pk__gt=outcome_id, pk__lte=last)
    return outcomes.select_related("trace", "trace__skill").order_by("pk")


def failing(limit: int) -> QuerySet[Trace]:
    """The newest answers that somebody found wrong."""
    wrong = Q(outcomes__success=False) & ~Q(arm=Arm.SHADOW)
    return Trace.objects.filter(wrong).select_related("skill").order_by("-pk").distinct()[:limit]


# One question for all that a delivery is held against: the line (the oldest), its skills, the
# sender's standing terms, and the number that the delivery will have.
DESK = """
    SELECT line.*, terms.licence, terms.consent, traces_next_delivery() AS delivery,
        (SELECT coalesce(jsonb_object_agg(name, id), '{}') FROM skills_skill
         WHERE line_id = line.id) AS skill_keys
    FROM skills_modelline AS line LEFT JOIN traces_standingterms AS terms ON account_id = %s
    ORDER BY line.id LIMIT 1
"""


@dataclass(frozen=True)
class Desk:
    """What a delivery is held against; terms are empty where the account gave none for long."""

    line: ModelLine
    skills: Mapping[str, int]
    licence: str
    consent: str
    delivery: int


def desk_for(account: Account) -> Desk:
    """What a delivery of this account is held against; `ModelLine.DoesNotExist` without a line."""
    for line in ModelLine.objects.raw(DESK, [account.pk]):
        said = vars(line)
        skills = json.loads(said["skill_keys"])
        return Desk(line, skills, said["licence"] or "", said["consent"] or "", said["delivery"])
    raise ModelLine.DoesNotExist


def standing_terms(account: Account) -> StandingTerms | None:
    """The terms that an account gave for everything it sends, if it did."""
    return StandingTerms.objects.filter(account=account).first()


def delivery_named(public_id: str, account: Account) -> Delivery | None:
    """The account's own delivery of this public id, `op_42`."""
    key = public_id.removeprefix("op_")
    if not key.isdecimal() or len(key) > 18:
        return None
    return Delivery.objects.filter(pk=int(key), account=account).first()


def bytes_left(delivery: Delivery) -> int:
    """How much of a large delivery is not stored yet."""
    size = Func(F("body"), function="octet_length", output_field=BigIntegerField())
    return delivery.parcels.aggregate(left=Sum(size))["left"] or 0


@dataclass(frozen=True)
class FeedbackGroup:
    """Feedback that belongs together: its sender, source, skill, terms, corrections or not."""

    day: date
    line: ModelLine
    account: Account
    source: str
    skill: Skill | None
    licence: str
    consent: str
    corrected: bool

    def rows(self) -> Iterator[Feedback]:
        """The rows of the group, in the order in which they came."""
        rows = _gatherable(self.day).filter(
            account=self.account,
            source=self.source,
            skill=self.skill,
            delivery__line=self.line,
            delivery__licence=self.licence,
            delivery__consent=self.consent,
        )
        rows = rows.exclude(correction="") if self.corrected else rows.filter(correction="")
        return rows.select_related("trace").order_by("pk").iterator(chunk_size=2000)


def first_day_of_feedback() -> date | None:
    """The day (UTC) on which the first feedback with terms came; None before that."""
    first = Delivery.objects.exclude(licence="").order_by("pk").first()
    return first.received_at.astimezone(UTC).date() if first else None


def is_storing(day: date) -> bool:
    """Whether a delivery that came on this day is still on its way into the table."""
    return _delivered_on(day).filter(stage__in=[Stage.RECEIVING, Stage.WAITING]).exists()


def groups_of_feedback(day: date) -> list[FeedbackGroup]:
    """The groups of a day's feedback that has terms and content, in a fixed order."""
    corrected = Case(When(correction="", then=False), default=True)
    terms = ("delivery__line", "delivery__licence", "delivery__consent")
    rows = _gatherable(day).annotate(corrected=corrected)
    found = rows.values_list("account", "source", "skill", *terms, "corrected").distinct()
    accounts = Account.objects.in_bulk({account for account, *_ in found})
    skills = Skill.objects.in_bulk({skill for _, _, skill, *_ in found if skill})
    lines = ModelLine.objects.in_bulk({line for _, _, _, line, *_ in found})
    return [
        FeedbackGroup(day, lines[line], accounts[account], source, skills.get(skill), *rest)
        for account, source, skill, line, *rest in sorted(found, key=str)
    ]


def _delivered_on(day: date) -> QuerySet[Delivery]:
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return Delivery.objects.filter(
        received_at__gte=start, received_at__lt=start + timedelta(days=1)
    )


def _gatherable(day: date) -> QuerySet[Feedback]:
    """A day's rows with terms and content, by the range of numbers that its deliveries gave."""
    deliveries = _delivered_on(day).exclude(licence="")
    bounds = deliveries.aggregate(first=Min("pk"), last=Max("pk"))
    first, last = bounds["first"], bounds["last"]
    if first is None:
        return Feedback.objects.none()
    # The numbers find the month's partition; the deliveries, those of the day.
    within = (partitions.number_of(first, 0), partitions.number_of(last + 1, 0) - 1)
    return Feedback.objects.filter(gathers=True, pk__range=within, delivery__in=deliveries)
