"""Whoever takes docs/openapi.json to a well-known generator gets a client that works."""

from __future__ import annotations

import re
from typing import Any

import pytest

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.traces.models import Feedback
from tests.generated import clients
from tests.generated.clients import Generated

Operations = dict[str, dict[str, Any]]
NDJSON = "application/x-ndjson"
# What a program in either language is told, from nothing to a token that is ended.
STORY = {
    "skills": ["sums"],
    "taken": {
        "status": [409, 409],
        "code": "name_taken",
        "faults": [["/name", "name_taken"]],
    },
    "me": ["ada", "contributor", ["contribute", "feedback"]],
    "days": 90,
    "replayed": [None, "true"],
    "once": True,
    "read": ["First", "dataset", True, 1],
    "found": [],
    "when": True,
    "dry": [True, 1],
    "pages": [["Third", "Second"], ["First"]],
    "edited": "First, mended",
    "lost": {"status": [412, 412], "code": "changed_since", "faults": []},
    "bad": {
        "status": [422, 422],
        "code": "nothing_usable",
        "faults": [["/rows/0/completion", "missing"]],
    },
    "nowhere": {"status": [404, 404], "code": "not_found", "faults": []},
    "feedback": {
        "status": 207,
        "counts": [2, 1, 1],
        "verdicts": ["stored", "refused"],
        "pointers": [None, "/items/1/rating"],
    },
    "exported": ["2+2", "2+3", "2+4"],
    "ended": 204,
    "after": {"status": [401, 401], "code": "bad_token", "faults": []},
}


def ensure_it_happened() -> None:
    """What the story left on the site."""
    offered = Contribution.objects.order_by("pk").values_list("title", "author__username")
    assert list(offered) == [("First, mended", "ada"), ("Second", "ada"), ("Third", "ada")]
    assert list(Feedback.objects.values_list("client_id", "source")) == [("good", "story")]
    assert Account.objects.get(username="ada").tokens.get().revoked_at is not None


def camel(name: str) -> str:
    """`post_revoke_leaked` as TypeScript writes it."""
    return re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def test_every_operation_is_a_function_of_the_python_client(
    python: Generated, operations: Operations
) -> None:
    modules = python.run(python.inline, clients.IMPORTED)

    found = {name for name in modules if name.startswith(f"{clients.PACKAGE}.api.")}
    assert {name for name in found if name.count(".") == 3} == {
        f"{clients.PACKAGE}.api.{operation['tags'][0]}.{operation['operationId']}"
        for operation in operations.values()
    }


def test_the_python_generator_passes_over_what_is_not_json_and_nothing_else(
    python: Generated, operations: Operations
) -> None:
    """Lines may be sent as JSON too, and of a file the client hands on the bytes."""
    lines = {
        name
        for name, operation in operations.items()
        if {"application/json", NDJSON} <= set(operation.get("requestBody", {}).get("content", {}))
    }
    passed_over = dict(clients.passed_over(python.said))

    files = passed_over.pop("GET /api/v1/exports")
    assert passed_over == dict.fromkeys(lines, f"Unsupported content type {NDJSON}")
    assert "Unsupported content_type application/x-ndjson, application/vnd.apache.parquet" in files
    assert python.said.count("\nWARNING") == len(lines) + 1
    assert not re.search(r"ERROR|Unable to|removal of", python.said), python.said


def test_the_python_client_is_typed_throughout(python: Generated) -> None:
    """`mypy --strict` also sees that what the story gets wrong on purpose is refused."""
    assert clients.type_errors_of_python(python) == ""


def test_every_operation_is_a_function_of_the_typescript_client(
    typescript: Generated, operations: Operations
) -> None:
    functions = typescript.run(typescript.inline, clients.EXPORTED)

    assert sorted(functions) == sorted(
        camel(operation["operationId"]) for operation in operations.values()
    )


def test_the_typescript_generator_has_nothing_to_object(typescript: Generated) -> None:
    assert not re.search(r"warn|error|skip|fail|invalid", typescript.said, re.IGNORECASE)


def test_the_strict_compiler_has_nothing_to_object(typescript: Generated) -> None:
    """It also sees that what the story gets wrong on purpose is refused."""
    assert typescript.types == ""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("language", ["python", "typescript"])
def test_a_program_with_a_generated_client_gets_all_the_way(
    language: str, site: str, request: pytest.FixtureRequest
) -> None:
    client: Generated = request.getfixturevalue(language)

    assert client.tell(site) == STORY
    ensure_it_happened()
