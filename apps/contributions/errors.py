"""The ways in which a contribution can be refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from apps.accounts import denials
from apps.contributions.strict_json import BadJSON

# Characters of one text of a row; what refuses longer ones reads rows before it reads anything.
LONGEST_TEXT = 20_000


class ContributionRefused(Exception):
    """Base of the refusals of this app; its text is a sentence for the contributor."""


class NotYours(denials.Denied, ContributionRefused):
    """Only the author may do this."""


class BadFile(ContributionRefused):
    """The file cannot be read as rows; the text names the place and the mend."""


class TermsMissing(ContributionRefused):
    """Licence, consent or sign-off is missing or unknown."""


class BatchTaken(ContributionRefused):
    """The author already sent other rows under this batch name."""


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


@dataclass(frozen=True)
class RefusedRow:
    """A row that could not be kept: where it stood (0-based), why, and how to mend it."""

    row: int
    code: str
    pointer: str
    detail: str
    mend: str


class NothingUsable(ContributionRefused):
    """No row could be kept; `refused` holds each, the text names the first and its mend."""

    def __init__(self, refused: Sequence[RefusedRow]) -> None:
        super().__init__(_first_of(refused))
        self.refused = list(refused)


def _first_of(refused: Sequence[RefusedRow]) -> str:
    if not refused:
        return "there are no rows; send at least one"
    bad = refused[0]
    return f"no row could be kept; row {bad.row + 1}: {bad.detail}; {bad.mend}"
