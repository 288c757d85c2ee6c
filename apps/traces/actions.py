"""Logging answers, and taking in how they turned out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.accounts.models import Account
from apps.skills.models import ModelLine
from apps.traces.errors import BadOutcome
from apps.traces.models import Arm, Outcome, Trace

MOST_OUTCOMES = 5000


@dataclass(frozen=True)
class Verdict:
    """What became of one sent outcome: stored, duplicate or refused, with code and mend."""

    row: int
    status: str
    code: str = ""
    pointer: str = ""
    detail: str = ""
    mend: str = ""


def record_outcomes(rows: Sequence[Any], *, by: Account) -> list[Verdict]:
    """Store every good outcome of a batch; each row gets its own verdict.

    A row is `{"trace": "tr_12", "success": true, "rating": 4, "client_id": "…"}`; rating and
    client_id may be left out. The same judge's second outcome of a trace is a duplicate.
    """
    if len(rows) > MOST_OUTCOMES:
        raise BadOutcome(f"{len(rows)} outcomes at once; send at most {MOST_OUTCOMES}")
    named = [_key(row) for row in rows]
    keys = [key for key in named if key is not None]
    known = set(Trace.objects.filter(pk__in=keys, arm__in=SEEN).values_list("pk", flat=True))
    fresh: dict[int, Outcome] = {}
    verdicts: list[Verdict] = []
    with transaction.atomic():
        earlier = Outcome.objects.filter(judge=by, trace__in=known)
        judged = set(earlier.values_list("trace", flat=True))
        for place, (row, key) in enumerate(zip(rows, named, strict=True)):
            if fault := _fault(place, row, key, known):
                verdicts.append(fault)
            elif key is None or key in judged or key in fresh:
                verdicts.append(Verdict(place, "duplicate"))
            else:
                fresh[key] = _outcome(key, row, by)
                verdicts.append(Verdict(place, "stored"))
        Outcome.objects.bulk_create(fresh.values(), ignore_conflicts=True)
    return verdicts


# Shadow answers are judged in pairs and blind, never by themselves.
SEEN = (Arm.LIVE, Arm.CANDIDATE)


def judge_pairs(rows: Sequence[Any], *, by: Account) -> list[Verdict]:
    """Store what a judge says of both answers of shadow pairs, each shown blind as a and b.

    A row is `{"pair": "tr_13", "a_success": true, "b_success": false}`.
    """
    keys = [key for row in rows if (key := _key(row, "pair"))]
    shadows = {trace.pk: trace for trace in Trace.objects.filter(pk__in=keys, arm=Arm.SHADOW)}
    return [_judge_pair(place, row, shadows, by) for place, row in enumerate(rows)]


def shadow_is_a(shadow: Trace) -> bool:
    """Whether the candidate's answer is shown as a; a coin that falls the same way each time."""
    return hashlib.sha256(f"side of {shadow.pk}".encode()).digest()[0] % 2 == 0


def _judge_pair(place: int, row: Any, shadows: dict[int, Trace], by: Account) -> Verdict:
    shadow = shadows.get(_key(row, "pair") or 0)
    if shadow is None or shadow.mirror_of_id is None:
        detail, mend = "there is no such pair", "ask for pairs again"
        return Verdict(place, "refused", "unknown_pair", f"/{place}/pair", detail, mend)
    a, b = row.get("a_success"), row.get("b_success")
    if not isinstance(a, bool) or not isinstance(b, bool):
        detail, mend = "a_success and b_success are not both true or false", "judge both answers"
        return Verdict(place, "refused", "bad_judgement", f"/{place}", detail, mend)
    marks = {shadow.pk: a, shadow.mirror_of_id: b}
    if not shadow_is_a(shadow):
        marks = {shadow.pk: b, shadow.mirror_of_id: a}
    with transaction.atomic():
        stored = [
            Outcome.objects.get_or_create(trace_id=key, judge=by, defaults={"success": mark})[1]
            for key, mark in marks.items()
        ]
    return Verdict(place, "stored" if stored[0] else "duplicate")


