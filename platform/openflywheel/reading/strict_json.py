"""JSON read so that what is stored is what was sent: no NaN, no doubled keys, no deep nesting.

RFC 8259 leaves these to the reader; a reader that guesses can be made to store another text than
the one a reviewer saw.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

DEEPEST = 64
# Python refuses longer ones itself, and no number of ours has more than a few digits.
MOST_DIGITS = 300


class BadJSON(ValueError):
    """The text is not acceptable JSON: where (JSON Pointer), what is wrong, and the mend."""

    def __init__(self, detail: str, mend: str, pointer: str = "") -> None:
        super().__init__(f"{detail}; {mend}")
        self.detail, self.mend, self.pointer = detail, mend, pointer

    def under(self, key: str | int) -> BadJSON:
        """The same fault, seen from one level further out."""
        step = str(key).replace("~", "~0").replace("/", "~1")
        return BadJSON(self.detail, self.mend, f"/{step}{self.pointer}")


@dataclass(frozen=True)
class _Fault:
    """Stands in the read value where something unacceptable stood, until its place is known."""

    detail: str
    mend: str


def loads(text: str | bytes, *, spare: str | None = None) -> Any:
    """The value in `text`; `BadJSON` says where and what is wrong, and how to mend it.

    `spare` names a list in the outermost object: an element of it that breaks a rule becomes a
    `BadJSON` in its place and the other elements are kept; so do those of an outermost list.
    Text that is no JSON at all cannot be spared.
    """
    value = _read(text)
    if spare and isinstance(value, list):
        return [_checked_or_fault(inner) for inner in value]
    if spare and isinstance(value, dict) and isinstance(value.get(spare), list):
        kept = [_checked_or_fault(inner) for inner in value[spare]]
        _check({key: inner for key, inner in value.items() if key != spare}, depth=0)
        return value | {spare: kept}
    _check(value, depth=0)
    return value


def check_text(text: str) -> None:
    """`BadJSON` for NUL characters and lone surrogates, which no database text can hold."""
    if "\x00" in text:
        raise BadJSON("a NUL character (\\u0000) stands in the text", "remove it")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            mend = "write the whole character"
            raise BadJSON("half of a surrogate pair stands in the text", mend) from error


def _read(text: str | bytes) -> Any:
    try:
        decoded = text.decode() if isinstance(text, bytes) else text
        return json.loads(
            decoded.removeprefix("\ufeff"),
            object_pairs_hook=_no_doubles,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_short,
        )
    except UnicodeDecodeError as error:
        raise BadJSON(f"byte {error.start} is not UTF-8", "save the text as UTF-8") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        mend = "write it with a JSON library; a comma or a quotation mark is often missing"
        raise BadJSON(f"not JSON at {place}: {error.msg}", mend) from error
    except RecursionError as error:
        raise _too_deep() from error


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any] | _Fault:
    seen = dict(pairs)
    if len(seen) == len(pairs):
        return seen
    counts = Counter(key for key, _ in pairs)
    doubled = next(key for key, times in counts.items() if times > 1)
    return _Fault(f"the key “{_shown(doubled)}” stands there twice", "keep one of them")


def _no_constant(name: str) -> _Fault:
    return _Fault(f"{name} is not JSON", "write null or a number")


def _finite(digits: str) -> float | _Fault:
    number = float(digits)
    if math.isfinite(number):
        return number
    return _Fault(f"{digits[:40]} is larger than any number here", "write null or a smaller number")


def _short(digits: str) -> int | _Fault:
    if len(digits) <= MOST_DIGITS:
        return int(digits)
    return _Fault(f"a number has {len(digits):,} digits", f"write at most {MOST_DIGITS}")


def _checked_or_fault(value: Any) -> Any:
    try:
        _check(value, depth=0)
    except BadJSON as bad:
        return bad
    return value


def _check(value: Any, depth: int) -> None:
    """Refuse faults, depth beyond `DEEPEST`, and text that PostgreSQL or UTF-8 cannot hold."""
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, _Fault):
        raise BadJSON(value.detail, value.mend)
    elif isinstance(value, dict | list):
        if depth >= DEEPEST:
            raise _too_deep()
        _check_inside(value.items() if isinstance(value, dict) else enumerate(value), depth)


def _check_inside(pairs: Any, depth: int) -> None:
    for key, inner in pairs:
        try:
            if isinstance(key, str):
                check_text(key)
            _check(inner, depth + 1)
        except BadJSON as bad:
            raise bad.under(_shown(str(key))) from None


def _too_deep() -> BadJSON:
    return BadJSON(f"nested deeper than {DEEPEST} levels", "flatten it")


def _shown(key: str) -> str:
    """A key as it can stand in an answer, whatever was sent."""
    return key.encode("utf-8", "replace").decode()[:80].replace("\x00", "\ufffd")
