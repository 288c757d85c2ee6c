"""Which rows of a delivery are taken, which repeat what stands, and which are refused."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from msgspec import UNSET

from apps.accounts.models import Account
from apps.skills.models import ModelLine
from apps.traces import rules
from apps.traces.feedback.partitions import number_of
from apps.traces.feedback.rows import Bad, Sent
from apps.traces.models import Arm, Outcome, Trace

# Shadow answers are judged in pairs and blind, never by themselves.
SEEN = (Arm.LIVE, Arm.CANDIDATE)
BOTH = Bad(
    "two_answers", "prompt", "a trace and an answer of its own", "send the trace, or the answer"
)
NEITHER = Bad("missing", "trace", "neither a trace nor a prompt is named", "send one of them")
BLANK = "it holds only white space"


@dataclass(frozen=True)
class Known:
    """What the rows of a delivery are held against."""

    account: Account
    line: ModelLine
    delivery: int
    at: datetime
    source: str
    skill: int | None
    skills: Mapping[str, int]
    terms: bool


@dataclass
class Judged:
    """Rows to store, as tuples in the order of `storing.COLUMNS`, and the others by place."""

    rows: list[tuple[Any, ...]] = field(default_factory=list)
    refused: dict[int, Bad] = field(default_factory=dict)
    # Place to what stands already, `fb_12`.
    repeats: dict[int, str] = field(default_factory=dict)
    traces: bool = False


def judge(rows: Sequence[Sent | Bad], known: Known, *, first: int) -> Judged:
    """Look at rows whose first one stands at the place `first` of the delivery."""
    desk = _Desk(known, _traces(rows, known))
    for place, row in enumerate(rows, first):
        if isinstance(row, Sent):
            desk.look_at(place, row)
        else:
            desk.judged.refused[place] = row
    return desk.judged


@dataclass(frozen=True)
class _Traced:
    """What must be known of a trace: its skill, whether it is the sender's, who said what."""

    skill: int | None
    own: bool
    told: str


class _Refused(Exception):
    def __init__(self, bad: Bad) -> None:
        self.bad = bad


class _Desk:
    """Takes row after row; names and traces that were met once are not taken again."""

    def __init__(self, known: Known, traces: Mapping[int, _Traced]) -> None:
        self.known, self.traces = known, traces
        # Looked up once and not for each of thousands of rows.
        self.sender, self.first = known.account.pk, number_of(known.delivery, 0)
        self.judged = Judged(traces=bool(traces))
        self.names: dict[str, int] = {}
        self.told: dict[int, str] = {key: trace.told for key, trace in traces.items()}

    def look_at(self, place: int, row: Sent) -> None:
        number = self.first | place
        try:
            taken = self._elsewhere(number, row) if row.trace is UNSET else self._ours(number, row)
        except _Refused as refused:
            self.judged.refused[place] = refused.bad
            return
        name = taken[6]
        if name is not None and name in self.names:
            self.judged.repeats[place] = f"fb_{self.names[name]}"
            return
        if (key := taken[4]) is not None and not taken[10]:
            if self.told[key]:
                self.judged.repeats[place] = self.told[key]
                return
            self.told[key] = f"fb_{number}"
        if name is not None:
            self.names[name] = number
        self.judged.rows.append(taken)

    def _elsewhere(self, number: int, row: Sent) -> tuple[Any, ...]:
        """An answer that somebody else gave, and what is said of it."""
        known, context, prompt, answer = self.known, None, row.prompt, row.answer
        if row.messages is not UNSET:
            context, prompt, answer = _conversation(row)
        if prompt is UNSET:
            raise _Refused(NEITHER)
        if answer is UNSET:
            raise _Refused(Bad("missing", "answer", "the answer is missing", "send the answer"))
        if prompt.isspace() or answer.isspace():
            name = "prompt" if prompt.isspace() else "answer"
            raise _Refused(Bad("blank", name, BLANK, f"write the {name}"))
        correction, success, rating = _said(row, answer)
        label = correction or success is not None or (rating is not None and rating != 3)
        return (
            number,
            known.delivery,
            self.sender,
            known.skill if not row.skill else self._skill(row.skill),
            None,
            row.source or known.source,
            row.client_id or None,
            context,
            prompt,
            answer,
            correction,
            success,
            rating,
            bool(known.terms and label),
            row.at or known.at,
        )

    def _ours(self, number: int, row: Sent) -> tuple[Any, ...]:
        """How one of our own answers turned out."""
        assert row.trace is not UNSET
        known, key = self.known, int(row.trace.removeprefix("tr_"))
        if row.prompt is not UNSET or row.messages is not UNSET or row.answer is not UNSET:
            raise _Refused(BOTH)
        correction, success, rating = _said(row, None)
        if success is None and not correction:
            mend = "say whether it was right"
            raise _Refused(Bad("bad_success", "success", "success is not true or false", mend))
        trace = self.traces.get(key)
        if trace is None:
            detail, mend = (
                f"there is no trace “{row.trace}”",
                "send the id that came with the answer",
            )
            raise _Refused(Bad("unknown_trace", "trace", detail, mend))
        skill = trace.skill if not row.skill else self._skill(row.skill)
        return (
            *(number, known.delivery, self.sender, skill, key),
            *(row.source or known.source, row.client_id or _name_of(key, correction), None, "", ""),
            *(correction, success, rating, known.terms and trace.own, row.at or known.at),
        )

    def _skill(self, name: str) -> int:
        if (found := self.known.skills.get(name)) is None:
            choice = ", ".join(sorted(self.known.skills)) or "none yet"
            detail = f"there is no skill “{name}”"
            mend = f"use one of {choice}, or leave it out"
            raise _Refused(Bad("unknown_skill", "skill", detail, mend))
        return found


