"""What changed between two revisions of a contribution, row by row."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from apps.contributions.models import Contribution, Row
from apps.contributions.rows import as_raw, mark_of

COMPARED = ("prompt", "original", "completion", "chosen", "rejected")


@dataclass(frozen=True)
class Change:
    """A row that was added (`before` is None), removed (`after` is None) or changed."""

    before: Row | None
    after: Row | None

    @property
    def kind(self) -> str:
        """added, removed or changed."""
        return "added" if not self.before else "changed" if self.after else "removed"

    @property
    def row(self) -> Row:
        """The newer of both."""
        row = self.after or self.before
        assert row is not None
        return row

    def texts(self) -> list[tuple[str, str, str]]:
        """(field, before, after) of every field whose text differs."""
        texts = [(f, getattr(self.before, f, ""), getattr(self.after, f, "")) for f in COMPARED]
        labels = [_label(self.before), _label(self.after)]
        stars = [_stars(self.before), _stars(self.after)]
        turns = [_turns(self.before), _turns(self.after)]
        told = [*texts, ("label", *labels), ("stars", *stars), ("context", *turns)]
        return [(name, was, becomes) for name, was, becomes in told if was != becomes]


def between(before: Sequence[Row], after: Sequence[Row]) -> list[Change]:
    """What changed from the first rows to the second, in the order of the newer ones.

    Equal rows are paired first, then rows with the sender's own id, then rows with the same
    prompt, then those in the same place; what is left over was added or removed. Cost grows with
    the number of rows and no faster.
    """
    old, new = list(before), list(after)
    keys: list[Callable[[Row], Hashable]] = [
        mark_of,
        lambda row: row.client_id or None,
        lambda row: row.prompt,
        lambda row: row.position,
    ]
    paired: dict[int, Row] = {}
    for key in keys:
        old, new = _pair(old, new, key, paired)
    changes = [Change(None, row) for row in new]
    for row in after:
        was = paired.get(row.position)
        if was and mark_of(was) != mark_of(row):
            changes.append(Change(was, row))
    changes += [Change(row, None) for row in old]
    return sorted(changes, key=lambda change: (change.row.position, change.after is None))


def of_revision(contribution: Contribution, number: int) -> QuerySet[Row]:
    """The rows of one revision, in order."""
    rows = Row.objects.filter(revision__contribution=contribution, revision__number=number)
    return rows.select_related("skill", "trace").order_by("position")


def as_lines(changes: Sequence[Change]) -> Iterator[dict[str, Any]]:
    """The changes as objects, a patch for data: `op` (add, remove, change), `row` and the rows."""
    for change in changes:
        if change.before is None:
            yield {"op": "add", "row": change.row.position, "after": as_raw(change.row)}
        elif change.after is None:
            yield {"op": "remove", "row": change.row.position, "before": as_raw(change.row)}
        else:
            both = {"before": as_raw(change.before), "after": as_raw(change.after)}
            yield {"op": "change", "row": change.after.position, **both}


def _pair(
    old: list[Row], new: list[Row], key: Callable[[Row], Hashable], paired: dict[int, Row]
) -> tuple[list[Row], list[Row]]:
    """Pair rows that share a key, first come first served; returns what is left of both."""
    waiting: defaultdict[Hashable, deque[Row]] = defaultdict(deque)
    for row in old:
        waiting[key(row)].append(row)
    left = []
    for row in new:
        name = key(row)
        if name is not None and waiting.get(name):
            paired[row.position] = waiting[name].popleft()
        else:
            left.append(row)
    taken = {was.pk for was in paired.values()}
    return [row for row in old if row.pk not in taken], left


def _label(row: Row | None) -> str:
    return "" if row is None or row.label is None else "good" if row.label else "bad"


def _stars(row: Row | None) -> str:
    return "" if row is None or row.stars is None else f"{row.stars} / 5"


def _turns(row: Row | None) -> str:
    return "\n".join(f"{turn['role']}: {turn['content']}" for turn in row.context) if row else ""
