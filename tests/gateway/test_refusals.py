"""What goes wrong outside every view of the gateway is told in the shape of OpenAI's errors."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.test import Client

pytestmark = pytest.mark.django_db


def assert_told(answer: HttpResponse, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/json"
    assert list(answer.json()["error"]) == ["message", "type", "param", "code"]
    assert answer.json()["error"]["code"] == code


def test_a_wrong_address_names_the_right_ones() -> None:
    answer = Client().post("/v1/completions")

    assert_told(answer, 404, "not_found")
    assert "POST /v1/chat/completions" in answer.json()["error"]["message"]


def test_a_request_for_another_host_is_malformed() -> None:
    assert_told(
        Client().get("/v1/models", headers={"Host": "elsewhere.example"}), 400, "bad_request"
    )


def test_an_error_that_nobody_foresaw_tells_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("apps.gateway.views._caller", broken)
    answer = Client(raise_request_exception=False).get("/v1/models")

    assert_told(answer, 500, "server_error")
    assert b"swordfish" not in answer.content
