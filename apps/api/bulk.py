"""Many rows in one stream, gathered into one contribution for each batch name.

Rows of a batch stand one after the other. Each contribution is stored in a transaction of its own
as soon as its last row has come, so that what was stored stays stored whatever follows, and no
more than one contribution is held in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from django.db.models import prefetch_related_objects
from rest_framework.exceptions import ValidationError

from apps.accounts.models import Account
from apps.api import problems
from apps.api.bodies import Header
from apps.contributions import actions
from apps.contributions.actions import Terms
from apps.contributions.errors import BatchMissing, ContributionRefused, NothingUsable, RefusedRow
from apps.contributions.models import Contribution, Kind
from apps.contributions.rows import kind_of
from apps.skills.models import ModelLine
from openflywheel.reading.faults import BadRow

# What a line says of its contribution; all else on it is the row's own.
OF_THE_HEADER = ("batch", "kind", "title", "description", "licence", "consent", "signed_off")

# Without either, a stream that is repeated because its answer got lost would be stored twice.
UNNAMED = "name these rows: send an Idempotency-Key, or a “batch” on each line"


@dataclass
class Taken:
    """What became of one batch: its contribution, or why there is none, and each row's verdict."""

    batch: str
    contribution: Contribution | None = None
    repeated: bool = False
    stored: list[int] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    refusal: Exception | None = None


def take(
    line: ModelLine,
    items: Iterable[Any],
    *,
    by: Account,
    defaults: Mapping[str, Any],
    dry_run: bool = False,
) -> Iterator[Taken]:
    """Offer each batch in turn; `defaults` are header fields for lines that do not say them."""
    prefetch_related_objects([line], "skills")
    seen: set[str] = set()
    named = _Named(str(defaults.get("batch", "")))
    for batch, members in groupby(enumerate(items), key=named):
        group = _Group(batch, members, defaults)
        if batch in seen:
            yield group.refused_whole(_split(batch))
        else:
            yield group.offered(line, by=by, dry_run=dry_run)
        seen.add(batch)


class _Named:
    """The batch of each line; one that cannot be read belongs to the batch around it."""

    def __init__(self, default: str) -> None:
        self.default = self.current = default

    def __call__(self, placed: tuple[int, Any]) -> str:
        _, item = placed
        if isinstance(item, Mapping):
            named = item.get("batch")
            self.current = self.default if named is None else str(named)
        return self.current


class _Group:
    """The lines of one batch, read once; remembers at which places they stood."""

    def __init__(
        self, batch: str, members: Iterator[tuple[int, Any]], defaults: Mapping[str, Any]
    ) -> None:
        self.batch, self.members, self.defaults = batch, members, defaults
        self.places: list[int] = []
        self.header: dict[str, Any] = {}
        self.first: list[tuple[int, Any]] = []

    def offered(self, line: ModelLine, *, by: Account, dry_run: bool) -> Taken:
        """Store the batch (or only look at it) and say what became of each row."""
        try:
            header = self._read_header()
            if not (self.batch or dry_run):
                raise BatchMissing(UNNAMED)
            terms = Terms(header["licence"], header["consent"], header["signed_off"])
            if dry_run:
                places, refused = actions.examine(
                    line, kind=header["kind"], rows=self._rows(), terms=terms
                )
                return self._taken(None, places, refused)
            offered = actions.offer(
                line,
                by=by,
                kind=header["kind"],
                title=header["title"],
                description=header["description"],
                rows=self._rows(),
                terms=terms,
                batch=self.batch,
                source="api, bulk",
            )
        except NothingUsable as nothing:
            return self._taken(None, [], nothing.refused)
        except (ContributionRefused, ValidationError) as refusal:
            return self.refused_whole(refusal)
        taken = self._taken(offered.contribution, offered.places, offered.refused)
        taken.repeated = offered.repeated
        return taken

    def refused_whole(self, refusal: Exception) -> Taken:
        """Refuse every row of the batch for one reason."""
        # Where the rows were read before the refusal came, their places are known already.
        rest = [place for held in (self.first, self.members) for place, _ in held]
        self.places = sorted({*self.places, *rest})
        kind, errors = problems.kind_of(refusal), problems.errors_of(refusal)
        verdicts = [
            {
                "row": place,
                "verdict": "refused",
                "code": fault.get("code", kind.code),
                "pointer": f"/items/{place}{fault.get('pointer', '')}",
                "detail": fault.get("detail", str(refusal)),
                "mend": fault.get("mend", "mend the batch and send it again"),
            }
            for place in self.places
            for fault in (errors or [{}])[:1]
        ]
        return Taken(self.batch, refused=verdicts, refusal=refusal)

    def _taken(
        self, contribution: Contribution | None, places: list[int], refused: list[RefusedRow]
    ) -> Taken:
        return Taken(
            self.batch,
            contribution,
            stored=[self.places[place] for place in places],
            refused=[_verdict(self.places[bad.row], bad) for bad in refused],
        )

    def _read_header(self) -> dict[str, Any]:
        """What the first readable line (over the defaults) says of the contribution."""
        said: dict[str, Any] = {}
        for placed in self.members:
            self.first.append(placed)
            if isinstance(item := placed[1], Mapping):
                said = {name: item[name] for name in OF_THE_HEADER if name in item}
                said.setdefault("kind", self.defaults.get("kind") or str(kind_of(item)))
                break
        self.header = {**self.defaults, **said, "batch": self.batch}
        form = Header(data=self.header)
        form.is_valid(raise_exception=True)
        return {"kind": Kind.DATASET, **form.validated_data}

    def _rows(self) -> Iterator[Any]:
        """The rows without what belongs to the header."""
        for held in (self.first, self.members):
            for place, item in held:
                self.places.append(place)
                yield self._row(item) if isinstance(item, Mapping) else item

    def _row(self, item: Mapping[str, Any]) -> dict[str, Any] | BadRow:
        row = dict(item)
        row.pop("batch", None)
        for name in OF_THE_HEADER:
            if name in row and row.pop(name) != self.header.get(name):
                detail = f"{name} differs from the first row of the batch “{self.batch}”"
                return BadRow("other_header", name, detail, "put the row into a batch of its own")
        if "skill" not in row and "skill" in self.defaults:
            row["skill"] = self.defaults["skill"]
        return row


def _verdict(place: int, bad: RefusedRow) -> dict[str, Any]:
    inner = bad.pointer.removeprefix(f"/rows/{bad.row}")
    return {
        "row": place,
        "verdict": "refused",
        "code": bad.code,
        "pointer": f"/items/{place}{inner}",
        "detail": bad.detail,
        "mend": bad.mend,
    }


def _split(batch: str) -> ContributionRefused:
    name = f"the batch “{batch}”" if batch else "the rows without a batch"
    return ContributionRefused(f"{name} came earlier in this stream; send its rows together")
