"""The rows of a draft: as a table shows them, as a file holds them, and what is wrong in each."""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from apps.contributions.models import Draft, DraftRow, Kind
from apps.contributions.rows import RowData, kind_of, read_row
from apps.contributions.uploads import Placed
from openflywheel.reading.columns import Numbered
from openflywheel.reading.faults import BadRow, as_bad_row

COLUMNS: dict[str, tuple[str, ...]] = {
    Kind.DATASET: ("prompt", "completion"),
    Kind.PREFERENCE: ("prompt", "chosen", "rejected"),
    Kind.RATING: ("prompt", "completion", "label", "stars"),
}
LABELS = {"true": True, "false": False}
STARS = {str(stars): stars for stars in range(1, 6)}


@dataclass(frozen=True)
class Window:
    """The part of a draft's rows that stands in a table: where it begins, each row's name and
    cells in order, and the names of rows that were taken out. `in_place` rows keep their places."""

    first: int
    uids: list[str]
    cells: list[dict[str, str]]
    gone: list[str] = field(default_factory=list)
    in_place: bool = False


def new_key() -> str:
    """A name that nobody guesses, for a draft, a tab or a row."""
    return secrets.token_urlsafe(16)


def raw_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """A row as `read_row` reads it: earlier turns and the prompt are one list."""
    raw = {name: value for name, value in given.items() if name != "context"}
    if given.get("context"):
        raw["prompt"] = [*given["context"], {"role": "user", "content": given.get("prompt", "")}]
    return raw


def cells_of(given: Mapping[str, Any], rows_are: str) -> dict[str, str]:
    """A row of such a kind as a table shows it."""
    return {name: cell(given.get(name)) for name in COLUMNS[rows_are]}


def cell(value: Any) -> str:
    """A value as it stands in a table: a label by its word, stars as a number, else only text."""
    if isinstance(value, bool | int):
        return str(value).lower()
    return value if isinstance(value, str) else ""


def write_window(draft: Draft, window: Window) -> None:
    """Put the rows of a table in their places; the rows that it does not show stay in order."""
    order = list(draft.rows.values_list("uid", flat=True))
    stored = {row.uid: row for row in draft.rows.filter(uid__in=window.uids)}
    fresh: list[DraftRow] = []
    placed: list[str] = []
    skills = _skills(draft)
    for uid, cells in zip(window.uids, window.cells, strict=True):
        row = stored.get(uid) or DraftRow(draft=draft, uid=uid, position=0, given={})
        blank = not any(text.strip() for text in cells.values())
        if row.pk is None and (blank or window.in_place):
            continue
        placed.append(uid)
        if row.pk is None or cells_of(row.given, draft.rows_are) != cells:
            row.given = {**row.given, **cells} | _labelled(cells)
            row.fault = _fault(row.given, draft.rows_are, skills)
            fresh.append(row)
    if window.in_place:
        placed = []
    known = set(placed) | set(window.gone)
    rest = [uid for uid in order if uid not in known]
    draft.rows.filter(uid__in=window.gone).delete()
    DraftRow.objects.bulk_create(row for row in fresh if row.pk is None)
    DraftRow.objects.bulk_update([r for r in fresh if r.pk], ["given", "fault"], batch_size=500)
    renumber(draft, [*rest[: window.first], *placed, *rest[window.first :]])


def write_incoming(draft: Draft, incoming: Sequence[Numbered]) -> None:
    """Uploaded rows take the place of those uploaded before; typed ones stay in front."""
    draft.rows.filter(place__gt=0).delete()
    first, skills = draft.rows.count(), _skills(draft)
    rows = [_incoming(draft, place, raw, skills) for place, raw in incoming]
    for position, row in enumerate(rows, start=first):
        row.position = position
    DraftRow.objects.bulk_create(rows, batch_size=1000)


def _incoming(draft: Draft, place: int, raw: Any, skills: Collection[str]) -> DraftRow:
    row = _read_in(draft, place, raw, skills)
    if row.fault and isinstance(raw, Placed):
        row.fault["detail"] = f"{raw.at}: {row.fault['detail']}"
    return row


def _read_in(draft: Draft, place: int, raw: Any, skills: Collection[str]) -> DraftRow:
    row = DraftRow(draft=draft, uid=new_key(), place=place, given={})
    if bad := as_bad_row(raw):
        row.fault = _told(bad)
        return row
    try:
        read = read_row(raw, draft.rows_are)
    except BadRow as bad:
        kept = str | bool | int
        row.given = {name: value for name, value in raw.items() if isinstance(value, kept)}
        row.fault = _told(bad)
        return row
    row.given = _given(read)
    row.fault = _fault(row.given, draft.rows_are, skills)
    return row


def _given(read: RowData) -> dict[str, Any]:
    return {name: value for name, value in asdict(read).items() if value not in ("", None, [])}


def _labelled(cells: Mapping[str, str]) -> dict[str, Any]:
    """What was picked in a table, as a row says it."""
    picked: dict[str, Mapping[str, Any]] = {"label": LABELS, "stars": STARS}
    return {name: words.get(cells[name]) for name, words in picked.items() if name in cells}


def _fault(given: Mapping[str, Any], rows_are: str, skills: Collection[str]) -> Any:
    """What is wrong with a row, as it is stored; None where it can be sent."""
    try:
        row = read_row(raw_of(given), rows_are)
    except BadRow as bad:
        return _told(bad)
    if row.skill and row.skill not in skills:
        mend = f"use one of {', '.join(sorted(skills))}, or leave it out"
        return _told(BadRow("unknown_skill", "skill", f"there is no skill “{row.skill}”", mend))
    return None


def _told(bad: BadRow) -> dict[str, str]:
    return {"code": bad.code, "field": bad.name, "detail": bad.detail, "mend": bad.mend}


def kind_of_rows(incoming: Sequence[Numbered]) -> str:
    """The kind that the first readable row speaks of."""
    first = next((raw for _, raw in incoming if isinstance(raw, Mapping)), {})
    kind = kind_of(first)
    return kind if kind in COLUMNS else Kind.DATASET


def _skills(draft: Draft) -> set[str]:
    return set(draft.line.skills.values_list("name", flat=True))


def renumber(draft: Draft, order: Sequence[str]) -> None:
    """Let the rows stand in the order of these names."""
    place = {uid: position for position, uid in enumerate(order)}
    moved = []
    for row in draft.rows.only("pk", "uid", "position", "draft_id"):
        if row.position != place[row.uid]:
            row.position = place[row.uid]
            moved.append(row)
    DraftRow.objects.bulk_update(moved, ["position"], batch_size=2000)
