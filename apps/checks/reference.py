"""What the screens compare with, kept by each worker and grown as contributions are accepted."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from apps.contributions.models import Kind, Row
from apps.contributions.queries import accepted, rows_of
from apps.contributions.rules import READ_BY_ALL
from apps.skills.models import ModelLine
from apps.skills.queries import hold_out, trusted_rows
from training.screening import Reference
from training.screening import Row as ScreenedRow


@dataclass
class _Kept:
    """A line's reference, and the accepted contributions that are in it."""

    reference: Reference
    included: set[int] = field(default_factory=set)


_kept: dict[int, _Kept] = {}


def reference_for(line: ModelLine) -> Reference:
    """The line's trusted rows, hidden prompts and accepted rows, as of now."""
    kept = _kept.get(line.pk)
    if kept is None:
        kept = _kept[line.pk] = _Kept(_build(line))
    # A finding quotes the rows that it compares with, so only those that all may read are here.
    fresh = accepted(line).filter(consent__in=READ_BY_ALL).exclude(pk__in=kept.included)
    rows = [
        row_for_screens(row, one.kind, source=str(one)) for one in fresh for row in rows_of(one)
    ]
    if rows:
        kept.reference = kept.reference.adding(rows)
    kept.included.update(contribution.pk for contribution in fresh)
    return kept.reference


def row_for_screens(row: Row, kind: str, source: str = "") -> ScreenedRow:
    """A stored row as the screens read it."""
    named = f"{source}, row {row.position + 1}" if source else ""
    if kind == Kind.PREFERENCE:
        return ScreenedRow(row.prompt, row.chosen, "pair", other=row.rejected, source=named)
    if kind == Kind.RATING:
        rated = ScreenedRow(row.prompt, row.completion, "rating", label=row.label, source=named)
        return replace(rated, stars=row.stars)
    return ScreenedRow(row.prompt, row.completion, "sft", source=named)


def _build(line: ModelLine) -> Reference:
    trusted = [
        ScreenedRow(row.prompt, row.completion, "sft", source="trusted row")
        for row in trusted_rows(line).iterator()
    ]
    return Reference.build(trusted=trusted, holdout=[case.prompt for case in hold_out(line)])
