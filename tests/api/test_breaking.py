"""A change that would break a client is told from one that would not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from apps.api.breaking import breaks, contract
from apps.api.schema import document

Change = Callable[[dict[str, Any]], Any]


def comment(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"]["Comment"]
    return found


def form(document: dict[str, Any], name: str = "Remark") -> dict[str, Any]:
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def posting(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["paths"]["/api/v1/contributions/{number}/comments"]["post"]
    return found


def feedback(document: dict[str, Any]) -> list[Any]:
    """The shapes in which feedback may be sent in bulk."""
    body = document["paths"]["/api/v1/feedback/bulk"]["post"]["requestBody"]
    found: list[Any] = body["content"]["application/json"]["schema"]["anyOf"]
    return found


def terms(document: dict[str, Any]) -> list[Any]:
    """What the terms of an operation may be."""
    found: list[Any] = form(document, "Operation")["properties"]["terms"]["anyOf"]
    return found


BREAKING: dict[str, Change] = {
    "/api/v1/me is gone": lambda new: new["paths"].pop("/api/v1/me"),
    "POST /api/v1/contributions/{number}/comments is gone": lambda new: new["paths"][
        "/api/v1/contributions/{number}/comments"
    ].pop("post"),
    "comments 201/text is gone": lambda new: comment(new)["properties"].pop("text"),
    "comments 201/text can be missing now": lambda new: comment(new)["required"].remove("text"),
    "comments 201/at can be null now": lambda new: comment(new)["properties"]["at"].update(
        type=["string", "null"]
    ),
    "comments no longer answers 201": lambda new: posting(new)["responses"].pop("201"),
    "comments body/tone is required now": lambda new: form(new)["required"].append("tone"),
    "comments body/text is no longer taken": lambda new: form(new)["properties"].pop("text"),
    "comments body/text no longer takes string": lambda new: form(new)["properties"]["text"].update(
        type="integer"
    ),
    "body/consent no longer takes train": lambda new: form(new, "Consent")["enum"].remove("train"),
    "comments because in query is required now": lambda new: posting(new)["parameters"].append(
        {"name": "because", "in": "query", "required": True, "schema": {"type": "string"}}
    ),
    "body/title has maxLength 80 now": lambda new: form(new, "Offer")["properties"]["title"].update(
        maxLength=80
    ),
    "comments body/text has to match [a-z] now": lambda new: form(new)["properties"]["text"].update(
        pattern="[a-z]"
    ),
    "POST /api/v1/feedback/bulk body no longer takes array": lambda new: feedback(new).pop(),
    "200/terms can be string now": lambda new: terms(new).append({"type": "string"}),
    "comments no longer takes application/json": lambda new: posting(new)["requestBody"][
        "content"
    ].pop("application/json"),
}
HARMLESS: dict[str, Change] = {
    "a new address": lambda new: new["paths"].update({"/api/v1/new": {}}),
    "a new field of an answer": lambda new: comment(new)["properties"].update(
        edited={"type": "boolean"}
    ),
    "a new field that may be sent": lambda new: form(new)["properties"].update(
        tone={"type": "string"}
    ),
    "another word that is taken": lambda new: form(new, "Consent")["enum"].append("read"),
    "another shape that is taken": lambda new: feedback(new).append({"type": "string"}),
    "a shape that is answered no more": lambda new: terms(new).pop(),
    "a looser limit": lambda new: form(new)["properties"]["text"].update(maxLength=10**6),
    "another refusal": lambda new: posting(new)["responses"].update({"418": {"description": ""}}),
    "another description": lambda new: comment(new).update(description="Said."),
}


def broken(released: dict[str, Any], change: Change) -> list[str]:
    new = copy.deepcopy(document())
    change(new)
    return breaks(released, new)


def test_what_clients_rely_on_is_kept_without_the_words() -> None:
    kept = contract(document())

    assert breaks(kept, document()) == []
    assert "title" in kept["components"]["schemas"]["Contribution"]["properties"]
    assert "description" in document()["components"]["schemas"]["Contribution"]
    assert "description" not in kept["components"]["schemas"]["Contribution"]
    gone = "comments 201/text is gone"
    assert any(gone in said for said in broken(kept, BREAKING[gone]))


def test_nothing_breaks_where_nothing_changes() -> None:
    assert breaks(document(), document()) == []


@pytest.mark.parametrize("told", BREAKING)
def test_what_would_break_a_client_is_told(told: str) -> None:
    assert any(told in sentence for sentence in broken(document(), BREAKING[told]))


@pytest.mark.parametrize("what", HARMLESS)
def test_what_only_adds_breaks_nobody(what: str) -> None:
    assert broken(document(), HARMLESS[what]) == []
