"""JSON read so that what is stored is what was sent: no NaN, no doubled keys, no deep nesting.

RFC 8259 leaves these to the reader; a reader that guesses can be made to store another text than
the one a reviewer saw.
"""

from __future__ import annotations

import json
from typing import Any, NoReturn

DEEPEST = 64


class BadJSON(ValueError):
    """The text is not acceptable JSON; the message is a sentence with its mend."""


def loads(text: str | bytes) -> Any:
    """The value in `text`; `BadJSON` says what is wrong and how to mend it."""
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        value = json.loads(decoded, object_pairs_hook=_no_doubles, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise BadJSON(f"byte {error.start} is not UTF-8; save the text as UTF-8") from error
    except json.JSONDecodeError as error:
        raise BadJSON(
            f"not JSON at line {error.lineno}, column {error.colno}: {error.msg}"
        ) from error
    except RecursionError as error:
        raise BadJSON(f"nested deeper than {DEEPEST} levels; flatten it") from error
    _check(value, depth=0)
    return value


def _no_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise BadJSON(f"the key “{key}” stands there twice; keep one of them")
        seen[key] = value
    return seen


def _no_constant(name: str) -> NoReturn:
    raise BadJSON(f"{name} is not JSON; write null or a number")


def _check(value: Any, depth: int) -> None:
    """Refuse depth beyond `DEEPEST`, and text that PostgreSQL or UTF-8 cannot hold."""
    if depth > DEEPEST:
        raise BadJSON(f"nested deeper than {DEEPEST} levels; flatten it")
    if isinstance(value, str):
        check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            check_text(key)
            _check(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            _check(inner, depth + 1)


def check_text(text: str) -> None:
    """`BadJSON` for NUL characters and lone surrogates, which no database text can hold."""
    if "\x00" in text:
        raise BadJSON("a NUL character (\\u0000) stands in the text; remove it")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise BadJSON("half of a surrogate pair stands in the text; write the whole character")
