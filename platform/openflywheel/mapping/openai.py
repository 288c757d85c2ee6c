"""OpenAI's JSON lines: logged requests with their responses, Batch results, fine-tuning files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openflywheel.mapping.faults import Unmapped, turns_of
from openflywheel.mapping.trl import from_trl


def from_openai(lines: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows to submit, from chat logs.

    A line is `{"request": {"messages": …}, "response": {"choices": …}}` (each perhaps inside a
    `body`, as Batch files have it), a fine-tuning example `{"messages": …}`, or a preference
    `{"input": {"messages": …}, "preferred_output": …, "non_preferred_output": …}`.
    """
    for number, line in enumerate(lines, start=1):
        yield from _numbered(_row(line, number), number)


def _row(line: Mapping[str, Any], number: int) -> dict[str, Any]:
    if "preferred_output" in line:
        asked = _body(line.get("input"), number, "input").get("messages")
        return {
            "prompt": turns_of(asked, number, "input"),
            "chosen": turns_of(line["preferred_output"], number, "preferred_output"),
            "rejected": turns_of(line.get("non_preferred_output"), number, "non_preferred_output"),
        }
    if "response" in line:
        asked = _body(line.get("request"), number, "request").get("messages")
        answered = _body(line["response"], number, "response")
        row = {
            "prompt": turns_of(asked, number, "request"),
            "completion": [_said(answered, number)],
        }
        name = line.get("custom_id") or answered.get("id")
        return row | ({"client_id": str(name)[:80]} if name else {})
    if "messages" in line:
        return {"messages": turns_of(line["messages"], number)}
    mend = "give request and response, or messages"
    raise Unmapped(number, "", "the line is neither a chat log nor a fine-tuning example", mend)


def _body(holder: Any, number: int, name: str) -> Mapping[str, Any]:
    inner = holder.get("body", holder) if isinstance(holder, Mapping) else None
    if not isinstance(inner, Mapping):
        raise Unmapped(number, name, f"{name} is missing", f"log the {name} beside its answer")
    return inner


def _said(answered: Mapping[str, Any], number: int) -> dict[str, str]:
    choices = answered.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        mend = "leave out requests that failed"
        raise Unmapped(number, "response", "the response holds no answer", mend)
    message = choices[0].get("message")
    if not isinstance(message, Mapping) or not message.get("content"):
        mend = "leave out answers that only call tools"
        raise Unmapped(number, "response", "the answer has no text", mend)
    return turns_of([message], number, "response")[0]


def _numbered(row: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    try:
        yield from from_trl([row])
    except Unmapped as bad:
        raise Unmapped(number, bad.name, bad.detail, bad.mend) from None
