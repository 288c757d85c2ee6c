"""Feedback that came in bulk becomes PRs that people can review.

The rule. A row of feedback is gathered when terms came with it (in the request, or once for all)
and it says something a model can learn:

    a correction      a row of a correction: what was asked, the answer before, the answer wanted
    success           a rated row, good or bad
    a rating          a rated row with its stars: 4 and 5 are good, 1 and 2 bad, 3 says nothing

A row with a correction is gathered as a correction only. Feedback on one of our own answers takes
prompt and answer from its trace, and only where the sender asked for that answer: what others
asked is theirs to give.

The rows of one sender, source, skill, day (UTC, when the delivery came), kind and terms are one PR;
every 10,000 rows another. A day is gathered when it is over and all of its deliveries are stored,
so that a PR never grows while somebody reviews it. Each group is gathered once: its `Gathering` is
written in the transaction of its PR, and each row keeps the number of the feedback it came from.
A sender whose day is full waits for room, and nobody else waits with them.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.errors import NotAllowed
from apps.accounts.models import Account
from apps.contributions import actions
from apps.contributions.actions import Terms
from apps.contributions.errors import ContributionRefused, QuotaReached
from apps.contributions.models import Contribution, GatheredDay, Gathering, Kind
from apps.contributions.rows import MOST_ROWS, label_of_stars
from apps.history.actions import record
from apps.skills.models import ModelLine, Skill
from apps.traces import queries as traces
from apps.traces.models import Feedback

logger = logging.getLogger(__name__)

# A request that began before midnight may commit after it.
GRACE = timedelta(minutes=10)


@dataclass(frozen=True)
class Group:
    """What the rows of one PR have in common."""

    line: ModelLine
    account: Account
    day: date
    source: str
    skill: Skill | None
    kind: str
    licence: str
    consent: str

    def named(self) -> dict[str, Any]:
        """The fields by which a `Gathering` knows the group."""
        names = ("account", "day", "source", "skill", "kind", "licence", "consent")
        return {name: getattr(self, name) for name in names}

    @property
    def title(self) -> str:
        """“Corrections from the help desk: sums, 21 November 2026”."""
        what = "Corrections" if self.kind == Kind.CORRECTION else "Ratings"
        whence = f" from {self.source}" if self.source else ""
        which = f": {self.skill}" if self.skill else ""
        return f"{what}{whence}{which}, {self.day:%-d %B %Y}"


def waiting_days(now: datetime | None = None) -> list[date]:
    """Days that are over and not gathered yet, oldest first."""
    first = traces.first_day_of_feedback()
    if first is None:
        return []
    over = ((now or timezone.now()) - GRACE).date()
    done = set(GatheredDay.objects.filter(day__gte=first).values_list("day", flat=True))
    days = (first + timedelta(days=number) for number in range((over - first).days))
    return [day for day in days if day not in done]


def gather(day: date) -> list[Contribution]:
    """Make PRs of a day's feedback; those that were made before are not made again.

    Nothing happens while a delivery of the day is still being stored, and the day stays open while
    one of its senders has no room for their PR.
    """
    if traces.is_storing(day):
        return []
    made, waits = [], False
    for group, rows in _groups(day):
        for part, some in enumerate(_parts(rows), 1):
            try:
                made.append(_gather(group, part, some))
            except QuotaReached as full:
                logger.info("%s of %s waits: %s", group.title, group.account, full)
                waits = True
    if not waits:
        GatheredDay.objects.get_or_create(day=day)
    return [contribution for contribution in made if contribution]


def _groups(day: date) -> Iterator[tuple[Group, Iterator[Feedback]]]:
    for found in traces.groups_of_feedback(day):
        kind = Kind.CORRECTION if found.corrected else Kind.RATING
        group = Group(
            line=found.line,
            account=found.account,
            day=day,
            source=found.source,
            skill=found.skill,
            kind=kind,
            licence=found.licence,
            consent=found.consent,
        )
        yield group, found.rows()


def _parts(rows: Iterator[Feedback]) -> Iterator[list[Feedback]]:
    while some := [row for _, row in zip(range(MOST_ROWS), rows, strict=False)]:
        yield some


def _gather(group: Group, part: int, rows: list[Feedback]) -> Contribution | None:
    """One PR of one group, or None where it was made before or no row of it can be kept."""
    if Gathering.objects.filter(**group.named(), part=part).exists():
        return None
    try:
        with transaction.atomic():
            contribution = _offer(group, rows)
            Gathering.objects.create(
                **group.named(), part=part, rows=len(rows), contribution=contribution
            )
    except IntegrityError:
        # Another worker made it between our question and our answer; ours is undone.
        if not Gathering.objects.filter(**group.named(), part=part).exists():
            raise
        logger.info("skipped: %s is gathered already", group.title)
        return None
    return contribution


def _offer(group: Group, rows: list[Feedback]) -> Contribution | None:
    raws = [_row(row, group) for row in rows]
    try:
        offered = actions.offer(
            group.line,
            by=group.account,
            kind=group.kind,
            title=group.title,
            description=_description(group, rows),
            rows=raws,
            terms=Terms(group.licence, group.consent, signed_off=True),
            skill=group.skill,
            source=f"feedback, {group.source}"[:80] if group.source else "feedback",
            feedback=[row.pk for row in rows],
        )
    except QuotaReached:
        raise
    except (ContributionRefused, NotAllowed) as refusal:
        logger.warning("%s of %s: %s", group.title, group.account, refusal)
        return None
    details = {"day": str(group.day), "source": group.source, "rows": len(rows)}
    record(offered.contribution, "gathered", by="contributions", details=details)
    return offered.contribution


def _description(group: Group, rows: list[Feedback]) -> str:
    deliveries = len({row.delivery_id for row in rows})
    return (
        f"{len(rows):,} rows of feedback that {group.account} sent on {group.day:%-d %B %Y} in "
        f"{deliveries:,} deliveries (`{rows[0].public_id}` to `{rows[-1].public_id}`)."
    )


def _row(row: Feedback, group: Group) -> dict[str, Any]:
    """A row of feedback as a row of a contribution."""
    context, prompt, answer = _asked_and_answered(row)
    turns = [*context, {"role": "user", "content": prompt}]
    made = {"prompt": turns if context else prompt, "client_id": row.client_id or ""}
    if row.trace_id:
        made["trace"] = f"tr_{row.trace_id}"
    if group.kind == Kind.CORRECTION:
        return {**made, "original": answer, "completion": row.correction}
    return {**made, "completion": answer, "label": is_good(row)} | _stars(row)


def _stars(row: Feedback) -> dict[str, int]:
    """The stars of a rating, where the sender's own word does not say the opposite."""
    if row.rating is None or label_of_stars(row.rating) is (not is_good(row)):
        return {}
    return {"stars": row.rating}


def _asked_and_answered(row: Feedback) -> tuple[list[dict[str, str]], str, str]:
    if row.trace is None:
        return row.context or [], row.prompt, row.answer
    *context, last = row.trace.messages
    return context, last["content"], row.trace.answer


def is_good(row: Feedback) -> bool:
    """Whether the feedback finds the answer good: by its word, else by its rating."""
    return row.success if row.success is not None else label_of_stars(row.rating or 0) is True
