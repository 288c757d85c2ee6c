"""Rows mended by somebody who reviews them: a new revision that names who changed what."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.contributions.actions import Offered, replace_rows
from apps.contributions.discussion.models import Field
from apps.contributions.errors import ContributionRefused, fault_of_row
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
    refused = read_rows(rows, contribution.kind)[2]
    if bad := next(iter(refused), None):
        raise ContributionRefused(fault_of_row(sorted(touched)[bad.row], bad))


def amend(contribution: Contribution, edits: Sequence[Edit], *, by: Account) -> Offered:
    """Put the texts into the rows as a new revision, which goes to the checks.

    The record credits author and editor. The terms stay the author's: an edit mends what they
    offered, and adds no row.
    """
    if is_author(by, contribution):
        said = _("%(pr)s is yours; send a revision of it")
        raise ContributionRefused(said % {"pr": contribution})
    if contribution.reverts_id:
        raise ContributionRefused(_("%(pr)s has no rows of its own") % {"pr": contribution})
    rows = [as_raw(row) for row in _edited(contribution, edits)]
    with transaction.atomic():
        offered = replace_rows(contribution, by=by, rows=rows, note=f"Edited in review by {by}")
        if bad := next(iter(offered.refused), None):
            raise ContributionRefused(fault_of_row(bad.row, bad))
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
            said = _("there is no “%(field)s” in row %(row)d")
            raise ContributionRefused(said % {"field": field, "row": position + 1})
        setattr(rows[position], field, text)
    return rows
