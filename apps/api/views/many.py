"""Offering many rows at once: one contribution for each batch, a verdict for each row."""

from __future__ import annotations

from itertools import chain, islice
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Scope
from apps.api import answers, bulk, shapes
from apps.api.authentication import caller
from apps.api.calls import SWITCH, Call
from apps.api.face import Face, flag
from apps.api.parsing import items_of
from apps.api.problems import Problem, sentence
from apps.api.schema import PARAMETERS
from apps.api.views.contributions import TERMS, WORDS, batch_by_key, known
from apps.contributions.errors import BatchMissing
from apps.contributions.models import Consent, Kind, Licence
from apps.skills.queries import the_line

# Header fields that a bulk request may say in its address, for all lines.
SAID_ONCE: dict[str, dict[str, Any]] = {
    "batch": WORDS | {"maxLength": 80, "description": "The name of rows that do not say theirs"},
    "kind": {"enum": list(Kind.values)},
    "title": WORDS | {"maxLength": 160},
    "description": WORDS | {"maxLength": 20_000, "description": "Of the contribution"},
    "licence": {"enum": list(Licence.values)},
    "consent": {"enum": list(Consent.values)},
    "signed_off": SWITCH,
    "skill": WORDS | {"description": "The skill of rows that do not say theirs"},
}
CHOICES = {"kind": Kind.values, "licence": Licence.values, "consent": Consent.values}
# Whose verdicts a bulk answer holds.
VERDICTS = ["all", "refused"]
# Verdicts of refused rows in one answer; the counts always cover all rows.
MOST_ERRORS = 1000


class Bulk(Face):
    """POST takes many rows as NDJSON or JSON and stores one contribution for each batch."""

    scopes = {"POST": Scope.CONTRIBUTE}
    spare = "items"
    reads_chunked = True
    calls = {
        "POST": Call(
            {201: shapes.BulkStored, 207: shapes.BulkStored, 200: shapes.BulkExamined},
            takes=shapes.SentBulk | list[shapes.SentLine],
            lines=shapes.SentLine,
            query=SAID_ONCE | {name: PARAMETERS[name] for name in ("dry_run", "verdicts")},
            refuses=("empty_body", "key_missing", "nothing_usable", "no_model_line"),
            example={
                **TERMS,
                "batch": "monday",
                "items": [{"prompt": "What is 3 plus 4?", "completion": "7", "skill": "sums"}],
            },
            example_lines=(
                {**TERMS, "batch": "a", "prompt": "What is 1 plus 1?", "completion": "2"},
                {**TERMS, "batch": "a", "prompt": "What is 1 plus 2?", "completion": "3"},
            ),
        )
    }

    def post(self, request: Request) -> Response:
        items, defaults = iter(items_of(request)), _defaults(request)
        dry_run = flag(request, "dry_run")
        first = list(islice(items, 1))
        if not dry_run and not defaults.get("batch"):
            _ensure_named(first)
        report = _Report(request, dry_run=dry_run)
        batches = bulk.take(
            the_line(), chain(first, items), by=caller(request), defaults=defaults, dry_run=dry_run
        )
        try:
            for taken in batches:
                report.add(taken)
        except Problem as problem:
            # The stream broke; what was stored before stays, and the caller must know it.
            problem.more |= report.body()
            raise
        return report.answer()


class _Report:
    """The answer to a bulk request, gathered batch by batch."""

    def __init__(self, request: Request, *, dry_run: bool) -> None:
        self.request, self.dry_run = request, dry_run
        asked = known("verdicts", request.query_params.get("verdicts", "all"), VERDICTS)
        self.every_row = asked == "all"
        self.contributions: list[dict[str, Any]] = []
        self.rows: list[dict[str, Any]] = []
        self.counts = {"rows": 0, "stored": 0, "duplicate": 0, "refused": 0}

    def add(self, taken: bulk.Taken) -> None:
        """Count one batch and note its verdicts."""
        verdict = "duplicate" if taken.repeated else "stored"
        self.counts["rows"] += len(taken.stored) + len(taken.refused)
        self.counts[verdict] += len(taken.stored)
        self.counts["refused"] += len(taken.refused)
        number = taken.contribution.pk if taken.contribution else None
        if self.every_row:
            said = "would be stored" if self.dry_run else verdict
            self.rows += [
                {"row": row, "verdict": said, "contribution": number, "position": position}
                for position, row in enumerate(taken.stored)
            ]
        self.rows += taken.refused
        self.contributions.append(self._summary(taken))

    def _summary(self, taken: bulk.Taken) -> dict[str, Any]:
        counts = {"stored": len(taken.stored), "refused": len(taken.refused)}
        if taken.contribution is None:
            because = sentence(taken.refusal) if taken.refusal else None
            return {"batch": taken.batch, "number": None, **counts, "detail": because}
        return {
            **answers.contribution(taken.contribution, self.request),
            **counts,
            "repeated": taken.repeated,
        }

    def body(self) -> dict[str, Any]:
        """Everything so far; rows in the order in which they came."""
        rows = sorted(self.rows, key=lambda verdict: verdict["row"])
        counts = {**self.counts, "contributions": len(self.contributions)}
        return {"counts": counts, "contributions": self.contributions, "rows": rows}

    def answer(self) -> Response:
        """201 when every row is stored, 207 when some are refused, a problem when all are."""
        if not self.counts["rows"]:
            raise Problem("empty_body", "there are no rows; send one JSON object on each line")
        if self.dry_run:
            return Response({"dry_run": True, **self.body()})
        if self.counts["refused"] == self.counts["rows"]:
            first = self.rows[0]
            raise Problem(
                "nothing_usable",
                f"no row could be kept; {first['pointer']}: {first['detail']}; {first['mend']}",
                errors=[dict(verdict) for verdict in self.rows[:MOST_ERRORS]],
                more={"counts": self.counts},
            )
        return Response(self.body(), status=207 if self.counts["refused"] else 201)


def _ensure_named(first: list[Any]) -> None:
    """Refuse a whole stream at its first row, where nothing would tell that it comes again."""
    if first and isinstance(first[0], dict) and not first[0].get("batch"):
        raise BatchMissing(bulk.UNNAMED)


def _defaults(request: Request) -> dict[str, Any]:
    """Header fields said once for all lines: in the address, or beside `items` in the body."""
    names = (*bulk.OF_THE_HEADER, "skill")
    key = batch_by_key(request)
    said: dict[str, Any] = {"batch": key} if key else {}
    said |= {name: text for name, text in request.query_params.items() if name in names}
    for name, text in said.items():
        if len(text) > SAID_ONCE[name].get("maxLength", len(text)):
            raise Problem("bad_parameter", f"{name} is longer than {SAID_ONCE[name]['maxLength']}")
    for name, choice in CHOICES.items():
        if name in said:
            said[name] = known(name, said[name], choice)
    if "signed_off" in said:
        said["signed_off"] = flag(request, "signed_off")
    if request.content_type.startswith("application/json") and isinstance(request.data, dict):
        said |= {name: value for name, value in request.data.items() if name != "items"}
    return said
