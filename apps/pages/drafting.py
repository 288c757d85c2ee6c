"""From a posted form to a draft, and from a draft to the form that shows it."""

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from apps.contributions.draft_rows import COLUMNS, Window, cell, new_key
from apps.contributions.drafts import Typed
from apps.contributions.models import Draft, DraftRow, Kind
from apps.contributions.rows import MOST_TURNS, ROLES
from apps.pages import forms
from openflywheel.reading.columns import Numbered

ROWS_A_PAGE, BLANKS, BAD_SHOWN = 50, 3, 20
TURN_ROLES = [("user", _("Asked")), ("assistant", _("Answered")), ("system", _("System"))]
KEY = re.compile(r"[\w-]{16,40}")
HEADINGS = {
    "prompt": _("What was asked"),
    "completion": _("The right answer"),
    "chosen": _("The better answer"),
    "rejected": _("The worse answer"),
    "label": _("Good?"),
    "stars": _("Stars, 1 to 5"),
}


class Line(NamedTuple):
    """A row of the table: its number, its name, and of each cell the name, heading and text."""

    number: int
    uid: str
    cells: list[tuple[str, Any, str]]
    fault: dict[str, str] | None
    place: int


class Table(NamedTuple):
    """What the table editor shows: the rows of this page, and what there is of all.

    `mending` is true where only the rows with a fault are shown, each to be mended in its place.
    """

    lines: list[Line]
    first: int
    total: int
    bad: int
    mending: bool
    before: int | None
    after: int | None

    @property
    def good(self) -> int:
        """How many rows can be sent as they are."""
        return self.total - self.bad


class Names(NamedTuple):
    """Which draft a page holds: key, the version it saw, its tab, and what it began from."""

    key: str
    version: int
    tab: str
    start: str


def names_in(posted: QueryDict) -> Names:
    """The names that the hidden fields carry; new ones where there are none."""
    key, tab = posted.get("draft", ""), posted.get("tab", "")
    version = posted.get("version", "")
    return Names(
        key if KEY.fullmatch(key) else new_key(),
        int(version) if version.isascii() and version.isdigit() and len(version) < 10 else 0,
        tab if KEY.fullmatch(tab) else new_key(),
        posted.get("start", "")[:80],
    )


def typed_in(request: HttpRequest, kind: str, incoming: Sequence[Numbered] = ()) -> Typed:
    """Everything that was typed into the form."""
    posted = request.POST
    kept = {
        name: posted[name]
        for name in forms.KEPT
        if name in posted and (name not in forms.TEXTS_OF_ALL or name in forms.TEXTS[kind])
    }
    if incoming:
        kept.pop("pasted", None)
    kept["signed_off"] = "on" if posted.get("signed_off") else ""
    context = None if kind == Kind.DATASET else turns_in(posted)
    window = window_in(posted) if kind == Kind.DATASET else None
    return Typed(kept, context, window, incoming)


def turns_in(posted: QueryDict) -> list[dict[str, str]]:
    """Earlier turns of the conversation; one without a word is kept while it is being written."""
    turns = zip(posted.getlist("turn-role"), posted.getlist("turn-content"), strict=False)
    return [
        {"role": role if role in ROLES else "user", "content": content.replace("\r\n", "\n")}
        for role, content in list(turns)[:MOST_TURNS]
    ]


def window_in(posted: QueryDict) -> Window | None:
    """The rows of the table; None where the page showed none."""
    uids = posted.getlist("row")
    columns = [name for name in HEADINGS if f"cell-{name}" in posted]
    if not columns and not posted.get("gone"):
        return None
    values = [posted.getlist(f"cell-{name}") for name in columns]
    cells = [
        {name: text.replace("\r\n", "\n") for name, text in zip(columns, row, strict=True)}
        for row in zip(*values, strict=False)
    ]
    named = [uid if KEY.fullmatch(uid) else new_key() for uid in uids[: len(cells)]]
    first = posted.get("first", "0")
    return Window(
        int(first) if first.isascii() and first.isdigit() and len(first) < 7 else 0,
        named,
        cells[: len(named)],
        [uid for uid in posted.get("gone", "").split() if KEY.fullmatch(uid)],
        in_place=posted.get("mending") == "1",
    )


def table_of(draft: Draft | None, *, first: int = 0, blanks: int = 0, everything: bool) -> Table:
    """The rows to show; rows of a file that have a fault come by themselves, to be mended."""
    rows_are = draft.rows_are if draft else str(Kind.DATASET)
    columns = COLUMNS[rows_are]
    bad = draft.rows.exclude(fault=None).filter(place__gt=0).count() if draft else 0
    total = draft.rows.count() if draft else 0
    mending = bool(bad) and not everything
    shown: list[DraftRow] = []
    if draft and mending:
        shown = list(draft.rows.exclude(fault=None)[:BAD_SHOWN])
    elif draft:
        shown = list(draft.rows.filter(position__gte=first)[:ROWS_A_PAGE])
    lines = [_line(row.position + 1, row.uid, row.given, columns, row) for row in shown]
    last = first + len(lines) >= total
    if not mending and last:
        wanted = max(blanks, BLANKS - len(lines) if not total else 0)
        lines += [_line(total + n + 1, new_key(), {}, columns) for n in range(wanted)]
    return Table(
        lines,
        first,
        total,
        bad,
        mending,
        max(first - ROWS_A_PAGE, 0) if first and not mending else None,
        None if last or mending else first + ROWS_A_PAGE,
    )


def _line(
    number: int,
    uid: str,
    given: dict[str, Any],
    columns: Sequence[str],
    row: DraftRow | None = None,
) -> Line:
    cells = [(name, HEADINGS[name], cell(given.get(name))) for name in columns]
    return Line(number, uid, cells, row.fault if row else None, row.place if row else 0)
