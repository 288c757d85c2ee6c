"""Which columns rows must have, and what is said of a file that has others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from openflywheel.reading.faults import BadFile, BadRow

# Place as an editor shows it (1-based: the line; of Parquet, the row) and what stands there.
Numbered = tuple[int, dict[str, Any] | BadRow]

# Rows looked at before a file of objects is said to have the wrong columns.
ROWS_TO_JUDGE = 100

# The columns of which a row needs all of one line, and what to call that format.
Formats = Sequence[tuple[frozenset[str], str]]
FORMATS: Formats = (
    (frozenset({"prompt", "completion"}), "prompt, completion"),
    (frozenset({"messages"}), "messages"),
    (frozenset({"prompt", "chosen", "rejected"}), "prompt, chosen, rejected"),
    (frozenset({"prompt", "completion", "label"}), "prompt, completion, label or stars"),
    (frozenset({"instruction", "output"}), "instruction, input, output"),
)


def ensure_columns(columns: Sequence[str], name: str, formats: Formats) -> None:
    """`BadFile` unless the columns are each there once and hold one of the formats."""
    doubled = sorted({column for column in columns if list(columns).count(column) > 1})
    if doubled:
        raise BadFile(f"{name} has the column “{doubled[0]}” twice; keep one of them")
    if formats and not any(needed <= set(columns) for needed, _ in formats):
        raise BadFile(_wrong_columns(columns, name, formats))


def judged(numbered: Iterable[Numbered], name: str, formats: Formats) -> Iterator[Numbered]:
    """The same rows, once some of the first ones have the columns of any format."""
    rows = iter(numbered)
    first = list(islice(rows, ROWS_TO_JUDGE))
    objects = [row for _, row in first if isinstance(row, dict)]
    fits = any(needed <= set(row) for row in objects for needed, _ in formats)
    if objects and formats and not fits:
        raise BadFile(_wrong_columns(list(objects[0]), name, formats))
    return chain(first, rows)


def _wrong_columns(columns: Sequence[str], name: str, formats: Formats) -> str:
    found = ", ".join(column[:40] for column in columns[:20]) or "none"
    needed = " or ".join(f"({name})" for _, name in formats)
    return f"{name} has the columns {found}; needed are {needed}: rename them"
