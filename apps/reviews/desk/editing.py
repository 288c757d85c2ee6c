"""Accepting with an edit: the reviewer's texts become a revision, which the checks read again.

The approval binds to the digest of that revision. It stands only if the checks find nothing in it
that they had not found before: a reviewer has not read what is found after they decided.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.utils.translation import gettext as _

from apps.checks.models import Finding, Severity
from apps.contributions import amending
from apps.contributions.models import Contribution
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.reviews import rules
from apps.reviews.desk.models import Pending
from apps.reviews.errors import ReviewRefused, Stale


class Edit(NamedTuple):
    """Another text for a field of the row at this position (from nought)."""

    position: int
    field: str
    text: str


def changed(contribution: Contribution, texts: Iterable[Edit]) -> list[Edit]:
    """Of the texts that a form sent, those that differ from what stands."""
    sent = list(texts)
    wanted = {edit.position for edit in sent}
    rows = {row.position: row for row in rows_of(contribution).filter(position__in=wanted)}
    known = [e for e in sent if e.position in rows and e.field in amending.FIELDS]
    return [edit for edit in known if getattr(rows[edit.position], edit.field) != edit.text]


def ensure_fits(contribution: Contribution, edits: Sequence[Edit]) -> None:
    """`ContributionRefused` where the edited rows could not be kept."""
    amending.ensure_fits(contribution, edits)


def amend(held: Pending, contribution: Contribution) -> None:
    """Send the edited rows to the checks, and let the verdict wait for what they say."""
    rules.ensure_may_decide(held.reviewer, contribution)
    if held.digest != contribution.digest:
        said = _("%(pr)s has changed since you read it; look at it again")
        raise Stale(said % {"pr": contribution})
    edits = [Edit(*edit) for edit in held.edits]
    amending.amend(contribution, edits, by=held.reviewer)
    held.digest, held.edited = contribution.digest, True
    held.save(update_fields=["digest", "edited"])


def checked(held: Pending, contribution: Contribution) -> bool:
    """Whether the checks have let the edited rows through; a refusal says what they found."""
    if held.digest != contribution.digest:
        said = _("%(pr)s has changed since your edit; look at it again")
        raise Stale(said % {"pr": contribution})
    if contribution.stage == Stage.SUBMITTED:
        return False
    if contribution.stage == Stage.QUARANTINED:
        said = _("the checks set %(pr)s aside after your edit")
        raise ReviewRefused(said % {"pr": contribution})
    before = _found_in(contribution, contribution.revision - 1)
    for (screen, place), message in _found_in(contribution, contribution.revision).items():
        if (screen, place) not in before:
            said = _("the checks found something in your edit: %(message)s")
            raise ReviewRefused(said % {"message": message})
    return True


def _found_in(contribution: Contribution, revision: int) -> dict[tuple[str, int | None], str]:
    """What graver findings say of a revision, by screen and row; None: of the PR as a whole.

    An edit leaves every row at its place, so a row that a screen named before is known to it.
    """
    grave = Finding.objects.exclude(severity=Severity.NOTE).filter(
        screening__contribution=contribution, screening__revision=revision
    )
    told: dict[tuple[str, int | None], str] = {}
    for found in grave.order_by("pk"):
        places: list[int | None] = [*found.rows] or [None]
        told |= {(found.screen, place): found.message for place in places}
    return told
