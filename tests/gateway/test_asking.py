"""The gateway: limits by who asks, and refusals of the runtime that are held against nobody."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import islice
from threading import Thread
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from apps.accounts.meters import Policy
from apps.accounts.models import Role
from apps.builds.models import Build
from apps.builds.stages import Stage as BuildStage
from apps.gateway import limits
from apps.rollouts import upstream
from apps.rollouts.models import Channel, Rollout, Version
from apps.rollouts.stages import Stage
from apps.traces.models import Arm, Trace
from tests.api.calling import calling
from tests.people import a_line, somebody

pytestmark = pytest.mark.django_db(transaction=True)

MESSAGE = {"role": "assistant", "content": "4"}
SAID = {
    **{"id": "x", "object": "chat.completion", "created": 1, "usage": {}},
    "choices": [{"index": 0, "message": MESSAGE, "finish_reason": "stop"}],
}
TOO_LONG = (400, {"error": {"message": "the prompt has 9,000 tokens, the model takes 4,096"}})
GOOD = (200, SAID)
BUSY = (503, {"error": {"message": "overloaded"}})
Says = Callable[[str], tuple[int, dict[str, Any]]]


@contextmanager
def a_runtime(says: Says) -> Iterator[str]:
    """A runtime that answers over HTTP as a test wants it to, by the name of the version."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, said = says(asked["model"])
            if status == 200 and asked.get("stream"):
                pieces = [{"delta": {"content": "4"}}, {"delta": {}, "finish_reason": "stop"}]
                events = [*(json.dumps({"choices": [piece]}) for piece in pieces), "[DONE]"]
                body = "".join(f"data: {event}\n\n" for event in events)
                kind = "text/event-stream"
            else:
                body, kind = json.dumps(said), "application/json"
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Site:
    """A channel, whoever asks it, and what the runtime says of each version."""

    def __init__(self) -> None:
        self.line = a_line()
        self.live = Version.objects.create(line=self.line, name="live", digest="c" * 64, path="/")
        self.channel = Channel.objects.create(line=self.line, name="stable", live=self.live)
        self.token = calling(somebody()).token
        self.says: dict[str, tuple[int, dict[str, Any]]] = {"live": GOOD, "candidate": GOOD}

    def ask(self, *, stream: bool = False, token: str = "") -> Any:
        body = {"messages": [{"role": "user", "content": "2+2"}], "user": "u", "stream": stream}
        return Client().post(
            "/v1/chat/completions",
            json.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {token or self.token}"},
        )

    def widened(self) -> None:
        """Let everybody get a candidate."""
        build = Build.objects.create(line=self.line, stage=BuildStage.READY)
        candidate = Version.objects.create(
            line=self.line, name="candidate", digest="d" * 64, path="/", build=build
        )
        Rollout.objects.create(
            channel=self.channel,
            candidate=candidate,
            incumbent=self.live,
            stage=Stage.WIDENING,
            percent=100,
            salt="s",
        )


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    made = Site()
    with a_runtime(lambda name: made.says[name]) as address:
        monkeypatch.setattr(settings, "UPSTREAM_URL", address)
        upstream._client.cache_clear()
        yield made
        upstream._client.cache_clear()


def answers() -> list[tuple[str, bool]]:
    """Who was asked, and whether they failed, as the traces have it."""
    return [(t.arm, bool(t.error)) for t in Trace.objects.order_by("pk")]


@pytest.mark.parametrize("stream", [False, True])
def test_what_no_version_answers_goes_back_as_it_is_and_is_nobodys_failure(
    site: Site, stream: bool
) -> None:
    site.says["live"] = TOO_LONG

    said = site.ask(stream=stream)

    error = said.json()["error"]
    assert (said.status_code, error["code"]) == (400, "refused_by_model")
    assert error["message"].endswith("the prompt has 9,000 tokens, the model takes 4,096")
    assert answers() == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("live", "candidate", "status", "logged"),
    [
        (GOOD, GOOD, 200, [(Arm.CANDIDATE, False)]),
        (TOO_LONG, TOO_LONG, 400, []),
        (GOOD, TOO_LONG, 200, [(Arm.CANDIDATE, True), (Arm.LIVE, False)]),
        (GOOD, BUSY, 200, [(Arm.CANDIDATE, True), (Arm.LIVE, False)]),
    ],
)
def test_a_candidate_fails_only_where_the_live_version_answers(
    site: Site, live: Any, candidate: Any, status: int, logged: Any, stream: bool
) -> None:
    site.says = {"live": live, "candidate": candidate}
    site.widened()

    said = site.ask(stream=stream)
    text = said.getvalue().decode() if stream and status == 200 else ""

    assert said.status_code == status
    assert sorted(answers()) == sorted(logged)
    assert stream is False or status != 200 or '"content": "4"' in text


def test_a_runtime_that_is_down_is_503_before_the_first_word_of_a_stream(site: Site) -> None:
    site.says["live"] = BUSY

    assert site.ask(stream=True).status_code == 503
    assert answers() == [(Arm.LIVE, True)]


@pytest.mark.parametrize("words", [0, 1])
def test_a_reader_who_hangs_up_leaves_a_trace_of_what_was_said(site: Site, words: int) -> None:
    said = site.ask(stream=True)
    list(islice(said, words))

    said.close()

    told = [(trace.answer, trace.finish_reason, trace.error) for trace in Trace.objects.all()]
    assert told == [("4", "cancelled", "")] * words


def test_who_asks_too_often_is_told_when_to_come_again(
    site: Site, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.LIMITS_FACTOR = 1
    policies = (Policy("chat-minute", 2, 60), Policy("chat-hour", 1_000, 3600))
    monkeypatch.setitem(limits.BY_ROLE, Role.CONTRIBUTOR, policies)

    said = [site.ask() for _ in range(3)]

    assert [one.status_code for one in said] == [200, 200, 429]
    assert '"chat-minute";q=2;w=60' in said[0]["RateLimit-Policy"]
    assert [one["X-RateLimit-Remaining"] for one in said] == ["1", "0", "0"]
    # The rest of this minute, and the half of the next in which one of the two fades.
    assert 0 < int(said[2]["Retry-After"]) <= 60 + 30
    error = said[2].json()["error"]
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert "2 in 60 s (chat-minute)" in error["message"]
    # Another token of the same account changes nothing; another account is another matter.
    assert site.ask(token=calling(somebody()).token).status_code == 200
    assert Trace.objects.count() == 3


def test_every_role_that_may_ask_has_its_limit() -> None:
    assert set(limits.BY_ROLE) == set(Role.values)