def _said(row: Sent, answer: str | None) -> tuple[str, bool | None, int | None]:
    """Correction, success and rating; a row that says none of them says nothing."""
    correction = row.correction or ""
    success = None if row.success is UNSET else row.success
    rating = None if row.rating is UNSET else row.rating
    if correction:
        if correction.isspace():
            raise _Refused(Bad("blank", "correction", BLANK, "write the correction"))
        if correction == answer:
            detail, mend = "the correction equals the answer", "change it, or leave it out"
            raise _Refused(Bad("nothing_corrected", "correction", detail, mend))
    elif success is None and rating is None and answer is not None:
        detail, mend = "nothing is said of the answer", "send success, rating or correction"
        raise _Refused(Bad("nothing_said", "", detail, mend))
    return correction, success, rating


def _conversation(row: Sent) -> tuple[bytes | None, str, str | Any]:
    """Earlier turns (as JSON), the question, and the answer where it stands at the end."""
    assert row.messages is not UNSET
    if row.prompt is not UNSET:
        detail, mend = "prompt and messages are both there", "send one of them"
        raise _Refused(Bad("two_prompts", "messages", detail, mend))
    turns, answer = row.messages, row.answer
    if answer is UNSET and turns[-1].role == "assistant":
        turns, answer = turns[:-1], turns[-1].content
    if not turns or turns[-1].role != "user":
        mend = "let a user message stand right before the answer"
        raise _Refused(Bad("no_prompt", "messages", "nothing was asked before the answer", mend))
    earlier = msgspec.json.encode(turns[:-1]) if len(turns) > 1 else None
    return earlier, turns[-1].content, answer


def _name_of(trace: int, correction: str) -> str:
    """What a row about a trace is called where its sender gives no name."""
    if not correction:
        return f"tr_{trace}"
    return f"tr_{trace} {hashlib.sha256(correction.encode()).hexdigest()[:16]}"


def _traces(rows: Iterable[Sent | Bad], known: Known) -> dict[int, _Traced]:
    """The traces of the line that rows name and the sender may judge."""
    keys = {
        int(row.trace.removeprefix("tr_"))
        for row in rows
        if isinstance(row, Sent) and row.trace is not UNSET
    }
    if not keys:
        return {}
    # Sorted: a statement that finds all of them in one walk through the index.
    wanted = sorted(keys)
    found = Trace.objects.filter(
        rules.may_judge(known.account), pk__in=wanted, line=known.line, arm__in=SEEN
    )
    told = dict(
        Outcome.objects.filter(judge=known.account, trace__in=wanted).values_list(
            "trace", "feedback"
        )
    )
    return {
        key: _Traced(
            skill,
            own=asked_by == known.account.pk,
            told=_told_by(key, told[key]) if key in told else "",
        )
        for key, skill, asked_by in found.values_list("pk", "skill", "asked_by")
    }


def _told_by(trace: int, feedback: int | None) -> str:
    """What an outcome came with; one of a blind comparison has only its trace."""
    return f"fb_{feedback}" if feedback else f"tr_{trace}"
