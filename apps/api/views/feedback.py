"""How answers turned out: feedback in bulk, its standing terms, and blind comparisons."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, replace
from itertools import islice
from typing import Any

import msgspec
from django.http import HttpResponse
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.models import Account, Scope
from apps.api import answers, shapes
from apps.api.authentication import caller
from apps.api.bodies import FeedbackHeader, TermsGiven
from apps.api.calls import SWITCH, Call, Page
from apps.api.face import Face, flag
from apps.api.idempotency import key_of
from apps.api.paging import OldestFirst
from apps.api.parsing import NDJSON, body_of, items_of
from apps.api.problems import Problem
from apps.api.schema import PARAMETERS
from apps.contributions.actions import Terms, check_terms
from apps.contributions.models import Consent, Licence
from apps.rollouts import queries as rollouts
from apps.skills.queries import skill_named
from apps.traces import actions, queries
from apps.traces.actions import Verdict
from apps.traces.feedback import delivering
from apps.traces.feedback.delivering import AT_ONCE_BYTES, AT_ONCE_ROWS, Order, Receipt
from apps.traces.feedback.partitions import number_of
from apps.traces.feedback.rows import Bad
from openflywheel.reading.faults import BadRow, as_bad_row

MOST_BYTES = 100 * 1024**2
# What holds for all rows may be said in the address.
BESIDE: dict[str, dict[str, Any]] = {
    "source": {"type": "string", "maxLength": 80, "description": "Where the feedback comes from"},
    "skill": {"type": "string", "description": "The skill of rows that do not say theirs"},
    "licence": {"enum": list(Licence.values)},
    "consent": {"enum": list(Consent.values)},
    "signed_off": SWITCH,
}
MOST_PAIRS = 5_000
# Whose verdicts an answer holds.
VERDICTS = ("all", "refused")
NO_TERMS = (
    "no terms came with these rows, so they count as signals and become no part of a PR; send "
    "licence, consent and signed_off, or PUT /api/v1/feedback/terms once"
)


class Outcomes(Face):
    """POST takes feedback in bulk: outcomes of our answers, or of answers given elsewhere.

    JSON or NDJSON, plain or gzip, up to 100 MB. Up to 5,000 rows and 4 MB are stored at once, each
    with its verdict; more than that is answered by 202 with the operation to follow.
    """

    scopes = {"POST": Scope.FEEDBACK}
    reads_chunked = True
    calls = {
        "POST": Call(
            {
                201: shapes.FeedbackStored,
                207: shapes.FeedbackStored,
                202: shapes.Operation,
                200: shapes.FeedbackExamined,
            },
            takes=shapes.SentFeedback | list[shapes.SentOutcome],
            lines=shapes.SentOutcome,
            query=BESIDE | {name: PARAMETERS[name] for name in ("dry_run", "verdicts")},
            refuses=("empty_body", "bad_fields", "terms_missing", "unknown_skill", "no_model_line"),
            headers=("Location",),
            example={"items": [{"trace": "tr_1", "success": True, "rating": 4}]},
            example_lines=({"trace": "tr_1", "success": True, "client_id": "thumb-17"},),
        )
    }

    def post(self, request: Request) -> HttpResponse:
        order = _order(request)
        pieces = body_of(request, most=MOST_BYTES)
        refused_alone = only_refused(request)
        take = delivering.rehearse if flag(request, "dry_run") else delivering.take
        receipt = take(order, pieces, header=lambda said: _with(order, said))
        return _answer(request, receipt, only_refused=refused_alone)


class StandingTerms(Face):
    """GET shows the terms for whatever one sends; PUT gives them; DELETE takes them back."""

    scopes = {"GET": "", "PUT": Scope.FEEDBACK, "DELETE": Scope.FEEDBACK}
    selects = False
    calls = {
        "GET": Call({200: shapes.StandingTerms}),
        "PUT": Call(
            {200: shapes.TermsHeld},
            takes=TermsGiven,
            refuses=("terms_missing",),
            example={"licence": "CC0-1.0", "consent": "train", "signed_off": True},
        ),
        "DELETE": Call({204: None}),
    }

    def get(self, request: Request) -> Response:
        given = queries.standing_terms(caller(request))
        return Response(_terms_shown(given) or {"licence": None, "consent": None})

    def put(self, request: Request) -> Response:
        wish = self.read(TermsGiven, request)
        check_terms(Terms(wish["licence"], wish["consent"], wish["signed_off"]))
        given = actions.give_terms(caller(request), wish["licence"], wish["consent"])
        return Response(_terms_shown(given))

    def delete(self, request: Request) -> Response:
        actions.take_terms_back(caller(request))
        return Response(status=204)


class Comparisons(Face):
    """GET shows, blind, pairs that wait for a judge, of requests that one may see (reviewers and
    above: everybody's; others: their services' and nobody's); POST judges both of each pair."""

    scopes = {"GET": Scope.FEEDBACK, "POST": Scope.FEEDBACK}
    spare = "items"
    calls = {
        "GET": Call({200: Page(shapes.Pair)}),
        "POST": Call(
            {201: shapes.Judged, 207: shapes.Judged},
            takes=shapes.SentJudgements | list[shapes.SentJudgement],
            lines=shapes.SentJudgement,
            refuses=("empty_body",),
            example={"items": [{"pair": "tr_2", "a_success": True, "b_success": False}]},
            example_lines=({"pair": "tr_2", "a_success": True, "b_success": False},),
        ),
    }

    def get(self, request: Request) -> Response:
        return self.paged(
            request, rollouts.pairs_to_judge(caller(request)), answers.pair, OldestFirst
        )

    def post(self, request: Request) -> Response:
        return _judged(items_of(request), by=caller(request))


def only_refused(request: Request) -> bool:
    """Whether the caller wants the verdicts of refused rows alone."""
    asked = request.query_params.get("verdicts", "all")
    if asked not in VERDICTS:
        raise Problem("bad_parameter", f"verdicts is not one of {', '.join(VERDICTS)}")
    return asked == "refused"


def _order(request: Request) -> Order:
    """What the address and the headers say; standing terms hold where they say nothing."""
    account = caller(request)
    desk = queries.desk_for(account)
    order = Order(
        account,
        desk,
        address=request.get_full_path(),
        key=key_of(request),
        as_lines=request.content_type.partition(";")[0].strip().casefold() == NDJSON,
    )
    said: dict[str, Any] = {
        name: request.query_params[name] for name in BESIDE if name in request.query_params
    }
    if "signed_off" in said:
        said["signed_off"] = flag(request, "signed_off")
    if said:
        order = _with(order, said)
    if order.licence:
        return order
    return replace(order, licence=desk.licence, consent=desk.consent)


def _with(order: Order, said: dict[str, Any]) -> Order:
    """The order with what stands beside the rows; terms are given whole or not at all."""
    form = FeedbackHeader(data=said)
    form.is_valid(raise_exception=True)
    given = form.validated_data
    if {"licence", "consent", "signed_off"} & set(given):
        terms = Terms(
            given.get("licence", ""), given.get("consent", ""), given.get("signed_off", False)
        )
        check_terms(terms)
        order = replace(order, licence=terms.licence, consent=terms.consent)
    if given.get("skill"):
        order = replace(order, skill=skill_named(order.desk.line, given["skill"]).pk)
    return replace(order, source=given.get("source", order.source))


def _answer(request: Request, receipt: Receipt, *, only_refused: bool) -> HttpResponse:
    """201 when no row is refused, 207 when some are, 202 with Location when they still wait."""
    delivery = receipt.delivery
    if delivery is not None and not _shows_rows(receipt):
        return _operation(request, receipt)
    body: dict[str, Any] = {"counts": receipt.counts, "rows": _verdicts(receipt, only_refused)}
    if delivery is None:
        body = {"dry_run": True, **body}
    else:
        body["delivery"] = delivery.public_id
        body["terms"] = _terms_shown(delivery if delivery.licence else None)
        if not delivery.licence:
            body["note"] = NO_TERMS
    refused = receipt.counts["refused"]
    status = 200 if delivery is None else 207 if refused else 201
    response = _json(request, body, status)
    if receipt.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def _shows_rows(receipt: Receipt) -> bool:
    """Whether the delivery was small enough to be answered row by row."""
    delivery = receipt.delivery
    assert delivery is not None
    small = delivery.size <= AT_ONCE_BYTES and delivery.rows <= AT_ONCE_ROWS
    return small and not receipt.waits


def _operation(request: Request, receipt: Receipt) -> HttpResponse:
    assert receipt.delivery is not None
    response = _json(request, answers.operation(receipt.delivery), 202)
    response["Location"] = reverse("api:operation", args=[receipt.delivery.public_id])
    if receipt.replayed:
        response["Idempotent-Replayed"] = "true"
    return response


def _verdicts(receipt: Receipt, only_refused: bool) -> list[dict[str, Any]]:
    """The verdict of each row, in order; of a rehearsal those that would not be stored."""
    some = {at: _refused(at, bad) for at, bad in receipt.refused.items()}
    if only_refused:
        return [some[at] for at in sorted(some)]
    for at, of in receipt.repeats.items():
        some[at] = {"row": at, "verdict": "duplicate", "of": of}
    if receipt.delivery is None:
        return [some[at] for at in sorted(some)]
    first, gathers = number_of(receipt.delivery.pk, 0), receipt.gathers
    return [
        some[at]
        if at in some
        else {
            "row": at,
            "verdict": "stored",
            "id": f"fb_{first | at}",
            "as": "contribution" if at in gathers else "signal",
        }
        for at in range(receipt.rows)
    ]


def _refused(row: int, bad: Bad) -> dict[str, Any]:
    return {
        "row": row,
        "verdict": "refused",
        "code": bad.code,
        "pointer": f"/items/{row}/{bad.name}".rstrip("/"),
        "detail": bad.detail,
        "mend": bad.mend,
    }


def _terms_shown(terms: Any) -> dict[str, Any] | None:
    return {"licence": terms.licence, "consent": terms.consent} if terms else None


def _json(request: Request, body: Any, status: int) -> HttpResponse:
    """JSON by the same hand that read the rows; indented for a person with curl."""
    text = msgspec.json.encode(body)
    if "json" not in request.headers.get("Accept", ""):
        text = msgspec.json.format(text, indent=2)
    return HttpResponse(text + b"\n", status=status, content_type="application/json")


def _judged(items: Iterable[Any], *, by: Account) -> Response:
    """A verdict for every pair; a row that could not be read has one too."""
    verdicts: list[dict[str, Any]] = []
    coming = iter(items)
    while some := list(islice(coming, MOST_PAIRS)):
        start = len(verdicts)
        for at, verdict in enumerate(actions.judge_pairs(some, by=by)):
            bad = as_bad_row(some[at])
            shown = _unreadable(bad) if bad else _shown(verdict)
            verdicts.append({"row": start + at, **shown} | _pointing(shown, start + at))
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


def _pointing(shown: dict[str, Any], row: int) -> dict[str, str]:
    """The pointer from the body's start, where the action's counts from its own batch."""
    if "pointer" not in shown:
        return {}
    name = shown["pointer"].split("/", 2)[2:]
    return {"pointer": "/".join([f"/items/{row}", *name])}
