"""What cannot be mapped, and the few readings that every shape shares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from openflywheel.errors import OpenFlywheelError

ROLES = ("system", "user", "assistant")
GOOD = frozenset(
    (*("good", "yes", "true", "correct", "right", "pass", "passed"), "positive", "thumbs_up", "up")
)
BAD = frozenset(
    (
        *("bad", "no", "false", "incorrect", "wrong", "fail", "failed"),
        "negative",
        "thumbs_down",
        "down",
    )
)


class Unmapped(OpenFlywheelError, ValueError):
    """A row has no form here: its number (from 1), the field, what is wrong, and the mend."""

    def __init__(self, row: int, name: str, detail: str, mend: str) -> None:
        super().__init__(f"row {row}: {detail}; {mend}")
        self.row, self.name, self.detail, self.mend = row, name, detail, mend


def turns_of(messages: Any, row: int, name: str = "messages") -> list[dict[str, str]]:
    """A conversation as role and text; `developer` is today's word for `system`."""
    if not isinstance(messages, Sequence) or isinstance(messages, str) or not messages:
        raise Unmapped(row, name, f"{name} is not a list of messages", "give role and content each")
    turns = []
    for message in messages:
        if not isinstance(message, Mapping):
            raise Unmapped(row, name, f"{name} holds something else than messages", "mend it")
        role = "system" if message.get("role") == "developer" else message.get("role")
        if role not in ROLES:
            detail = f"the role “{str(role)[:40]}” has no place here"
            raise Unmapped(row, name, detail, f"keep turns of {', '.join(ROLES)} only")
        turns.append({"role": str(role), "content": text_of(message.get("content"), row, name)})
    return turns


def text_of(content: Any, row: int, name: str) -> str:
    """The text of a message, whose content may be a list of text parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else [content]
    texts = [
        part.get("text")
        for part in parts
        if isinstance(part, Mapping) and part.get("type") in ("text", "input_text", "output_text")
    ]
    if len(texts) < len(parts) or not all(isinstance(text, str) for text in texts):
        raise Unmapped(row, name, f"{name} holds more than text", "leave pictures and calls out")
    return "".join(map(str, texts))


def thumb(word: str, row: int, name: str) -> bool:
    """Good or bad, by the words in which people say so."""
    plain = word.strip().casefold().replace(" ", "_")
    if plain in GOOD:
        return True
    if plain in BAD:
        return False
    detail = f"“{word[:40]}” says neither good nor bad"
    raise Unmapped(row, name, detail, "use good/bad, yes/no, pass/fail or correct/incorrect")


def objects_in(value: Any) -> list[Mapping[str, Any]]:
    """The objects of a list; of anything else, and of what else a list holds, nothing."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def first_of(names: Iterable[str], fields: Mapping[str, Any]) -> str:
    """The first of these names that the fields have; "" when they have none."""
    return next((name for name in names if fields.get(name)), "")
