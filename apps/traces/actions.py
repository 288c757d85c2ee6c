"""Logging answers, judging pairs of them, and giving terms for feedback.

Feedback itself comes in bulk and has a room of its own, `feedback.delivering`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.accounts.models import Account
from apps.history.actions import record
from apps.skills.models import ModelLine
from apps.traces import rules
from apps.traces.models import Arm, Outcome, StandingTerms, Trace


@dataclass(frozen=True)
class Verdict:
    """What became of one sent outcome: stored, duplicate or refused, with code and mend."""

    row: int
    status: str
    code: str = ""
    pointer: str = ""
    detail: str = ""
    mend: str = ""


def judge(trace: Trace, *, by: Account, success: bool, rating: int | None = None) -> bool:
    """Store what a judge says of one answer; False when they had said so before."""
    said = {"success": success, "rating": rating}
    return Outcome.objects.get_or_create(trace=trace, judge=by, defaults=said)[1]


def judge_pairs(rows: Sequence[Any], *, by: Account) -> list[Verdict]:
    """Store what a judge says of both answers of shadow pairs, each shown blind as a and b.

    A pair that they may not see is not there for them.
    A row is `{"pair": "tr_13", "a_success": true, "b_success": false}`.
    """
    keys = [key for row in rows if (key := _key(row, "pair"))]
    found = Trace.objects.filter(rules.may_judge(by), pk__in=keys, arm=Arm.SHADOW)
    shadows = {trace.pk: trace for trace in found.select_related("mirror_of")}
    return [_judge_pair(place, row, shadows, by) for place, row in enumerate(rows)]


def shadow_is_a(shadow: Trace) -> bool:
    """Whether the candidate's answer is shown as a; a coin that falls the same way each time."""
    return hashlib.sha256(f"side of {shadow.pk}".encode()).digest()[0] % 2 == 0


def _judge_pair(place: int, row: Any, shadows: dict[int, Trace], by: Account) -> Verdict:
    shadow = shadows.get(_key(row, "pair") or 0)
    if shadow is None or shadow.mirror_of is None:
        detail, mend = "there is no such pair", "ask for pairs again"
        return Verdict(place, "refused", "unknown_pair", f"/{place}/pair", detail, mend)
    if shadow.mirror_of.asked_by_id == by.pk:
        detail, mend = "you asked for these answers", "leave them to somebody else"
        return Verdict(place, "refused", "own_answers", f"/{place}/pair", detail, mend)
    a, b = row.get("a_success"), row.get("b_success")
    if not isinstance(a, bool) or not isinstance(b, bool):
        detail, mend = "a_success and b_success are not both true or false", "judge both answers"
        return Verdict(place, "refused", "bad_judgement", f"/{place}", detail, mend)
    marks = {shadow.pk: a, shadow.mirror_of.pk: b}
    if not shadow_is_a(shadow):
        marks = {shadow.pk: b, shadow.mirror_of.pk: a}
    with transaction.atomic():
        stored = [
            Outcome.objects.get_or_create(trace_id=key, judge=by, defaults={"success": mark})[1]
            for key, mark in marks.items()
        ]
    return Verdict(place, "stored" if stored[0] else "duplicate")


def _key(row: Any, name: str) -> int | None:
    """The key behind a public id, `tr_42`; None where there is none to read."""
    text = row.get(name) if isinstance(row, Mapping) else None
    digits = text.removeprefix("tr_") if isinstance(text, str) else ""
    return int(digits) if digits.isdecimal() and len(digits) < 19 else None


def give_terms(account: Account, licence: str, consent: str) -> StandingTerms:
    """Let everything that the account sends from now on be used under these terms."""
    with transaction.atomic():
        terms, _ = StandingTerms.objects.update_or_create(
            account=account, defaults={"licence": licence, "consent": consent}
        )
        details = {"licence": licence, "consent": consent}
        record(terms, "given", by=account, details=details)
    return terms


def take_terms_back(account: Account) -> None:
    """End the standing terms; what was sent under them keeps them."""
    with transaction.atomic():
        if terms := StandingTerms.objects.filter(account=account).first():
            record(terms, "taken back", by=account)
            terms.delete()


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
