"""What a row of feedback may say, and how many of them are read.

A row speaks either of an answer of ours, or brings the answer along:

    {"trace": "tr_12", "success": true, "rating": 4, "correction": "…"}
    {"prompt": "…", "answer": "…", "success" | "rating" | "correction": …}

and may name `skill`, `source`, `client_id` and `at`; `messages` may stand in place of `prompt`.

Two readers agree on what is good. The quick one is msgspec's, for a whole body at once. It keeps
the last of two equal keys and knows nothing of NUL, so a body in which either could hide, and any
it refuses, is read again row by row; a row that stays suspect goes to `strict_json` and the rules
below, which alone say what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from openflywheel.reading import strict_json
from openflywheel.reading.strict_json import BadJSON

LONGEST_TEXT = 20_000
LONGEST_NAME = 80
MOST_TURNS = 50
LONGEST_ROW = 4 * 1024**2
TRACE_ID = r"^(tr_)?[0-9]{1,18}$"

Text = Annotated[str, Meta(min_length=1, max_length=LONGEST_TEXT)]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Rating = Annotated[int, Meta(ge=1, le=5)]


class Turn(Struct, forbid_unknown_fields=True, gc=False):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: Text


class Sent(Struct, forbid_unknown_fields=True, gc=False):
    """One row as it was sent; what was not said is UNSET."""

    trace: Annotated[str, Meta(pattern=TRACE_ID)] | UnsetType = UNSET
    prompt: Text | UnsetType = UNSET
    messages: Annotated[list[Turn], Meta(min_length=1, max_length=MOST_TURNS)] | UnsetType = UNSET
    answer: Text | UnsetType = UNSET
    correction: Text | UnsetType | None = UNSET
    success: bool | UnsetType | None = UNSET
    rating: Rating | UnsetType | None = UNSET
    skill: Name | UnsetType | None = UNSET
    source: Name | UnsetType | None = UNSET
    client_id: Name | UnsetType | None = UNSET
    at: Annotated[datetime, Meta(tz=True)] | UnsetType | None = UNSET


@dataclass(frozen=True)
class Bad:
    """Why a row is not taken: a code, the field, what is wrong, and the mend."""

    code: str
    name: str
    detail: str
    mend: str


FIELDS = Sent.__struct_fields__
ROWS = msgspec.json.Decoder(list[Sent])
ROW = msgspec.json.Decoder(Sent)
RAW_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
ANYTHING = msgspec.json.Decoder()

# A key that the count of `":` would miss, and one that is another key in disguise.
SPACED_KEY = re.compile(rb'"[ \t\r\n]+:')
ESCAPED_KEY = re.compile(rb'\\.[^"\\]*":')


def read_list(body: bytes) -> list[Sent | Bad]:
    """The rows of a JSON list; `BadJSON` where it is none."""
    try:
        rows = ROWS.decode(body)
        if _as_written(body, rows):
            return rows  # type: ignore[return-value]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        raws = RAW_ROWS.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        value = strict_json.loads(body, spare="items")
        if not isinstance(value, list):
            raise BadJSON("the body is not a list", "send [{…}, …]") from None
        return [_checked(row) for row in value]
    return [read_row(bytes(raw)) for raw in raws]


def read_lines(body: bytes) -> list[Sent | Bad]:
    """The rows of NDJSON; empty lines count for nothing."""
    try:
        rows = ROW.decode_lines(body)
        if _as_written(body, rows):
            return rows  # type: ignore[return-value]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    return [read_row(line) for line in body.split(b"\n") if line and not line.isspace()]


def read_row(raw: bytes) -> Sent | Bad:
    """One row, or what is wrong with it."""
    try:
        row = ROW.decode(raw)
        if _as_written(raw, [row]):
            return row
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        pass
    try:
        return _checked(strict_json.loads(raw))
    except BadJSON as bad:
        return _unreadable(bad)


def _as_written(body: bytes, rows: Sequence[Sent]) -> bool:
    """Whether the rows surely hold every key of the body, each once, and no NUL.

    Every key ends in `":`. A text can hold those two bytes as well (a quotation mark in it is
    escaped, and a colon may follow), so there may be more of them than keys, never fewer: where
    they are as many as the fields that were read, no key was written twice.
    """
    if b"\\u0000" in body or SPACED_KEY.search(body):
        return False
    if b"\\" in body and ESCAPED_KEY.search(body):
        return False
    unsaid = sum([msgspec.structs.astuple(row).count(UNSET) for row in rows])
    said = len(FIELDS) * len(rows) - unsaid
    turns = sum([len(row.messages) for row in rows if row.messages is not UNSET])
    return body.count(b'":') == said + 2 * turns


def _unreadable(bad: BadJSON) -> Bad:
    return Bad("bad_json", bad.pointer.removeprefix("/"), bad.detail, bad.mend)


class _Refused(Exception):
    """Carries a `Bad` out of the rules below."""

    def __init__(self, code: str, name: str, detail: str, mend: str) -> None:
        self.bad = Bad(code, name, detail, mend)


def _checked(raw: Any) -> Sent | Bad:
    """A row that strict JSON has read, by the rules; they are those of `Sent`, with words."""
    if isinstance(raw, BadJSON):
        return _unreadable(raw)
    if not isinstance(raw, Mapping):
        return Bad("not_an_object", "", "the row is not an object", "send {…} with named fields")
    try:
        return Sent(**{name: _RULES[_known(name)](raw[name], name) for name in raw})
    except _Refused as refused:
        return refused.bad


def _known(name: str) -> str:
    if name not in _RULES:
        detail = f"there is no field “{name[:40]}” here"
        mend = f"leave it out, or mend its name; there are {', '.join(FIELDS)}"
        raise _Refused("unknown_field", name[:40], detail, mend)
    return name


def _trace(value: Any, name: str) -> Any:
    if not isinstance(value, str) or not re.fullmatch(TRACE_ID.strip("^$"), value):
        raise _Refused("bad_trace", name, "trace is not an id", "send the id as tr_42")
    return value


def _text(value: Any, name: str) -> Any:
    if not isinstance(value, str):
        detail = f"{name} is {_kind(value)}, not text"
        raise _Refused("not_text", name, detail, "send it as a string")
    if not value:
        raise _Refused("missing", name, f"{name} is empty", f"write the {name}, or leave it out")
    if len(value) > LONGEST_TEXT:
        detail = f"{name} has {len(value):,} characters; at most {LONGEST_TEXT:,} are taken"
        raise _Refused("too_long", name, detail, "shorten it")
    return value


def _perhaps_text(value: Any, name: str) -> Any:
    return None if value is None or value == "" else _text(value, name)


def _messages(value: Any, name: str) -> Any:
    mend = f"send a list of up to {MOST_TURNS} objects with role and content"
    if not isinstance(value, list) or not 0 < len(value) <= MOST_TURNS:
        raise _Refused("bad_messages", name, "not a list of messages", mend)
    return [_turn(turn, f"{name}/{at}", mend) for at, turn in enumerate(value)]


def _turn(turn: Any, name: str, mend: str) -> Turn:
    if not isinstance(turn, Mapping) or set(turn) != {"role", "content"}:
        raise _Refused("bad_messages", name, "a message is not role and content", mend)
    if turn["role"] not in ("system", "user", "assistant"):
        mend = "send system, user or assistant"
        raise _Refused("bad_messages", f"{name}/role", "the role is not known", mend)
    return Turn(turn["role"], _text(turn["content"], f"{name}/content"))


def _success(value: Any, name: str) -> Any:
    if value is not None and not isinstance(value, bool):
        mend = "say whether it was right"
        raise _Refused("bad_success", name, "success is not true or false", mend)
    return value


def _rating(value: Any, name: str) -> Any:
    if value is None:
        return None
    if not isinstance(value, bool) and value in (1, 2, 3, 4, 5):
        return int(value)
    raise _Refused("bad_rating", name, "rating is not 1 to 5", "send 1, 2, 3, 4 or 5")


def _name(value: Any, name: str) -> Any:
    if value is None or value == "":
        return None
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise _Refused("bad_name", name, f"{name} is {_kind(value)}, not text", "send a short text")
    if len(str(value)) > LONGEST_NAME:
        detail = f"{name} has {len(str(value))} characters; at most {LONGEST_NAME} are taken"
        raise _Refused("bad_name", name, detail, "shorten it")
    return str(value)


def _at(value: Any, name: str) -> Any:
    mend = "send RFC 3339 with its zone, 2026-11-21T14:03:00Z"
    if value is None:
        return None
    try:
        return msgspec.convert(value, Annotated[datetime, Meta(tz=True)])
    except msgspec.MsgspecError:
        raise _Refused("bad_time", name, f"{name} is not a time with a zone", mend) from None


def _kind(value: Any) -> str:
    kinds: Iterable[tuple[type, str]] = (
        (type(None), "null"),
        (bool, "true or false"),
        (int, "a number"),
        (float, "a number"),
        (str, "text"),
        (list, "a list"),
    )
    return next((said for kind, said in kinds if isinstance(value, kind)), "an object")


_RULES: Mapping[str, Any] = {
    "trace": _trace,
    "prompt": _text,
    "messages": _messages,
    "answer": _text,
    "correction": _perhaps_text,
    "success": _success,
    "rating": _rating,
    "skill": _name,
    "source": _name,
    "client_id": _name,
    "at": _at,
}
