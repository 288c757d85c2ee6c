"""Whether a reviewer has had every row before their eyes."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.contributions.discussion.actions import tick
from apps.contributions.discussion.queries import marks_seen
from apps.contributions.models import Contribution
from apps.contributions.queries import rows_of
from apps.contributions.rows import mark_of
from apps.reviews.desk.policy import DeskPolicy
from apps.reviews.errors import NotViewed

ROWS_ON_A_SCREEN = 20


def note_shown(contribution: Contribution, by: Account, *, first: int) -> None:
    """The screen that begins with this row (from nought) was shown; short PRs need no note."""
    if contribution.row_count <= ROWS_ON_A_SCREEN:
        return
    shown = rows_of(contribution).filter(position__gte=first)[:ROWS_ON_A_SCREEN]
    tick(contribution, by=by, marks=[mark_of(row) for row in shown], seen=True)


def not_viewed(contribution: Contribution, by: Account) -> list[int]:
    """Positions (from nought) of the rows that have yet to be on this reviewer's screen.

    None of a PR too large to be read whole: its sample is what is read.
    """
    most = DeskPolicy.of(contribution.line).view_all_up_to
    if not ROWS_ON_A_SCREEN < contribution.row_count <= most:
        return []
    seen = marks_seen(contribution, by)
    rows = rows_of(contribution).select_related(None).iterator()
    return [row.position for row in rows if mark_of(row) not in seen]


def ensure_viewed(contribution: Contribution, by: Account) -> None:
    """`NotViewed` while rows are left."""
    if left := not_viewed(contribution, by):
        said = _(
            "%(left)d of %(rows)d rows were not on your screen yet, the first of them row "
            "%(first)d; look at them, or ask for changes"
        )
        counts = {"left": len(left), "rows": contribution.row_count, "first": left[0] + 1}
        raise NotViewed(said % counts)
