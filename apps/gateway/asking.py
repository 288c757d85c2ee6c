"""What a chat completion request may say, read strictly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.gateway.errors import BadRequest
from apps.rollouts.asking import Asking
from openflywheel.reading.strict_json import BadJSON, loads

ROLES = ("system", "developer", "user", "assistant", "tool")
MOST_MESSAGES = 200
LONGEST = 100_000
MOST_TOKENS = 4096
# Passed on as they are, within these bounds: what upstream refuses would look like its failure,
# and count against the version. Whatever is not read here is left out.
NUMBERS = {"temperature": (0, 2), "top_p": (0, 1), "frequency_penalty": (-2, 2)}
SEEDS = (-(2**63), 2**63 - 1)
MOST_STOPS = 4


def read(text: bytes) -> Asking:
    """The request in `text`; `BadRequest` names the parameter and the mend."""
    try:
        sent = loads(text)
    except BadJSON as bad:
        raise BadRequest(str(bad), code="invalid_json") from bad
    if not isinstance(sent, Mapping):
        raise BadRequest('the body is not an object; send {"model": …, "messages": […]}')
    messages = _messages(sent.get("messages"))
    metadata = {} if sent.get("metadata") is None else sent["metadata"]
    if not isinstance(metadata, Mapping):
        raise BadRequest("metadata is not an object", param="metadata")
    body = {"messages": messages, **_lengths(sent), **_passed_on(sent)}
    return Asking(
        model=_text(sent, "model"),
        messages=messages,
        user=_text(sent, "user")[:80],
        skill=_text(metadata, "skill"),
        stream=_flag(sent, "stream") is True,
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


def _lengths(sent: Mapping[str, Any]) -> dict[str, float]:
    """How long the answer may be; the newer of the two names goes before the older."""
    newer = _number(sent, "max_completion_tokens", 1, MOST_TOKENS, whole=True)
    older = _number(sent, "max_tokens", 1, MOST_TOKENS, whole=True)
    most = older if newer is None else newer
    return {} if most is None else {"max_tokens": most}


def _passed_on(sent: Mapping[str, Any]) -> dict[str, Any]:
    """What the runtime reads besides, of the kind and within the bounds that it takes."""
    said = {
        **{name: _number(sent, name, *bounds) for name, bounds in NUMBERS.items()},
        "seed": _number(sent, "seed", *SEEDS, whole=True),
        "stop": _stop(sent.get("stop")),
        "logprobs": _flag(sent, "logprobs"),
    }
    return {name: value for name, value in said.items() if value is not None}


def _number(
    sent: Mapping[str, Any], name: str, least: int, most: int, *, whole: bool = False
) -> float | None:
    value = sent.get(name)
    if value is None:
        return None
    kind = int if whole else (int, float)
    if isinstance(value, bool) or not isinstance(value, kind) or not least <= value <= most:
        sort = "whole number" if whole else "number"
        raise BadRequest(f"{name} is not a {sort} from {least} to {most}", param=name)
    return value


def _flag(sent: Mapping[str, Any], name: str) -> bool | None:
    value = sent.get(name)
    if value is not None and not isinstance(value, bool):
        raise BadRequest(f"{name} is not true or false", param=name)
    return value


def _stop(value: Any) -> str | list[str] | None:
    stops = [value] if isinstance(value, str) else value
    if stops is None:
        return None
    good = isinstance(stops, list) and len(stops) <= MOST_STOPS
    if not good or not all(isinstance(stop, str) and stop for stop in stops):
        raise BadRequest(f"stop is not a text, or up to {MOST_STOPS} of them", param="stop")
    return stops


def _text(sent: Mapping[str, Any], name: str) -> str:
    value = sent.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"{name} is not text", param=name)
    return value
