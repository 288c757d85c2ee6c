"""The ways in which a contribution can be refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.accounts import denials


class ContributionRefused(Exception):
    """Base of the refusals of this app; its text is a sentence for the contributor."""


class NotYours(denials.Denied, ContributionRefused):
    """Only the author may do this."""


class NotForYou(denials.Denied, ContributionRefused):
    """The role does not include this."""


class Locked(denials.Denied, ContributionRefused):
    """The conversation is closed for all but the team."""


class Outdated(ContributionRefused):
    """It speaks of rows that have changed since."""


class TermsMissing(ContributionRefused):
    """Licence, consent or sign-off is missing or unknown."""


class BatchTaken(ContributionRefused):
    """The author already sent other rows under this batch name."""


class BatchMissing(ContributionRefused):
    """Rows came in a stream without a name that would tell them when they come again."""


class Changed(ContributionRefused):
    """Somebody has changed it since it was read."""


class QuotaReached(ContributionRefused):
    """The author has sent as much as their role may in a day; `seconds` until there is room."""

    def __init__(self, text: str, *, seconds: int) -> None:
        super().__init__(text)
        self.seconds = seconds


class DraftMissing(ContributionRefused):
    """No open draft of this person has this key."""


class DraftMoved(ContributionRefused):
    """Another tab saved the draft meanwhile; what this one held is kept aside."""


class NotYourAnswer(ContributionRefused):
    """Only who asked for an answer, or for a pair, may judge it here."""


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
        return _("there are no rows; send at least one")
    bad = refused[0]
    said = _("no row could be kept; row %(row)d: %(detail)s; %(mend)s")
    return said % {"row": bad.row + 1, "detail": bad.detail, "mend": bad.mend}


def fault_of_row(position: int, bad: RefusedRow) -> str:
    """What is wrong with the row at this position (from nought), and its mend."""
    said = _("row %(row)d: %(detail)s; %(mend)s")
    return said % {"row": position + 1, "detail": bad.detail, "mend": bad.mend}