def _fault(place: int, row: Any, key: int | None, known: set[int]) -> Verdict | None:
    """What is wrong with a row, if anything."""

    def refused(code: str, name: str, detail: str, mend: str) -> Verdict:
        return Verdict(place, "refused", code, f"/{place}/{name}".rstrip("/"), detail, mend)

    if not isinstance(row, Mapping):
        return refused("not_an_object", "", "the row is not an object", "send {…} with trace")
    if key is None:
        return refused("bad_trace", "trace", "trace is not an id", "send the id as tr_42")
    if not isinstance(row.get("success"), bool):
        mend = "say whether it was right"
        return refused("bad_success", "success", "success is not true or false", mend)
    rating = row.get("rating")
    if rating is not None and (isinstance(rating, bool) or rating not in (1, 2, 3, 4, 5)):
        return refused("bad_rating", "rating", "rating is not 1 to 5", "send 1, 2, 3, 4 or 5")
    if key not in known:
        mend = "send the id that came with the answer"
        return refused("unknown_trace", "trace", f"there is no trace “{row['trace']}”", mend)
    return None


def _outcome(key: int, row: Mapping[str, Any], by: Account) -> Outcome:
    return Outcome(
        trace_id=key,
        judge=by,
        success=row["success"],
        rating=row.get("rating"),
        client_id=str(row.get("client_id") or "")[:80],
    )


def _key(row: Any, name: str = "trace") -> int | None:
    """The key behind a public id, `tr_42`; None where there is none to read."""
    text = row.get(name) if isinstance(row, Mapping) else None
    digits = text.removeprefix("tr_") if isinstance(text, str) else ""
    return int(digits) if digits.isdecimal() and len(digits) < 19 else None


def log(
    line: ModelLine,
    *,
    version: str,
    digest: str,
    arm: Arm,
    experiment: str,
    channel: str,
    user: str,
    skill: str,
    asked_by: Account | None,
    messages: list[dict[str, Any]],
    answer: Mapping[str, Any] | None,
    error: str,
    seconds: float,
) -> Trace:
    """Write down one answered (or failed) request; `answer` is the runtime's completion.

    A skill that the caller names and the line does not have is left out.
    """
    return Trace.objects.create(
        line=line,
        skill=line.skills.filter(name=skill).first() if skill else None,
        channel=channel,
        version=version,
        version_digest=digest,
        arm=arm,
        experiment=experiment,
        user=user,
        asked_by=asked_by,
        messages=messages,
        latency_ms=1000 * seconds,
        error=error[:300],
        **_said(answer),
    )


def log_mirror(
    trace: Trace,
    *,
    version: str,
    digest: str,
    experiment: str,
    answer: Mapping[str, Any] | None,
    error: str,
    seconds: float,
) -> Trace:
    """Write down what the candidate would have answered to the request of `trace`."""
    return Trace.objects.create(
        line_id=trace.line_id,
        skill_id=trace.skill_id,
        channel=trace.channel,
        version=version,
        version_digest=digest,
        arm=Arm.SHADOW,
        experiment=experiment,
        mirror_of=trace,
        user=trace.user,
        asked_by_id=trace.asked_by_id,
        messages=trace.messages,
        latency_ms=1000 * seconds,
        error=error[:300],
        **_said(answer),
    )


def _said(answer: Mapping[str, Any] | None) -> dict[str, Any]:
    """The fields of a trace that a chat completion fills."""
    if answer is None:
        return {}
    choice, usage = answer["choices"][0], answer.get("usage") or {}
    return {
        "answer": choice["message"]["content"] or "",
        "finish_reason": choice.get("finish_reason") or "",
        "prompt_tokens": usage.get("prompt_tokens") or 0,
        "completion_tokens": usage.get("completion_tokens") or 0,
    }
