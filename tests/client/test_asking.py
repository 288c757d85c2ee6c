"""The two clients before a network that misbehaves: both do the same, whatever happens."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from openflywheel import (
    AsyncClient,
    BadRequest,
    Client,
    Conflict,
    NotAllowed,
    NotFound,
    NotTheSite,
    Refused,
    SignInNeeded,
    SiteFailed,
    TooMany,
    Unreachable,
)
from openflywheel.asking import TRIES
from openflywheel.errors import NoSite, OperationFailed

URL = "https://site.example"
STORED = {"counts": {"rows": 1, "stored": 1}, "rows": []}
Answer = Exception | Callable[[httpx.Request], httpx.Response]


@dataclass
class Network:
    """Answers each request with the next of its answers, and remembers what was asked."""

    answers: list[Answer]
    asked: list[httpx.Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.bodies.append(request.read())
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(request)

    async def later(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.bodies.append(await request.aread())
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer(request)

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


def said(status: int, body: Any = None, **headers: str) -> Answer:
    """An answer of JSON, made anew each time that it is given."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: httpx.Response(status, json={} if body is None else body, headers=named)


def page_of_something_else(status: int) -> Answer:
    return lambda _: httpx.Response(status, text="<html>")


def problem(status: int, code: str, **more: Any) -> Answer:
    body = {"status": status, "code": code, "title": "No", "detail": "no, because", **more}
    return said(status, body)


