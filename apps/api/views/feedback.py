"""How answers turned out: outcomes of traces, and blind comparisons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import islice
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Account, Scope
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.calls import Call, Page
from apps.api.face import Face
from apps.api.paging import OldestFirst
from apps.api.parsing import items_of
from apps.api.problems import Problem
from apps.contributions.rows import BadRow, as_bad_row
from apps.traces import actions, queries
from apps.traces.actions import MOST_OUTCOMES, Verdict

Judge = Callable[..., Sequence[Verdict]]


class Outcomes(Face):
    """POST takes outcomes of answers, `{"trace","success","rating","client_id"}`, many at once."""

    scopes = {"POST": Scope.FEEDBACK}
    spare = "items"
    reads_chunked = True
    calls = {
        "POST": Call(
            {201: shapes.Judged, 207: shapes.Judged},
            takes=shapes.SentOutcomes | list[Any],
            lines=shapes.SentOutcome,
            refuses=("empty_body",),
            example={"items": [{"trace": "tr_1", "success": True, "rating": 4}]},
            example_lines=({"trace": "tr_1", "success": True, "client_id": "thumb-17"},),
        )
    }

    def post(self, request: Request) -> Response:
        return _judged(actions.record_outcomes, items_of(request), by=caller(request))


class Comparisons(Face):
    """GET shows pairs of answers that nobody has judged, blind; POST judges both of each pair."""

    scopes = {"GET": Scope.FEEDBACK, "POST": Scope.FEEDBACK}
    spare = "items"
    calls = {
        "GET": Call({200: Page(shapes.Pair)}),
        "POST": Call(
            {201: shapes.Judged, 207: shapes.Judged},
            takes=shapes.SentJudgements | list[Any],
            lines=shapes.SentJudgement,
            refuses=("empty_body",),
            example={"items": [{"pair": "tr_2", "a_success": True, "b_success": False}]},
            example_lines=({"pair": "tr_2", "a_success": True, "b_success": False},),
        ),
    }

    def get(self, request: Request) -> Response:
        return self.paged(
            request, queries.unjudged_pairs(caller(request)), answers.pair, OldestFirst
        )

    def post(self, request: Request) -> Response:
        return _judged(actions.judge_pairs, items_of(request), by=caller(request))


def _judged(judge: Judge, items: Iterable[Any], *, by: Account) -> Response:
    """A verdict for every row; a row that could not be read has one too."""
    verdicts: list[dict[str, Any]] = []
    coming = iter(items)
    while some := list(islice(coming, MOST_OUTCOMES)):
        start = len(verdicts)
        for at, verdict in enumerate(judge(some, by=by)):
            bad = as_bad_row(some[at])
            shown = _unreadable(bad) if bad else _shown(verdict)
            verdicts.append({"row": start + at, **shown} | _pointing(shown, start + at, at))
    if not verdicts:
        raise Problem("empty_body", "there are no rows; send one JSON object on each line")
    said = [verdict["verdict"] for verdict in verdicts]
    counts = {name: said.count(name) for name in ("stored", "duplicate", "refused")}
    status = 207 if counts["refused"] else 201
    return Response({"counts": {"rows": len(said), **counts}, "rows": verdicts}, status=status)


def _shown(verdict: Verdict) -> dict[str, Any]:
    fields = asdict(verdict)
    del fields["row"]
    shown = {"verdict": fields.pop("status"), **fields}
    return {name: text for name, text in shown.items() if text}


def _unreadable(bad: BadRow) -> dict[str, Any]:
    return {
        "verdict": "refused",
        "code": bad.code,
        "pointer": f"/0/{bad.name}".rstrip("/"),
        "detail": bad.detail,
        "mend": bad.mend,
    }


def _pointing(shown: dict[str, Any], row: int, at: int) -> dict[str, str]:
    """The pointer from the body's start, where the action's counts from its own batch."""
    if "pointer" not in shown:
        return {}
    name = shown["pointer"].split("/", 2)[2:]
    return {"pointer": "/".join([f"/items/{row}", *name])}
