"""Refusals look alike everywhere."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re

import pytest
from django.test import Client
from django.urls import URLPattern

import apps
from apps.api import problems, urls
from apps.api.mends import mend_of
from apps.skills.models import ModelLine
from tests.api.calling import Caller

MEMBERS = ("type", "title", "status", "detail", "code", "instance", "request_id")


def test_every_error_of_every_app_has_a_kind_of_its_own_and_none_is_a_server_error() -> None:
    unkind = []
    for app in pkgutil.iter_modules(apps.__path__, "apps."):
        if not importlib.util.find_spec(f"{app.name}.errors") or app.name in ("apps.gateway",):
            continue
        for name, error in inspect.getmembers(importlib.import_module(f"{app.name}.errors")):
            if not inspect.isclass(error) or not issubclass(error, Exception):
                continue
            kinds = [base for base in error.__mro__ if base in problems.KINDS]
            if problems.KINDS[kinds[0]] is problems.SERVER_ERROR:
                unkind.append(name)

    # These never reach a client: they are for operators.
    assert sorted(unkind) == ["BadLineData", "ChainBroken", "LeaseLost", "LineExists"]


def test_a_problem_has_every_member_and_its_type_can_be_opened(stranger: Caller) -> None:
    answer = stranger.get("contributions/77")

    said = answer.json()
    explained = Client().get(said["type"].removeprefix("http://testserver"))
    assert tuple(said) == MEMBERS
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["X-Request-Id"] == said["request_id"]
    assert explained.json() == {
        "code": "not_found",
        "status": 404,
        "title": "There is nothing here",
        "mend": mend_of("not_found"),
    }


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_address_that_does_not_exist_is_a_problem_and_no_page(
    stranger: Caller, method: str
) -> None:
    answer = stranger.send(method, "nowhere/", "", "application/json")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "GET /api/v1/ lists the addresses" in answer.json()["detail"]


def test_an_address_with_a_line_break_in_it_is_a_problem_too(db: None) -> None:
    answer = Client().get("/api/v1/problems/%0A")

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")


def test_a_method_that_an_address_does_not_take_is_405_and_says_which_it_does(
    ada: Caller,
) -> None:
    answer = ada.delete("contributions")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer["Allow"] == "GET, POST, HEAD, OPTIONS"


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("contributions?dry_run=1", "author, cursor, expand, fields, kind, limit, skill, stage"),
        ("versions?limit=5", "fields"),
        ("feedback/terms?fields=licence", "none"),
    ],
)
def test_a_parameter_that_a_call_does_not_take_is_refused(
    ada: Caller, path: str, known: str
) -> None:
    answer = ada.get(path)

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_parameter")
    assert answer.json()["detail"].endswith(f"there are {known}")


def test_another_content_type_is_refused_with_the_right_one(ada: Caller) -> None:
    answer = ada.send("post", "contributions", "a=b", "application/x-www-form-urlencoded")

    assert answer.status_code == 415
    assert "application/json" in answer.json()["detail"]


@pytest.mark.parametrize(
    "place",
    ["apps.api.views.site.the_line", "apps.pages.languages.for_programs"],
    ids=["in a view", "before any view"],
)
def test_an_error_that_nobody_foresaw_is_a_problem_and_tells_no_secrets(
    stranger: Caller, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the password of the database is swordfish")

    monkeypatch.setattr(place, broken)
    answer = Client(raise_request_exception=False).get("/api/v1/skills")

    assert (answer.status_code, answer["Content-Type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "server_error"
    assert "swordfish" not in answer.content.decode()


def test_a_request_id_that_is_sent_comes_back_and_a_strange_one_does_not(db: None) -> None:
    kept = Client().get("/api/v1/", headers={"X-Request-Id": "trace-0123456789"})
    replaced = Client().get("/api/v1/", headers={"X-Request-Id": "<script>"})

    assert kept["X-Request-Id"] == "trace-0123456789"
    assert len(replaced["X-Request-Id"]) == 32


def test_before_a_line_is_founded_the_site_says_so(db: None) -> None:
    ModelLine.objects.all().delete()

    answer = Client().get("/api/v1/skills")

    assert (answer.status_code, answer.json()["code"]) == (503, "no_model_line")


def test_the_front_door_lists_every_address(stranger: Caller) -> None:
    listed = [entry["address"] for entry in stranger.get("").json()["addresses"]]

    assert len(listed) == len(urls.addresses)
    assert "/api/v1/contributions/{number}/decision" in listed


@pytest.mark.parametrize("address", urls.addresses, ids=lambda address: str(address.name))
def test_every_change_needs_somebody_except_for_what_strangers_may(
    stranger: Caller, address: URLPattern
) -> None:
    path = str(address.pattern)
    path = re.sub(r"<\w+:\w+>", "1", path)

    for method in ("post", "put", "patch", "delete"):
        answer = stranger.send(method, path, "{}", "application/json")
        if method == "post" and path == "argilla/events":
            # A signature opens it, and nothing does where no Argilla is connected.
            assert answer.status_code == 404
            continue
        open_to_all = method == "post" and path in ("accounts", "tokens", "tokens/revoke-leaked")
        assert answer.status_code == 422 if open_to_all else answer.status_code in (401, 405)


def test_a_method_that_an_address_does_not_have_is_none_whoever_asks(
    stranger: Caller,
) -> None:
    answers = [stranger.delete("problems"), stranger.put("contributions", {})]

    assert [answer.status_code for answer in answers] == [405, 405]
    assert [answer.headers["Allow"] for answer in answers] == [
        "GET, HEAD, OPTIONS",
        "GET, POST, HEAD, OPTIONS",
    ]