@pytest.fixture(params=["blocking", "awaiting"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Call a method of either client by name before a network."""

    def blocking(network: Network, method: str, *args: Any, **kwargs: Any) -> Any:
        transport = httpx.MockTransport(network)
        with Client(URL, "ofw_pat_x", transport=transport, wait=network.waits.append) as site:
            found = getattr(site, method)(*args, **kwargs)
            return list(found) if method in ("rows", "contributions") else found

    def awaiting(network: Network, method: str, *args: Any, **kwargs: Any) -> Any:
        async def go() -> Any:
            transport = httpx.MockTransport(network.later)
            async with AsyncClient(
                URL, "ofw_pat_x", transport=transport, wait=network.wait
            ) as site:
                found = getattr(site, method)(*args, **kwargs)
                if method in ("rows", "contributions"):
                    return [item async for item in found]
                return await found

        return asyncio.run(go())

    return blocking if request.param == "blocking" else awaiting


@pytest.mark.parametrize(
    "trouble",
    [said(503), said(502), said(504), said(429), said(409, Retry_After="0"),
     httpx.ConnectError("no"), httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut off")],
)  # fmt: skip
def test_what_passes_is_asked_again_with_the_same_key_and_the_same_body(
    call: Callable[..., Any], trouble: Answer
) -> None:
    network = Network([trouble, trouble, said(201, STORED)])

    sent = call(network, "feedback", [{"trace": "tr_1", "success": True}])

    assert sent.counts.stored == 1
    assert len({request.headers["Idempotency-Key"] for request in network.asked}) == 1
    (body,) = set(network.bodies)
    assert gzip.decompress(body) == b'{"trace": "tr_1", "success": true}\n'
    assert network.asked[0].headers["Content-Length"] == str(len(body))
    assert len(network.waits) == 2


def test_two_requests_have_two_keys(call: Callable[..., Any]) -> None:
    network = Network([said(201, STORED), said(201, STORED)])

    call(network, "feedback", [{"trace": "tr_1", "success": True}])
    call(network, "feedback", [{"trace": "tr_1", "success": True}])

    assert len({request.headers["Idempotency-Key"] for request in network.asked}) == 2


def test_waits_grow_with_chance_and_heed_what_the_site_says(call: Callable[..., Any]) -> None:
    away = [httpx.ConnectError("no")] * 4
    network = Network([*away, said(429, Retry_After="7"), said(200, {"name": "a", "role": "b"})])

    call(network, "me")

    for attempt, seconds in enumerate(network.waits[:4], start=1):
        assert 2**attempt / 8 <= seconds <= 2**attempt / 4
    assert 7 <= network.waits[4] <= 7.25


def test_there_is_an_end_to_asking(call: Callable[..., Any]) -> None:
    network = Network([httpx.ConnectError("refused")] * TRIES)
    with pytest.raises(Unreachable, match=r"refused.*is it running"):
        call(network, "me")
    assert not network.answers

    with pytest.raises(TooMany):
        call(Network([problem(429, "quota")] * TRIES), "me")


def test_nobody_waits_for_tomorrow(call: Callable[..., Any]) -> None:
    network = Network(
        [said(429, {"status": 429, "detail": "enough for today"}, Retry_After="43200")]
    )

    with pytest.raises(TooMany, match="enough for today"):
        call(network, "me")

    assert network.waits == []


@pytest.mark.parametrize(
    ("status", "kind"),
    [(400, BadRequest), (401, SignInNeeded), (403, NotAllowed), (404, NotFound), (409, Conflict),
     (412, Conflict), (422, BadRequest), (500, SiteFailed)],
)  # fmt: skip
def test_a_refusal_is_an_error_that_holds_everything_the_site_said(
    call: Callable[..., Any], status: int, kind: type[Refused]
) -> None:
    fault = {"pointer": "/items/3/prompt", "code": "blank", "detail": "empty", "mend": "write it"}
    network = Network([problem(status, "some_code", errors=[fault], request_id="abc")])

    with pytest.raises(kind, match="no, because") as refusal:
        call(network, "me")

    assert (refusal.value.status, refusal.value.code) == (status, "some_code")
    assert refusal.value.request_id == "abc"
    assert [(each.pointer, each.mend) for each in refusal.value.errors] == [
        ("/items/3/prompt", "write it")
    ]


@pytest.mark.parametrize(
    "answer",
    [page_of_something_else(200), page_of_something_else(404), said(200, {"a": 1}), said(200, []),
     said(404, ["x"])],
)  # fmt: skip
def test_something_else_that_answers_is_told_apart(
    call: Callable[..., Any], answer: Answer
) -> None:
    with pytest.raises(NotTheSite, match="is this the site's address"):
        call(Network([answer]), "me")


def test_lists_are_walked_page_after_page_as_they_are_asked_for(call: Callable[..., Any]) -> None:
    following = f"{URL}/api/v1/contributions/7/rows?cursor=abc"
    network = Network(
        [
            said(200, {"items": [{"prompt": "a"}, {"prompt": "b"}], "next": following}),
            said(200, {"items": [{"prompt": "c"}], "next": None}),
        ]
    )

    assert [row.prompt for row in call(network, "rows", 7)] == ["a", "b", "c"]
    assert str(network.asked[1].url) == following


def test_a_page_elsewhere_never_gets_the_token(call: Callable[..., Any]) -> None:
    elsewhere = "https://elsewhere.example/api/v1/steal?cursor=abc"
    network = Network([said(200, {"items": [], "next": elsewhere}), said(200, {"items": []})])

    call(network, "rows", 7)

    assert {request.url.host for request in network.asked} == {"site.example"}


def test_many_rows_travel_in_parts_and_their_verdicts_keep_their_places(
    call: Callable[..., Any],
) -> None:
    def judge(request: httpx.Request) -> httpx.Response:
        rows = gzip.decompress(request.content).splitlines()
        counts = {"rows": len(rows), "stored": len(rows) - 1, "refused": 1}
        body = {"counts": counts, "rows": [{"row": 1, "verdict": "refused"}]}
        return httpx.Response(207, json=body)

    network, heard = Network([judge, judge, judge]), []
    rows = ({"trace": f"tr_{number}", "success": True} for number in range(12_000))

    sent = call(network, "feedback", rows, told=lambda so_far: heard.append(so_far.counts.rows))

    assert (sent.counts.rows, sent.counts.stored, sent.counts.refused) == (12_000, 11_997, 3)
    assert [verdict.row for verdict in sent.rows] == [1, 5_001, 10_001]
    assert heard == [5_000, 10_000, 12_000]


def test_rows_that_the_site_stores_later_are_followed_to_their_end(
    call: Callable[..., Any],
) -> None:
    going = {"id": "op_1", "stage": "waiting", "done": False, "counts": {"rows": 2}}
    ended = {
        **going,
        "stage": "done",
        "done": True,
        "counts": {"rows": 2, "stored": 1, "refused": 1},
    }
    page = {"items": [{"row": 1, "verdict": "refused", "detail": "d", "mend": "m"}], "next": None}
    network = Network([said(202, going), said(200, going), said(200, ended), said(200, page)])

    sent = call(network, "feedback", [{"a": 1}, {"b": 2}])

    assert (sent.counts.stored, [verdict.row for verdict in sent.rows]) == (1, [1])
    assert [request.url.path for request in network.asked[1:]] == [
        "/api/v1/operations/op_1",
        "/api/v1/operations/op_1",
        "/api/v1/operations/op_1/rows",
    ]
    failed = {**ended, "stage": "failed", "fault": "it is cut off"}
    with pytest.raises(OperationFailed, match="cut off"):
        call(Network([said(202, going), said(200, failed)]), "feedback", [{"a": 1}])


def test_a_download_that_broke_off_begins_anew(call: Callable[..., Any]) -> None:
    def cut(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, stream=Broken())

    file = io.BytesIO()

    def whole(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=b"all of it", headers={"ETag": '"x"'})

    network = Network([cut, whole])

    got = call(network, "export", file, format="ndjson", mine=1)

    assert (file.getvalue(), got.etag) == (b"all of it", '"x"')
    assert dict(network.asked[0].url.params) == {"format": "ndjson", "mine": "1"}


class Broken(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The beginning of an answer, and then nothing."""

    def __iter__(self) -> Any:
        yield b"half of it, and some more"
        raise httpx.ReadError("cut off")

    async def __aiter__(self) -> Any:
        yield b"half of it, and some more"
        raise httpx.ReadError("cut off")


def test_a_refused_download_leaves_nothing_in_the_file(call: Callable[..., Any]) -> None:
    file = io.BytesIO()

    with pytest.raises(BadRequest):
        call(Network([problem(400, "bad_parameter")]), "export", file)

    assert file.getvalue() == b""


def test_what_has_no_form_in_json_or_utf8_still_arrives_and_names_its_row(
    call: Callable[..., Any],
) -> None:
    network = Network([said(207, STORED)])

    call(network, "feedback", [{"prompt": b"bytes"}, {"prompt": "half \ud800"}])

    lines = [json.loads(line) for line in gzip.decompress(network.bodies[0]).splitlines()]
    assert lines == [{"prompt": {"type": "<class 'bytes'>"}}, {"prompt": "half \ud800"}]


def test_the_token_goes_in_the_header_and_signing_up_goes_without(call: Callable[..., Any]) -> None:
    network = Network(
        [said(200, {"name": "a", "role": "b"}), said(201, {"name": "a", "role": "b"})]
    )

    call(network, "me")
    call(network, "sign_up", "ada", "a long password")

    assert [request.headers.get("Authorization") for request in network.asked] == [
        "Bearer ofw_pat_x",
        None,
    ]


def test_a_token_whose_only_showing_got_lost_is_made_anew(call: Callable[..., Any]) -> None:
    def token(text: str) -> dict[str, Any]:
        at = "2026-11-21T12:00:00Z"
        named = {"id": 1, "name": "n", "prefix": "ofw_pat_a", "scopes": []}
        return {**named, "created_at": at, "expires_at": at, "token": text}

    account = {"name": "ada", "role": "contributor", "token": token("ofw_pat_(shown once)")}
    network = Network(
        [httpx.ReadTimeout("late"), said(201, account), said(201, token("ofw_pat_b"))]
    )

    assert call(network, "sign_up", "ada", "a long password").token.token == "ofw_pat_b"
    assert [request.url.path for request in network.asked][1:] == [
        "/api/v1/accounts",
        "/api/v1/tokens",
    ]


def test_an_address_that_is_none_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENFLYWHEEL_URL", "")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/nowhere")
    for url in ("", "site.example", "ftp://site.example"):
        with pytest.raises(NoSite, match="OPENFLYWHEEL_URL"):
            Client(url)
