"""Applying suggestions: one click makes a new revision, and its history credits who suggested."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.contributions.actions import Offered, revise
from apps.contributions.discussion import rules
from apps.contributions.discussion.models import Suggestion, Thread
from apps.contributions.errors import ContributionRefused, NotYours, Outdated, fault_of_row
from apps.contributions.models import Contribution, Row
from apps.contributions.queries import current_revision, rows_of
from apps.contributions.rows import as_raw
from apps.contributions.rules import is_author
from apps.history.actions import record


def apply(
    contribution: Contribution, suggestions: Sequence[Suggestion], *, by: Account, digest: str
) -> Offered:
    """Put the suggested texts into the rows, as one new revision that goes to the checks again.

    `digest` names the rows that the author had before their eyes. Raises `NotYours`, or
    `Outdated` when the rows have changed since, or `MoveRefused` when somebody was quicker.
    """
    if not is_author(by, contribution):
        said = _("%(pr)s belongs to %(author)s; only they apply this")
        raise NotYours(said % {"pr": contribution, "author": contribution.author})
    rules.ensure_may_see_rows(by, contribution)
    if digest != contribution.digest:
        said = _("%(pr)s has changed since you read it; look at it again")
        raise Outdated(said % {"pr": contribution})
    if not suggestions:
        raise ContributionRefused(_("pick at least one suggestion"))
    rows = list(rows_of(contribution))
    _put_in(rows, suggestions)
    people = list(dict.fromkeys(s.comment.author.username for s in suggestions))
    with transaction.atomic():
        note = f"Suggested by {', '.join(people)}"
        offered = revise(contribution, by=by, rows=[as_raw(row) for row in rows], note=note)
        if bad := next(iter(offered.refused), None):
            raise ContributionRefused(fault_of_row(bad.row, bad))
        _note(contribution, suggestions, people, by)
    return offered


def _put_in(rows: Sequence[Row], suggestions: Sequence[Suggestion]) -> None:
    """Change the rows in memory; each suggestion needs the very text for which it was made."""
    wanted: dict[tuple[int, str], str] = {}
    for suggestion in suggestions:
        thread = suggestion.comment.thread
        if thread is None or suggestion.applied_in_id is not None:
            raise Outdated(_("a suggestion has been applied already; look at it again"))
        place = _where_it_stands(rows, thread).position, thread.field
        if place in wanted:
            said = _("two suggestions change the same text of row %(row)d; pick one")
            raise ContributionRefused(said % {"row": place[0] + 1})
        wanted[place] = suggestion.text
    for (position, field), text in wanted.items():
        setattr(rows[position], field, text)


def _where_it_stands(rows: Sequence[Row], thread: Thread) -> Row:
    """The row of the current revision that still holds the text the thread is about."""
    began_on, field = thread.row, thread.field
    if began_on.position < len(rows):
        rows = [rows[began_on.position], *rows]
    for row in rows:
        if row.prompt == began_on.prompt and getattr(row, field) == thread.quote:
            return row
    said = _("row %(row)d has changed since; the suggestion fits no more")
    raise Outdated(said % {"row": began_on.position + 1})


def _note(
    contribution: Contribution, suggestions: Sequence[Suggestion], people: list[str], by: Account
) -> None:
    """Credit who suggested, tie the suggestions to the revision, and close their threads."""
    keys = [suggestion.pk for suggestion in suggestions]
    Suggestion.objects.filter(pk__in=keys).update(applied_in=current_revision(contribution))
    Thread.objects.filter(comments__suggestion__in=keys, resolved_at=None).update(
        resolved_at=timezone.now(), resolved_by=by
    )
    details = {"suggestions": keys, "suggested_by": people, "revision": contribution.revision}
    record(contribution, "suggestions applied", by=by, details=details)
