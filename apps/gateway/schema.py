"""The gateway's part of the OpenAPI document: the addresses that OpenAI's clients know."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import Scope
from apps.gateway.asking import (
    LONGEST,
    MOST_MESSAGES,
    MOST_STOPS,
    MOST_TOKENS,
    NUMBERS,
    ROLES,
    SEEDS,
)

Schema = dict[str, Any]
TEXT: Schema = {"type": "string"}
COUNT: Schema = {"type": "integer", "minimum": 0}


def described(result: Schema, **_: Any) -> Schema:
    """The document with the gateway's operations and schemas added (a hook of drf-spectacular)."""
    result["paths"] |= {
        "/v1/models": {"get": _listing()},
        "/v1/chat/completions": {"post": _answering()},
    }
    schemas = result["components"]["schemas"] | SCHEMAS
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def _object(description: str, properties: Schema, *optional: str, closed: bool = True) -> Schema:
    needed = [name for name in properties if name not in optional]
    schema = {"type": "object", "description": description, "properties": properties}
    return schema | {"required": needed, "additionalProperties": not closed}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _number(name: str, description: str) -> Schema:
    least, most = NUMBERS[name]
    bounds = {"minimum": least, "maximum": most}
    return {"type": ["number", "null"], **bounds, "description": description}


STOP = TEXT | {"minLength": 1}
FLAG: Schema = {"type": ["boolean", "null"]}
MESSAGE = _object(
    "One message of the conversation",
    {"role": TEXT | {"enum": list(ROLES)}, "content": TEXT | {"maxLength": LONGEST}},
    closed=False,
)
TOKENS = {"type": ["integer", "null"], "minimum": 1, "maximum": MOST_TOKENS}
SCHEMAS: dict[str, Schema] = {
    "ChatRequest": _object(
        "A request as OpenAI's clients send it; fields that are not named here are left out.",
        {
            "model": {
                "type": ["string", "null"],
                "description": "A channel (by default stable), or exactly one version",
            },
            "messages": {
                "type": "array",
                "minItems": 1,
                "maxItems": MOST_MESSAGES,
                "items": MESSAGE,
            },
            "user": {
                "type": ["string", "null"],
                "description": "Your own name for the person who asks: one name, one version",
            },
            "metadata": {
                "type": ["object", "null"],
                "properties": {"skill": {"type": ["string", "null"]}},
                "description": "`skill` says which skill is asked for",
            },
            "stream": FLAG,
            "max_tokens": TOKENS,
            "max_completion_tokens": TOKENS,
            "temperature": _number("temperature", "0 takes the likeliest word each time"),
            "top_p": _number("top_p", "Take only the likeliest words, up to this much together"),
            "frequency_penalty": _number("frequency_penalty", "How much repeating is avoided"),
            "seed": {"type": ["integer", "null"], "minimum": SEEDS[0], "maximum": SEEDS[1]},
            "stop": {
                "anyOf": [
                    STOP,
                    {"type": "array", "items": STOP, "maxItems": MOST_STOPS},
                    {"type": "null"},
                ],
                "description": "Where the answer ends",
            },
            "logprobs": FLAG,
        },
        *("model", "user", "metadata", "stream", "max_tokens", "max_completion_tokens"),
        *("temperature", "top_p", "frequency_penalty", "seed", "stop", "logprobs"),
        closed=False,
    ),
    "ChatAnswer": _object(
        "An answer as OpenAI's clients read it; `model` is the version that answered.",
        {
            "id": TEXT | {"pattern": "^tr_[0-9]+$", "description": "The trace; feedback names it"},
            "object": TEXT | {"enum": ["chat.completion"]},
            "created": COUNT,
            "model": TEXT,
            "choices": {"type": "array", "minItems": 1, "items": {"type": "object"}},
            "usage": {"type": "object"},
        },
        "usage",
        closed=False,
    ),
    "Models": _object(
        "Channels first (they move), then every published version (they never do).",
        {
            "object": TEXT | {"enum": ["list"]},
            "data": {
                "type": "array",
                "items": _object(
                    "A name to ask by",
                    {"id": TEXT, "object": TEXT | {"enum": ["model"]}, "owned_by": TEXT},
                ),
            },
        },
    ),
    "GatewayError": _object(
        "A refusal as OpenAI's clients read it.",
        {
            "error": _object(
                "What went wrong",
                {
                    "message": TEXT,
                    "type": TEXT,
                    "param": {"type": ["string", "null"]},
                    "code": TEXT,
                },
            )
        },
    ),
}
REFUSALS = {
    400: "The request cannot be read; `param` names what needs mending",
    401: "The token is missing or not valid",
    403: "The token lacks the scope `chat`",
    404: "There is no such model",
    413: "The body is too large",
    422: "The model does not take this request",
    429: "The caller's limit is used up; `Retry-After` says when to come again",
    503: "No version can answer now",
}


def _refusals(*statuses: int) -> Schema:
    content = {"application/json": {"schema": _ref("GatewayError")}}
    return {
        str(status): {"description": REFUSALS[status], "content": content} for status in statuses
    }


def _operation(name: str, summary: str, **more: Any) -> Schema:
    return {
        "operationId": name,
        "summary": summary,
        "description": f"Needs a token with the scope `{Scope.CHAT.value}`.",
        "tags": ["gateway"],
        "security": [{"token": [Scope.CHAT.value]}],
        **more,
    }


def _listing() -> Schema:
    content = {"application/json": {"schema": _ref("Models")}}
    answers = {"200": {"description": "As asked", "content": content}}
    return _operation(
        "get_models",
        "Lists the channels and the versions that can be asked",
        responses=answers | _refusals(400, 401, 403, 404, 429),
    )


def _answering() -> Schema:
    example = {
        "model": "stable",
        "messages": [{"role": "user", "content": "What is 2 plus 2?"}],
        "metadata": {"skill": "sums"},
    }
    headers = {
        f"x-openflywheel-{name}": {"description": said, "schema": TEXT}
        for name, said in (
            ("version", "The version that answered"),
            ("digest", "The digest of its adapter"),
            ("trace", "The trace; feedback names it"),
        )
    }
    answer = {
        "description": "The answer, or its pieces as server-sent events where `stream` is true",
        "headers": headers,
        "content": {
            "application/json": {"schema": _ref("ChatAnswer")},
            "text/event-stream": {"schema": {"type": "object", "properties": {"data": TEXT}}},
        },
    }
    body = {"schema": _ref("ChatRequest"), "example": example}
    return _operation(
        "post_chat_completions",
        "Answers by the version that the channel and the user get, and logs the answer as a trace",
        requestBody={"required": True, "content": {"application/json": body}},
        responses={"200": answer} | _refusals(400, 401, 403, 404, 413, 422, 429, 503),
    )
