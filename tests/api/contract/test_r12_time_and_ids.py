"""R12: times are RFC 3339 in UTC, and every answer and every log line carries the request's id."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apps.skills.models import ModelLine
from flywheel import request_ids
from tests.api.calling import Caller
from tests.people import a_contribution

LIKE_A_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d")
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)")
ID = re.compile(r"[0-9a-f]{32}")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the site writes to its log, as the settings say."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    told = settings.LOGGING["formatters"]["line"]
    handler.setFormatter(logging.Formatter(told["format"], style=told["style"]))
    handler.addFilter(request_ids.Named())
    root = logging.getLogger()
    root.addHandler(handler)
    yield written
    root.removeHandler(handler)


def times_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from times_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from times_in(inner)
    elif isinstance(value, str) and LIKE_A_TIME.match(value):
        yield value


@pytest.mark.parametrize(
    "path",
    ["contributions", "contributions/{n}", "contributions/{n}/life", "events", "leaderboard",
     "tokens", "me", "versions"],
)  # fmt: skip
def test_every_time_is_rfc_3339_in_utc(line: ModelLine, ada: Caller, path: str) -> None:
    number = a_contribution(line, by=ada.account).pk
    ada.post(f"contributions/{number}/comments", {"text": "Hello"})

    answer = ada.get(path.format(n=number)).json()

    found = list(times_in(answer))
    assert all(RFC_3339.fullmatch(time) for time in found), found
    assert found or path in ("versions", "leaderboard")


@pytest.mark.parametrize(
    "path",
    ["/", "/sign-in", "/nowhere", "/api/v1/", "/api/v1/nowhere", "/v1/models", "/healthz",
     "/static/css/tokens.css", "/static/nothing.css", "/admin/login/", "/submit"],
)  # fmt: skip
def test_every_answer_of_the_site_has_an_id(line: ModelLine, path: str) -> None:
    assert ID.fullmatch(Client().get(path)["X-Request-Id"])


@pytest.mark.parametrize("path", ["/api/v1/skills", "/leaderboard", "/v1/models"])
def test_an_answer_to_a_broken_request_has_one_too_and_so_has_its_log_line(
    line: ModelLine, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("no power")

    for place in ("apps.api.views.site", "apps.pages.views.community", "apps.gateway.views"):
        monkeypatch.setattr(f"{place}.the_line", broken, raising=False)
    monkeypatch.setattr("apps.gateway.views._caller", broken)

    answer = Client(raise_request_exception=False).get(path)

    assert answer.status_code == 500
    lines = [line for line in log.getvalue().splitlines() if " ERROR " in line]
    assert lines
    assert all(f"[{answer['X-Request-Id']}]" in line for line in lines)


@pytest.mark.parametrize("good", ["trace-0123456789", "A.b_c-12", "x" * 64])
def test_a_good_id_of_the_client_is_kept(line: ModelLine, good: str) -> None:
    for path in ("/", "/api/v1/", "/v1/models"):
        assert Client().get(path, headers={"X-Request-Id": good})["X-Request-Id"] == good


@pytest.mark.parametrize(
    "bad", ["short", "x" * 65, "<script>alert(1)</script>", "a b c d", "ä" * 9]
)
def test_a_bad_one_is_replaced(line: ModelLine, bad: str) -> None:
    for path in ("/", "/api/v1/"):
        assert ID.fullmatch(Client().get(path, headers={"X-Request-Id": bad})["X-Request-Id"])


def test_a_line_that_no_request_caused_says_so(log: io.StringIO, line: ModelLine) -> None:
    Client().get("/api/v1/")
    logging.getLogger("apps.history").warning("the clock rang")

    assert "apps.history [-]: the clock rang" in log.getvalue()


def test_a_task_s_lines_carry_the_task_s_id(log: io.StringIO) -> None:
    from celery import current_app

    @current_app.task(name="tests.say")
    def say() -> None:
        logging.getLogger("apps.history").warning("done")

    say.apply(task_id="0f3c-task")

    assert "apps.history [0f3c-task]: done" in log.getvalue()
    assert request_ids.current.get() == request_ids.NOBODY
    assert datetime.now(UTC).tzinfo is UTC
