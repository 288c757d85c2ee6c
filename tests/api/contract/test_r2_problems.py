"""R2: every refusal is RFC 9457, points into the body, and its type leads to a page with a mend."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django.fixtures import Settings

from apps.api import mends, problems
from apps.api.problems import escaped
from apps.skills.models import ModelLine
from tests.api.calling import GOOD, OFFER, Caller
from tests.people import a_contribution

MEMBERS = ["type", "title", "status", "detail", "code", "instance", "request_id"]
FAULT = ["pointer", "code", "detail", "mend"]
BULK = "contributions/bulk?licence=CC0-1.0&consent=train&signed_off=1&batch=a"


def pointed(body: object, pointer: str) -> object:
    """What an RFC 6901 pointer leads to, or the place where it should be."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        body = body[int(name)] if isinstance(body, list) else body.get(name)  # type: ignore[attr-defined]
    return body


def assert_problem(answer: HttpResponse, status: int, code: str) -> None:
    said = answer.json()
    assert answer["Content-Type"] == "application/problem+json"
    assert list(said)[: len(MEMBERS)] == MEMBERS
    assert (said["status"], said["code"]) == (answer.status_code, code) == (status, code)
    assert said["request_id"] == answer["X-Request-Id"]
    assert said["instance"].startswith("/api/v1/")
    assert said["type"].endswith(f"/api/v1/problems/{code}")


def test_the_shape_of_a_problem_is_pinned_member_by_member(ada: Caller) -> None:
    answer = ada.post("contributions", {**OFFER, "rows": [GOOD], "licence": "WTFPL", "x/y~z": 1})

    assert_problem(answer, 422, "bad_fields")
    assert [*answer.json()] == [*MEMBERS, "errors"]
    assert [list(fault) for fault in answer.json()["errors"]] == [FAULT]
    assert answer.json()["errors"][0]["pointer"] == "/x~1y~0z"


def test_faults_inside_a_list_point_at_their_element(ada: Caller, stranger: Caller) -> None:
    wish = {"name": "bo", "password": "a long enough phrase", "token": {"scopes": ["chat", "fly"]}}

    answer = stranger.post("accounts", wish)

    assert_problem(answer, 422, "bad_fields")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/token/scopes/1"]


def test_white_space_around_a_text_counts_as_it_was_sent(stranger: Caller) -> None:
    wish = {"name": "bo" + 150 * " ", "password": "a long enough phrase"}

    answer = stranger.post("accounts", wish)

    assert_problem(answer, 422, "bad_fields")
    faults = [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]]
    assert faults == [("/name", "max_length")]


def test_a_bulk_fault_points_from_the_start_of_the_body(ada: Caller) -> None:
    pair = {"prompt": "p", "chosen": "a", "rejected": "b"}
    rows = [{**pair, "prompt": f"p{place}"} for place in range(17)] + [{**pair, "chosen": 7}]

    answer = ada.post(BULK, {"items": rows})

    refused = [row for row in answer.json()["rows"] if row["verdict"] == "refused"]
    assert answer.status_code == 207
    assert [row["pointer"] for row in refused] == ["/items/17/chosen"]
    assert pointed({"items": rows}, "/items/17/chosen") == 7


def test_when_all_rows_are_bad_the_problem_lists_each(ada: Caller) -> None:
    answer = ada.post(BULK, {"items": [{"prompt": "p"}, {"prompt": "q", "completion": 3}]})

    assert_problem(answer, 422, "nothing_usable")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [
        "/items/0/completion", "/items/1/completion",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("step", "written"), [("a/b", "a~1b"), ("~", "~0"), ("~1", "~01"), (17, "17"), ("ä", "ä")]
)
def test_a_step_of_a_pointer_is_escaped_as_rfc_6901_says(step: object, written: str) -> None:
    assert escaped(step) == written


def test_every_code_has_a_page_that_says_what_to_do(stranger: Caller) -> None:
    codes = sorted(problems.kinds())

    assert codes == sorted(mends.MENDS)
    for code in codes:
        page = stranger.get(f"problems/{code}").json()
        assert page["code"] == code
        assert page["mend"][-1] in ".?"
    assert sorted(entry["code"] for entry in stranger.get("problems").json()["items"]) == codes


def test_every_code_that_a_view_raises_is_known() -> None:
    raised = set()
    for path in Path(problems.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem":
                raised.add(ast.literal_eval(node.args[0]))

    assert raised <= set(problems.OWN_KINDS)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("contributions/999999", 404, "not_found"),
        ("contributions?limit=0", 400, "bad_parameter"),
        ("me", 401, "token_missing"),
        ("nowhere", 404, "not_found"),
    ],
)
def test_the_type_of_a_problem_can_be_opened(
    stranger: Caller, path: str, status: int, code: str
) -> None:
    answer = stranger.get(path)

    assert_problem(answer, status, code)
    page = Client().get(answer.json()["type"].removeprefix("http://testserver"))
    assert page.json()["title"] == answer.json()["title"]


def test_a_refusal_of_a_program_that_asks_for_html_is_a_problem_all_the_same(
    line: ModelLine,
) -> None:
    answer = Client().get("/api/v1/contributions/999999", headers={"Accept": "text/html"})

    assert answer.status_code in (404, 406)
    assert json.loads(answer.content)["code"] in ("not_found", "not_acceptable")
    a_contribution(line)


@pytest.mark.parametrize("host", ["elsewhere.example", "", "a b", "[::"])
def test_a_request_for_another_host_is_a_problem_whose_type_leads_to_this_site(
    line: ModelLine, settings: Settings, host: str
) -> None:
    settings.SITE_URL = "https://flywheel.example"

    answer = Client().get("/api/v1/skills", headers={"Host": host})

    assert_problem(answer, 400, "bad_request")
    assert answer.json()["type"] == "https://flywheel.example/api/v1/problems/bad_request"
    assert "Host header" in answer.json()["detail"]
    assert answer["OpenFlywheel-Version"] == "2026-11-01"
    assert answer["Cache-Control"] == "private, no-store"
