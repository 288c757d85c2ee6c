"""PRs of the queue that are nearly the same, to be read in one list; what differs is forced out.

Two texts are held alike by the shingles of their words, numbers left aside: that is what a
template with other values in it looks like. One that is alike in its question and not in its answer
is the one an attacker would hide among the others, so it is read alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from django.db.models import F, QuerySet
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.checks import queries as checks
from apps.checks.hints import jaccard, shingles
from apps.checks.models import Print, Severity
from apps.checks.signs import deceives
from apps.contributions.models import Contribution, Row
from apps.contributions.queries import rows_of
from apps.reviews import queries
from apps.reviews.desk.policy import DeskPolicy

ALIKE_FROM = 0.6
ANSWERS_ALIKE_FROM = 0.5
# Of the queue so many are compared: those whose prints meet, and the oldest.
CANDIDATES = 200
MOST_SHOWN = 25
NUMBER = re.compile(r"\d+")

Shape = frozenset[tuple[str, ...]]


@dataclass
class Member:
    """A PR of the group with its rows; `apart` says why it has to be read alone."""

    contribution: Contribution
    rows: list[Row]
    asked: Shape
    answered: Shape
    apart: str = ""


def group_of(contribution: Contribution, reviewer: Account) -> list[Member]:
    """The PR and what waits beside it that is nearly the same, itself first; alone: just itself."""
    near = _candidates(contribution, reviewer)
    own = _member(contribution, list(rows_of(contribution)))
    others = [_member(one, rows) for one, rows in _with_rows(near)]
    members = [own, *(one for one in others if jaccard(own.asked, one.asked) >= ALIKE_FROM)]
    members = members[:MOST_SHOWN]
    _force_out(members)
    return members


def _candidates(contribution: Contribution, reviewer: Account) -> list[Contribution]:
    most = DeskPolicy.of(contribution.line).rows_in_a_group
    waiting = queries.queue_for(reviewer).filter(
        line=contribution.line_id, kind=contribution.kind, skill=contribution.skill_id,
        row_count__lte=most, reverts=None,
    )  # fmt: skip
    waiting = waiting.exclude(pk=contribution.pk)
    meeting = waiting.filter(pk__in=_meeting(contribution))[:CANDIDATES]
    found = {one.pk: one for one in [*meeting, *waiting[:CANDIDATES]]}
    return list(found.values())


def _meeting(contribution: Contribution) -> QuerySet[Print, int]:
    """Numbers of PRs that have a row whose print shares a band with one of ours."""
    prints = Print.objects.filter(row__in=rows_of(contribution))
    bands = {band for own in prints.values_list("bands", flat=True) for band in own}
    sharing = Print.objects.filter(line=contribution.line_id, bands__overlap=list(bands))
    return sharing.values_list("row__revision__contribution", flat=True)[: 5 * CANDIDATES]


def _with_rows(
    contributions: Sequence[Contribution],
) -> Iterable[tuple[Contribution, list[Row]]]:
    rows: dict[int, list[Row]] = {one.pk: [] for one in contributions}
    current = Row.objects.filter(
        revision__contribution__in=rows,
        revision__number=F("revision__contribution__revision"),
    )
    for row in current.select_related("revision", "skill", "trace").order_by("position"):
        rows[row.revision.contribution_id].append(row)
    return ((one, rows[one.pk]) for one in contributions)


def _member(contribution: Contribution, rows: list[Row]) -> Member:
    return Member(
        contribution,
        rows,
        asked=_shape(row.prompt for row in rows),
        answered=_shape(f"{row.answer} {row.label}" for row in rows),
    )


def _shape(texts: Iterable[str]) -> Shape:
    return frozenset(shingles(NUMBER.sub("0", " ".join(texts))))


def _force_out(members: list[Member]) -> None:
    """Say of each member that is not like the rest why it is read alone."""
    graver = {
        number
        for number, found in checks.findings_on(one.contribution for one in members)
        if found.severity != Severity.NOTE
    }
    for one in members:
        others = [jaccard(one.answered, other.answered) for other in members if other is not one]
        if one.contribution.pk in graver:
            one.apart = _("The checks found something in it.")
        elif any(deceives(f"{row.prompt} {row.answer}") for row in one.rows):
            one.apart = _("It holds signs that nobody sees, or that look like others.")
        elif others and median(others) < ANSWERS_ALIKE_FROM:
            one.apart = _("Its answer is unlike the others.")
