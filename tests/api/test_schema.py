"""The OpenAPI document says what the API does: every address, every body, every answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.http import JsonResponse
from django.urls import URLPattern
from django.utils.translation import override

from apps.api import enumerations, problems, schema, urls
from apps.api.face import Face
from apps.api.schema import document
from tests import conforming
from tests.api.calling import Caller

METHODS = ("get", "post", "put", "patch", "delete")


def face(address: URLPattern) -> type[Face]:
    found: type[Face] = address.callback.view_class
    return found


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@pytest.mark.parametrize("address", urls.addresses, ids=lambda address: str(address.name))
def test_every_address_declares_every_method_that_it_has(address: URLPattern) -> None:
    view = face(address)
    methods = {method.upper() for method in METHODS if hasattr(view, method)}

    assert set(view.calls) == methods, f"say what {view.__name__} takes and gives in `calls`"
    for method in methods:
        assert schema.done_by(view, method), f"say in the docstring what {method} does"


def test_every_address_of_the_api_and_the_gateway_is_in_the_document() -> None:
    paths = set(document()["paths"])
    patterns = [str(address.pattern) for address in urls.urlpatterns]
    written = {"/api/v1/" + conforming.CONVERTERS.sub(r"{\1}", pattern) for pattern in patterns}

    assert paths == (written - {r"/api/v1/^[\s\S]*$"}) | {"/v1/models", "/v1/chat/completions"}


def test_the_document_is_openapi_3_1_and_every_schema_in_it_is_one(stranger: Caller) -> None:
    answer = stranger.get("openapi.json")

    said = answer.json()
    assert (answer.status_code, said["openapi"][:4], said) == (200, "3.1.", document())
    for name, found in said["components"]["schemas"].items():
        whole = {**found, "components": said["components"]}
        assert jsonschema_rs.meta.is_valid(whole), name


def test_every_operation_has_a_name_of_its_own_and_a_summary() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    silent = [
        operation["operationId"] for *_, operation in operations() if not operation["summary"]
    ]

    assert (len(names), silent) == (len(set(names)), [])


def test_the_document_is_english_whoever_asks_first() -> None:
    before = document()
    document.cache_clear()

    with override("tr"):
        assert document() == before


def schemas(node: Any) -> Iterator[dict[str, Any]]:
    """Every place of the document where words are listed."""
    for inner in (
        node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    ):
        yield from schemas(inner)
    if isinstance(node, dict) and isinstance(node.get("enum"), list):
        yield node


def test_every_list_of_words_says_that_they_are_texts() -> None:
    """Without a type, generators of clients make no enumeration of it, or nothing at all."""
    listed = list(schemas(document()))

    assert len(listed) > 20
    assert [one for one in listed if one.get("type") != "string"] == []


def test_words_with_a_name_are_written_out_once() -> None:
    named = enumerations.components()
    written = [one["enum"] for one in schemas(document())]

    components = document()["components"]["schemas"]
    assert {name: components[name] for name in named} == named
    assert [written.count(one["enum"]) for one in named.values()] == [1] * len(named)


def test_no_token_is_asked_for_where_none_changes_anything() -> None:
    """A generated client then takes callers without one there."""
    open_to_all = {
        operation["operationId"] for *_, operation in operations() if "security" not in operation
    }

    assert open_to_all == {
        *("get_index", "get_openapi", "get_problem", "get_problems", "get_skills", "get_versions"),
        *("get_token_pattern", "post_accounts", "post_revoke_leaked", "post_tokens"),
    }


def test_every_declared_code_is_a_kind_of_problem_and_every_kind_is_declared_somewhere() -> None:
    declared = {
        code
        for _, _, operation in operations()
        for answer in operation["responses"].values()
        for code in answer.get("x-codes", [])
    }

    # What no address promises: the unforeseen.
    assert set(problems.kinds()) - declared == NEVER_PROMISED
    assert declared <= set(problems.kinds())


NEVER_PROMISED = {
    *("server_error", "method_not_allowed"),
    # Of pages and of batches that this face cuts itself.
    *("bad_file", "outdated", "unknown_trace"),
}


def test_the_watch_over_all_answers_is_on(
    stranger: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.api.answers.skill", lambda shown: {"name": shown.name})

    with pytest.raises(conforming.Undocumented):
        stranger.get("skills")


def test_a_drifting_answer_is_noticed() -> None:
    """The watch over all tests (tests/conftest.py) would see each of these."""
    headers = {"X-Request-Id": "12345678", "Cache-Control": "no-cache"}
    headers |= {"OpenFlywheel-Version": "2026-11-01", "ETag": '"12345678"'}
    good = {"code": "not_found", "status": 404, "title": "There is nothing here", "mend": "Look."}

    def answered(body: dict[str, Any], **more: Any) -> None:
        answer = JsonResponse(body, headers=more.pop("headers", headers), **more)
        conforming.check("GET", "/api/v1/problems/not_found", answer)

    answered(good)
    for drift in (
        {"body": good | {"new": 1}},
        {"body": {"code": "not_found"}},
        {"body": good | {"status": "404"}},
        {"body": good, "status": 202},
        {"body": good, "content_type": "text/html"},
        {"body": good, "headers": {}},
    ):
        with pytest.raises(conforming.Undocumented):
            answered(**drift)
