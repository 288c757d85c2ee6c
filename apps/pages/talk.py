"""A conversation as a page shows it: the timeline, the threads on each row, and how to compare."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import AnonymousUser
from django.http import QueryDict
from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.checks.models import Finding
from apps.contributions.discussion import queries as discussion
from apps.contributions.discussion import rules as talking
from apps.contributions.discussion.models import Comment, Field
from apps.contributions.discussion.queries import Talk
from apps.contributions.discussion.reading import tasks_in
from apps.contributions.models import Contribution, Row
from apps.contributions.queries import rows_of
from apps.contributions.rows import mark_of
from apps.contributions.stages import Stage
from apps.pages import looks
from apps.reviews.models import Decision

Person = Account | AnonymousUser
TEAM = (Role.REVIEWER, Role.MAINTAINER)
ROWS_BESIDE_A_FINDING = 3


@dataclass(frozen=True)
class Said:
    """A comment with all that its frame shows."""

    comment: Comment
    badges: list[tuple[str, str, str]]
    feelings: list[dict[str, Any]]
    tasks: tuple[int, int]
    may_edit: bool
    may_react: bool
    suggestion: Any = None
    before: str = ""
    may_apply: bool = False


@dataclass(frozen=True)
class Shown:
    """A thread on a row, or one comment, or one decision, at its place in the timeline."""

    at: datetime
    comments: list[Said] = field(default_factory=list)
    talk: Talk | None = None
    decision: Decision | None = None
    look: looks.Look | None = None
    stale: bool = False
    may_resolve: bool = False
    may_say: bool = False

    @property
    def thread(self) -> Any:
        """The thread, where it is one."""
        return self.talk.thread if self.talk else None


@dataclass(frozen=True)
class Opened:
    """A row with its threads, its tick, and the fields that can be talked about."""

    row: Row
    mark: str
    ticked: bool
    fields: list[tuple[str, str]]
    threads: list[Shown]


class Look(NamedTuple):
    """How two texts are compared: one under the other, side by side, or in one; with spaces."""

    view: str = "stacked"
    spaces: bool = True

    @classmethod
    def of(cls, asked: Mapping[str, str]) -> Look:
        """What the address asks for."""
        view = asked.get("view", "")
        return cls(view if view in ("split", "unified") else "stacked", asked.get("w") != "1")

    def choices(self, asked: QueryDict) -> list[tuple[str, str, bool]]:
        """Links to the other ways, each with its word and whether it is the present one."""
        words = {"stacked": _("Stacked"), "split": _("Side by side"), "unified": _("In one text")}
        views = [(word, _with(asked, view=view), view == self.view) for view, word in words.items()]
        spaces = _with(asked, w="1" if self.spaces else "")
        return [*views, (_("Ignore white space"), spaces, not self.spaces)]


def timeline(
    talks: Iterable[Talk], decisions: Iterable[Decision], contribution: Contribution, reader: Person
) -> list[Shown]:
    """What was said and decided, oldest first; an approval of other rows is marked as stale."""
    told = [shown(talk, contribution, reader) for talk in talks]
    told += [
        Shown(
            decision.created_at,
            decision=decision,
            look=looks.VERDICTS[decision.verdict],
            stale=decision.digest != contribution.digest,
        )
        for decision in decisions
    ]
    return sorted(told, key=lambda one: one.at)


def opened(
    rows: Iterable[Row],
    talks: Iterable[Talk],
    marks: set[str],
    reader: Person,
    contribution: Contribution,
) -> list[Opened]:
    """The rows with the threads that stand on them."""
    by_row: defaultdict[int, list[Shown]] = defaultdict(list)
    for talk in talks:
        if talk.position is not None:
            by_row[talk.position].append(shown(talk, contribution, reader))
    return [
        Opened(
            row,
            mark_of(row),
            mark_of(row) in marks,
            [(name.value, name_of(name, row)) for name in Field if getattr(row, name)],
            by_row[row.position],
        )
        for row in rows
    ]


def shown(talk: Talk, contribution: Contribution, reader: Person) -> Shown:
    """A thread or a comment, with what this reader may do about it."""
    may_say = talking.may_say(reader, contribution)
    return Shown(
        talk.created_at,
        [_said(comment, talk, contribution, reader, may_say) for comment in talk.comments],
        talk,
        may_resolve=talk.thread is not None and talking.may_resolve(reader, talk.thread),
        may_say=may_say,
    )


def name_of(name: Field, row: Row) -> str:
    """What a field is called on this row."""
    if name == Field.COMPLETION:
        return _("Proposed answer") if row.original else _("Answer")
    words = {
        Field.PROMPT: _("What was asked"),
        Field.CHOSEN: _("Better answer"),
        Field.REJECTED: _("Worse answer"),
    }
    return words[name]


def with_rows(
    contribution: Contribution, findings: Sequence[Finding]
) -> list[tuple[Finding, list[Row]]]:
    """Each finding with the first rows that it speaks of."""
    wanted = {at for found in findings for at in found.rows[:ROWS_BESIDE_A_FINDING]}
    rows = {r.position: r for r in rows_of(contribution).filter(position__in=wanted)}
    return [
        (found, [rows[at] for at in found.rows[:ROWS_BESIDE_A_FINDING] if at in rows])
        for found in findings
    ]


def _said(
    comment: Comment, talk: Talk, contribution: Contribution, reader: Person, may_say: bool
) -> Said:
    suggestion = getattr(comment, "suggestion", None)
    stands = talk.position is not None and talk.open and not comment.pending
    open_now = contribution.stage in (Stage.IN_REVIEW, Stage.CHANGES_REQUESTED)
    return Said(
        comment,
        _badges(comment, contribution),
        discussion.reactions_of(comment, reader),
        tasks_in(comment.text) if "[" in comment.text else (0, 0),
        may_edit=may_say and comment.author_id == reader.pk,
        may_react=may_say and not comment.pending,
        suggestion=suggestion,
        before=talk.thread.quote if talk.thread and suggestion else "",
        may_apply=suggestion is not None
        and stands
        and open_now
        and contribution.author_id == reader.pk
        and suggestion.applied_in_id is None,
    )


def _badges(comment: Comment, contribution: Contribution) -> list[tuple[str, str, str]]:
    """Words beside a name, each with tone and icon."""
    badges = []
    if comment.author_id == contribution.author_id:
        badges.append((_("Author"), "accent", "pencil"))
        if getattr(contribution, "first_of_author", False):
            badges.append((_("First PR"), "info", "star"))
    elif comment.author.role in TEAM:
        badges.append((comment.author.get_role_display(), "quiet", "shield"))
    if comment.pending:
        badges.append((_("Only you can read this yet"), "warn", "lock"))
    return badges


def _with(asked: QueryDict, **changed: str) -> str:
    query = asked.copy()
    for name, value in changed.items():
        query[name] = value
        if not value or value == "stacked":
            del query[name]
    return f"?{query.urlencode()}"
