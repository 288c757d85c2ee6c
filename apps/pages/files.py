"""Rows out of a file or out of a text field, as people have them: JSONL, CSV or Parquet."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any, NamedTuple

from apps.contributions import strict_json
from apps.contributions.errors import BadFile

LARGEST = 20 * 1024 * 1024
LONGEST_LINE = 1024 * 1024
FORMATS = "JSONL, JSON, CSV, TSV or Parquet"


class Unreadable(NamedTuple):
    """A line that could not be read: its number, counted from one, and what is wrong with it."""

    line: int
    why: str


class Table(NamedTuple):
    """The rows of a file, and the lines that were left out."""

    rows: list[Any]
    unreadable: list[Unreadable]


def read(name: str, content: bytes) -> Table:
    """The rows in a file of this name; `BadFile` when there are none, with the mend."""
    if not content.strip():
        raise BadFile("the file is empty; send at least one row")
    if len(content) > LARGEST:
        raise BadFile(
            f"the file has {len(content) // 2**20} MB and {LARGEST // 2**20} are taken here; "
            "split it, or send it through the bulk API"
        )
    kind = PurePath(name).suffix.lower()
    if kind == ".parquet" or content[:4] == b"PAR1":
        return _parquet(content)
    text = _text(content)
    if kind in (".csv", ".tsv"):
        return _csv(text, "\t" if kind == ".tsv" else ",")
    if kind not in (".jsonl", ".ndjson", ".json", ".txt", ""):
        raise BadFile(f"“{kind}” is not a format that is read here; send {FORMATS}")
    return paste(text)


def paste(text: str) -> Table:
    """The rows in pasted text: JSON lines, a JSON list, or CSV with a line of headings."""
    stripped = text.strip()
    if not stripped:
        raise BadFile("there are no rows; paste at least one")
    if stripped.startswith("["):
        return Table(_list(stripped), [])
    if not stripped.startswith("{"):
        return _csv(stripped, "\t" if "\t" in stripped.splitlines()[0] else ",")
    return _lines(text)


def as_lines(rows: list[dict[str, Any]]) -> str:
    """Rows as JSON lines, to be edited and pasted back."""
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def _lines(text: str) -> Table:
    rows: list[Any] = []
    bad: list[Unreadable] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        if len(line) > LONGEST_LINE:
            bad.append(Unreadable(number, f"the line has {len(line):,} characters; shorten it"))
            continue
        try:
            rows.append(strict_json.loads(line))
        except strict_json.BadJSON as error:
            bad.append(Unreadable(number, str(error)))
    return _some(rows, bad)


def _list(text: str) -> list[Any]:
    try:
        rows = strict_json.loads(text)
    except strict_json.BadJSON as error:
        raise BadFile(f"the list of rows cannot be read: {error}") from error
    if not isinstance(rows, list) or not rows:
        raise BadFile("the JSON is not a list of rows; send [{…}, {…}] or one object a line")
    return rows


def _csv(text: str, delimiter: str) -> Table:
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter, strict=True)
    rows: list[Any] = []
    bad: list[Unreadable] = []
    try:
        names = reader.fieldnames or []
        if len(set(names)) < len(names):
            raise BadFile("two columns have the same heading; rename one of them")
        for cells in reader:
            if None in cells or None in cells.values():
                why = f"the row has not as many cells as the {len(names)} headings"
                bad.append(Unreadable(reader.line_num, f"{why}; quote cells that hold commas"))
            else:
                rows.append(dict(_cells(cells)))
    except csv.Error as error:
        raise BadFile(f"line {reader.line_num} is not CSV: {error}; quote the cell") from error
    return _some(rows, bad)


def _cells(cells: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Cells that say something; a label becomes true or false."""
    truths = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    for name, value in cells.items():
        if value != "":
            yield name, truths.get(value.strip().lower(), value) if name == "label" else value


def _parquet(content: bytes) -> Table:
    import pyarrow
    from pyarrow import parquet

    try:
        rows = parquet.read_table(io.BytesIO(content)).to_pylist()
    except (pyarrow.ArrowException, OSError) as error:
        raise BadFile(f"the Parquet file cannot be read: {error}; write it again") from error
    return _some([{k: v for k, v in row.items() if v is not None} for row in rows], [])


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFile(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error


def _some(rows: list[Any], bad: list[Unreadable]) -> Table:
    if rows:
        return Table(rows, bad)
    if bad:
        raise BadFile(f"no line could be read; line {bad[0].line}: {bad[0].why}")
    raise BadFile("there are headings but no rows; send at least one")
