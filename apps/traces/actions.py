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
    verdicts = [_fault(place, row) for place, row in enumerate(rows)]
    keys = {_key(row): place for place, row in enumerate(rows) if verdicts[place] is None}
    known = set(Trace.objects.filter(pk__in=keys, arm__in=SEEN).values_list("pk", flat=True))
    with transaction.atomic():
        judged = set(
            Outcome.objects.filter(judge=by, trace__in=known).values_list("trace", flat=True)
        )
        fresh: dict[int, Outcome] = {}
        for place, row in enumerate(rows):
            if verdicts[place] is None:
                verdicts[place] = _verdict(place, row, known, judged | fresh.keys())
                if verdicts[place].status == "stored":
                    fresh[_key(row)] = _outcome(row, by)
        Outcome.objects.bulk_create(fresh.values(), ignore_conflicts=True)
    return [verdict for verdict in verdicts if verdict is not None]


# Shadow answers are judged in pairs and blind, never by themselves.
SEEN = (Arm.LIVE, Arm.CANDIDATE)


def judge_pairs(rows: Sequence[Any], *, by: Account) -> list[Verdict]:
    """Store what a judge says of both answers of shadow pairs, each shown blind as a and b.

    A row is `{"pair": "tr_13", "a_success": true, "b_success": false}`.
    """
    keys = [_key(row, "pair") for row in rows if isinstance(row, Mapping)]
    shadows = {
        trace.pk: trace
        for trace in Trace.objects.filter(pk__in=[key for key in keys if key], arm=Arm.SHADOW)
    }
    return [_judge_pair(place, row, shadows, by) for place, row in enumerate(rows)]


def shadow_is_a(shadow: Trace) -> bool:
    """Whether the candidate's answer is shown as a; a coin that falls the same way each time."""
    return hashlib.sha256(f"side of {shadow.pk}".encode()).digest()[0] % 2 == 0


def _judge_pair(place: int, row: Any, shadows: dict[int, Trace], by: Account) -> Verdict:
    if not isinstance(row, Mapping) or (shadow := shadows.get(_key(row, "pair") or 0)) is None:
        return Verdict(
            place,
            "refused",
            "unknown_pair",
            f"/{place}/pair",
            "no such pair",
            "ask for pairs again",
        )
    marks = row.get("a_success"), row.get("b_success")
    if not all(isinstance(mark, bool) for mark in marks):
        detail, mend = "a_success and b_success are not both true or false", "judge both answers"
        return Verdict(place, "refused", "bad_judgement", f"/{place}", detail, mend)
    shadow_ok, live_ok = marks if shadow_is_a(shadow) else reversed(marks)
    with transaction.atomic():
        _, stored = Outcome.objects.get_or_create(
            trace=shadow, judge=by, defaults={"success": shadow_ok}
        )
        Outcome.objects.get_or_create(
            trace_id=shadow.mirror_of_id, judge=by, defaults={"success": live_ok}
        )
    return Verdict(place, "stored" if stored else "duplicate")


def _fault(place: int, row: Any) -> Verdict | None:
    """What is wrong with the form of a row, if anything."""

    def refused(code: str, name: str, detail: str, mend: str) -> Verdict:
        return Verdict(place, "refused", code, f"/{place}/{name}".rstrip("/"), detail, mend)

    if not isinstance(row, Mapping):
        return refused("not_an_object", "", "the row is not an object", "send {…} with trace")
    if _key(row) is None:
        return refused("bad_trace", "trace", "trace is not an id", "send the id as tr_42")
    if not isinstance(row.get("success"), bool):
        return refused(
            "bad_success", "success", "success is not true or false", "say whether it was right"
        )
    rating = row.get("rating")
    if rating is not None and (isinstance(rating, bool) or rating not in (1, 2, 3, 4, 5)):
        return refused("bad_rating", "rating", "rating is not 1 to 5", "send 1, 2, 3, 4 or 5")
    return None


def _verdict(place: int, row: Mapping[str, Any], known: set[int], judged: set[int]) -> Verdict:
    key = _key(row)
    if key not in known:
        detail = f"no trace “{row['trace']}”"
        mend = "send the id that came with the answer"
        return Verdict(place, "refused", "unknown_trace", f"/{place}/trace", detail, mend)
    return Verdict(place, "duplicate" if key in judged else "stored")


def _outcome(row: Mapping[str, Any], by: Account) -> Outcome:
    return Outcome(
        trace_id=_key(row),
        judge=by,
        success=row["success"],
        rating=row.get("rating"),
        client_id=str(row.get("client_id") or "")[:80],
    )


def _key(row: Mapping[str, Any], name: str = "trace") -> int | None:
    text = row.get(name)
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
    asked_by: Account,
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
