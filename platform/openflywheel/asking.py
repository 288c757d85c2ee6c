"""Asking the site, without doing it: what to send, what to make of the answer, when to ask again.

A flow is a generator that yields what it wants done (`Ask`, `Wait`) and is sent what came of it.
`Client` and `AsyncClient` do it, each in its own way; everything else about the site stands here
and in `calls`, once.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, BinaryIO, Generic, TypeAlias, TypeVar

import httpx
import msgspec

from openflywheel.errors import Fault, NotTheSite, Problem, Unreachable, refusal
from openflywheel.packing import Body

T = TypeVar("T")

TRIES = 6
LONGEST_WAIT = 120.0
AWAY = frozenset({429, 502, 503, 504})
CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


@dataclass(frozen=True)
class Ask(Generic[T]):
    """One question to the site and the type of its answer; asked again, it has the same key."""

    method: str
    path: str
    answer: type[T]
    params: Mapping[str, str | int] = field(default_factory=dict)
    json: Any = None
    body: Body | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    # Another token than the client's; "" asks as nobody.
    token: str | None = None
    # Where the bytes of the answer go, when they are no JSON.
    sink: BinaryIO | None = None

    def keyed(self) -> Ask[T]:
        """The same question under an Idempotency-Key, where it changes anything."""
        if self.method not in CHANGING or "Idempotency-Key" in self.headers:
            return self
        return replace(self, headers={**self.headers, "Idempotency-Key": str(uuid.uuid4())})


@dataclass(frozen=True)
class Wait:
    """So many seconds, please."""

    seconds: float


@dataclass(frozen=True)
class Answered:
    """What came back: the status, the headers, and the body unless it went into the sink."""

    status: int
    headers: Mapping[str, str]
    content: bytes


Outcome: TypeAlias = Answered | httpx.TransportError | None
Flow: TypeAlias = Generator[Ask[Any] | Wait, Outcome, T]


def ask(question: Ask[T]) -> Flow[T]:
    """Ask until there is an answer, and read it.

    Asks again after a while, up to `TRIES` times, where the site is away, busy or still at it.
    Raises `Refused` (a subclass tells which), `Unreachable` or `NotTheSite`.
    """
    question = question.keyed()
    outcome: Outcome = None
    for attempt in range(1, TRIES + 1):
        outcome = yield question
        assert outcome is not None, "whoever runs a flow sends what came of each question"
        pause = _pause(outcome, attempt)
        if pause is None or attempt == TRIES:
            break
        yield Wait(pause)
        if question.sink is not None:
            question.sink.seek(0)
            question.sink.truncate()
    if isinstance(outcome, httpx.TransportError):
        raise Unreachable(f"the site does not answer ({outcome}); is it running?") from outcome
    assert outcome is not None
    return _read(question, outcome)


def after(question: Ask[T], link: str) -> Ask[T]:
    """The question for the page behind a link of the site, whichever name the site has for itself.

    Only what follows `/api/v1/` counts, so that no link takes the token elsewhere.
    """
    return replace(question, path=link.partition("/api/v1/")[2], params={})


def _pause(outcome: Answered | httpx.TransportError, attempt: int) -> float | None:
    """Seconds until it is worth asking again; None where it is not."""
    # Chance keeps many clients from coming back all at once.
    backing_off: float = random.uniform(0.5, 1) * 2**attempt / 4  # noqa: S311
    if isinstance(outcome, httpx.TransportError):
        return backing_off
    told = _retry_after(outcome.headers.get("retry-after", ""))
    if outcome.status in AWAY:
        if told is None:
            return backing_off
        return told + random.uniform(0, 0.25) if told <= LONGEST_WAIT else None  # noqa: S311
    # The first try of this very request is still under way.
    return told if outcome.status == 409 and told is not None and told <= LONGEST_WAIT else None


def _retry_after(text: str) -> float | None:
    """Seconds out of the header, which names seconds or a date."""
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None


def _read(question: Ask[T], answered: Answered) -> T:
    if answered.status >= 400:
        raise refusal(*_problem(question, answered))
    if question.sink is not None:
        return msgspec.convert(dict(answered.headers), question.answer)
    try:
        return msgspec.json.decode(answered.content or b"null", type=question.answer)
    except msgspec.MsgspecError as error:
        raise NotTheSite(
            f"{question.path} answered {answered.status} and something else than expected "
            f"({error}); is this the site's address?"
        ) from error


def _problem(question: Ask[Any], answered: Answered) -> tuple[Problem, dict[str, Any]]:
    try:
        body = msgspec.json.decode(answered.content, type=dict[str, Any])
    except msgspec.MsgspecError:
        raise NotTheSite(
            f"{question.path} answered {answered.status} without JSON; is this the site's address?"
        ) from None
    told = ("code", "title", "detail", "type", "instance")
    said = {name: str(body[name]) for name in told if name in body}
    faults = [
        Fault(**{name: str(fault.get(name, "")) for name in Fault.__struct_fields__})
        for fault in body.get("errors", [])
        if isinstance(fault, dict)
    ]
    request_id = str(body.get("request_id") or answered.headers.get("x-request-id", ""))
    return Problem(answered.status, **said, request_id=request_id, errors=faults), body
