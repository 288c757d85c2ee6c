"""Rows mended by somebody who reviews them: a new revision that names who changed what."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction

from apps.accounts.models import Account
from apps.contributions.actions import Offered, replace_rows
from apps.contributions.discussion.models import Field
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Contribution, Row
from apps.contributions.queries import rows_of
from apps.contributions.rows import as_raw, read_rows
from apps.contributions.rules import is_author
from apps.history.actions import record

FIELDS = frozenset(Field.values)

# Position of the row (from nought), name of the field, the text.
Edit = tuple[int, str, str]


def ensure_fits(contribution: Contribution, edits: Sequence[Edit]) -> None:
    """`ContributionRefused`, with the row and the mend, where an edited row could not be kept."""
    touched = {position for position, _, _ in edits}
    rows = [as_raw(row) for row in _edited(contribution, edits) if row.position in touched]
    _, _, refused = read_rows(rows, contribution.kind)
    if bad := next(iter(refused), None):
        number = sorted(touched)[bad.row] + 1
        raise ContributionRefused(f"row {number}: {bad.detail}; {bad.mend}")


def amend(contribution: Contribution, edits: Sequence[Edit], *, by: Account) -> Offered:
    """Put the texts into the rows as a new revision, which goes to the checks.

    The record credits author and editor. The terms stay the author's: an edit mends what they
    offered, and adds no row.
    """
    if is_author(by, contribution):
        raise ContributionRefused(f"{contribution} is yours; send a revision of it")
    if contribution.reverts_id:
        raise ContributionRefused(f"{contribution} has no rows of its own")
    rows = [as_raw(row) for row in _edited(contribution, edits)]
    with transaction.atomic():
        offered = replace_rows(contribution, by=by, rows=rows, note=f"Edited in review by {by}")
        if bad := next(iter(offered.refused), None):
            raise ContributionRefused(f"row {bad.row + 1}: {bad.detail}; {bad.mend}")
        details = {
            "revision": contribution.revision,
            "rows": sorted({position for position, _, _ in edits}),
            "credited": [str(contribution.author), str(by)],
        }
        record(contribution, "rows edited in review", by=by, details=details)
    return offered


def _edited(contribution: Contribution, edits: Sequence[Edit]) -> list[Row]:
    """All rows of the current revision, with the edits in them, in memory."""
    rows = list(rows_of(contribution))
    for position, field, text in edits:
        if field not in FIELDS or not 0 <= position < len(rows):
            raise ContributionRefused(f"there is no “{field}” in row {position + 1}")
        setattr(rows[position], field, text)
    return rows
