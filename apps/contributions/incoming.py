"""Uploaded and pasted rows, as a page takes them in: few enough to be one PR."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import BinaryIO

from apps.contributions.rows import MOST_ROWS
from apps.contributions.uploads import rows_of_upload
from openflywheel.reading.faults import BadFile, BadRow
from openflywheel.reading.files import Numbered, rows_in_text

LARGEST_FILE = 20 * 1024**2


def rows_of_file(file: BinaryIO, *, name: str, size: int) -> list[Numbered]:
    """The rows of an uploaded file; one that could not be read stands there as a `BadRow`.

    `BadFile` when the file as a whole is not rows, is too large, or has not one readable row.
    """
    if size > LARGEST_FILE:
        megabytes = LARGEST_FILE // 1024**2
        raise BadFile(f"{name} holds more than {megabytes} MB; split it, or send it by the API")
    return _some(rows_of_upload(file, name=name))


def rows_of_text(text: str) -> list[Numbered]:
    """The rows of pasted text, by the same rules."""
    return _some(rows_in_text(text))


def _some(numbered: Iterable[Numbered]) -> list[Numbered]:
    found = list(islice(numbered, MOST_ROWS + 1))
    if len(found) > MOST_ROWS:
        raise BadFile(f"there are more than {MOST_ROWS:,} rows; send the rest as another PR")
    line, first = found[0]
    if isinstance(first, BadRow) and all(isinstance(row, BadRow) for _, row in found):
        raise BadFile(f"no row can be read; line {line}: {first.detail}; {first.mend}")
    return found
