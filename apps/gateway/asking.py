"""What a chat completion request may say, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.gateway.errors import BadRequest
from openflywheel.reading.strict_json import BadJSON, loads

ROLES = ("system", "developer", "user", "assistant", "tool")
MOST_MESSAGES = 200
LONGEST = 100_000
MOST_TOKENS = 4096
# Passed on as they are; everything else that is not read here is refused upstream or left out.
PASSED_ON = ("temperature", "top_p", "seed", "stop", "logprobs", "frequency_penalty")


@dataclass(frozen=True)
class Asking:
    """A request as the gateway needs it: `body` goes upstream, the rest stays here."""

    model: str
    messages: list[dict[str, Any]]
    user: str
    skill: str
    stream: bool
    body: dict[str, Any]


def read(text: bytes) -> Asking:
    """The request in `text`; `BadRequest` names the parameter and the mend."""
    try:
        sent = loads(text)
    except BadJSON as bad:
        raise BadRequest(str(bad), code="invalid_json") from bad
    if not isinstance(sent, Mapping):
        raise BadRequest('the body is not an object; send {"model": …, "messages": […]}')
    messages = _messages(sent.get("messages"))
    metadata = sent.get("metadata") or {}
    if not isinstance(metadata, Mapping):
        raise BadRequest("metadata is not an object", param="metadata")
    body = {name: sent[name] for name in PASSED_ON if name in sent}
    body |= {"messages": messages, **_lengths(sent)}
    return Asking(
        model=_text(sent, "model"),
        messages=messages,
        user=_text(sent, "user")[:80],
        skill=_text(metadata, "skill"),
        stream=sent.get("stream") is True,
        body=body,
    )


def _messages(messages: Any) -> list[dict[str, Any]]:
    if not isinstance(messages, list) or not 0 < len(messages) <= MOST_MESSAGES:
        mend = f"send a list of 1 to {MOST_MESSAGES} objects with role and content"
        raise BadRequest(f"messages is missing or not a list; {mend}", param="messages")
    for place, message in enumerate(messages):
        param = f"messages[{place}]"
        if not isinstance(message, Mapping) or message.get("role") not in ROLES:
            raise BadRequest(f"{param} has no role of {', '.join(ROLES)}", param=param)
        content = message.get("content")
        if not isinstance(content, str) or len(content) > LONGEST:
            raise BadRequest(f"{param} has no text content, or too much of it", param=param)
    return [{"role": m["role"], "content": m["content"]} for m in messages]


def _lengths(sent: Mapping[str, Any]) -> dict[str, int]:
    name = "max_completion_tokens" if "max_completion_tokens" in sent else "max_tokens"
    if sent.get(name) is None:
        return {}
    value = sent[name]
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value <= MOST_TOKENS:
        raise BadRequest(f"{name} is not a whole number from 1 to {MOST_TOKENS}", param=name)
    return {"max_tokens": value}


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"{name} is not text", param=name)
    return value
