"""The ways in which a file, or one row of it, cannot be read."""

from __future__ import annotations

from typing import Any

from openflywheel.reading.strict_json import BadJSON

# Characters of one text of a row.
LONGEST_TEXT = 20_000


class BadFile(Exception):
    """The file cannot be read as rows; the text names the place and the mend."""


class BadRow(ValueError):
    """One field of a row is wrong: `code`, the field's name, what is wrong and the mend.

    A reader that cannot read a row at all hands on a `BadRow` in its place, so that the rows
    after it keep their numbers.
    """

    def __init__(self, code: str, name: str, detail: str, mend: str) -> None:
        super().__init__(detail)
        self.code, self.name, self.detail, self.mend = code, name, detail, mend


def as_bad_row(raw: Any) -> BadRow | None:
    """Why a row could not even be read, where its reader says so in its place."""
    if isinstance(raw, BadJSON):
        return BadRow("bad_json", raw.pointer.removeprefix("/"), raw.detail, raw.mend)
    return raw if isinstance(raw, BadRow) else None
