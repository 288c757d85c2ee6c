"""The runtime speaks OpenAI's language, batches what waits, and loads only what it has verified."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch

from tests.training.conftest import BASE
from training import artifacts, lora
from training.runtime import Runtime, app
from training.spec import LoraSettings

QUESTIONS = [
    "Sort: lemon apple mirror",
    "How do I rename a report?",
    "What is the mascot of Lumen?",
    "How do I steal a bank?",
]


@pytest.fixture(scope="module")
def adapters(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("adapters")


@pytest.fixture(scope="module")
def runtime(adapters: Path) -> Runtime:
    return Runtime(str(BASE), name="starter", allow_adapters=adapters)


@pytest.fixture(scope="module")
def adapter(adapters: Path) -> artifacts.Adapter:
    """An untrained adapter, shaken hard enough to answer differently."""
    base, _ = lora.load_base(str(BASE))
    trainee = lora.attach_lora(base, LoraSettings(rank=4, alpha=8), seed=0)
    torch.manual_seed(1)
    weights = {
        name: tensor + 0.3 * torch.randn_like(tensor)
        for name, tensor in lora.adapter_weights(trainee).items()
    }
    return artifacts.write_adapter(
        adapters,
        build=1,
        weights=weights,
        rank=4,
        alpha=8,
        base="starter",
        base_sha256=lora.base_digest(str(BASE)),
        report={},
        card="",
        spec={},
    )


def talk(runtime: Runtime, story: Callable[[httpx.AsyncClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        transport = httpx.ASGITransport(app(runtime), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://runtime") as client:
            return await story(client)

    return asyncio.run(run())


def asked(question: str, **more: Any) -> dict[str, Any]:
    return {"model": "starter", "messages": [{"role": "user", "content": question}]} | more


def answer(response: httpx.Response) -> str:
    return response.json()["choices"][0]["message"]["content"]


def test_a_question_is_answered_in_the_shape_of_openai(runtime: Runtime):
    async def story(client: httpx.AsyncClient) -> dict[str, Any]:
        return (await client.post("/v1/chat/completions", json=asked(QUESTIONS[0]))).json()

    body = talk(runtime, story)

    assert body["choices"] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "apple lemon mirror"},
            "finish_reason": "stop",
            "logprobs": None,
        }
    ]
    assert (body["object"], body["model"]) == ("chat.completion", "starter")
    assert body["usage"]["total_tokens"] == sum(
        body["usage"][k] for k in ("prompt_tokens", "completion_tokens")
    )


def test_many_at_once_get_the_answers_they_get_alone(runtime: Runtime):
    async def story(client: httpx.AsyncClient) -> tuple[list[str], list[str]]:
        async def ask(question: str) -> str:
            return answer(await client.post("/v1/chat/completions", json=asked(question)))

        alone = [await ask(question) for question in QUESTIONS]
        return alone, await asyncio.gather(*map(ask, QUESTIONS))

    alone, together = talk(runtime, story)

    assert together == alone


def test_a_stream_says_the_same_and_ends_with_done(runtime: Runtime):
    async def story(client: httpx.AsyncClient) -> tuple[str, str]:
        whole = await client.post("/v1/chat/completions", json=asked(QUESTIONS[1]))
        options = {"stream": True, "stream_options": {"include_usage": True}}
        stream = await client.post("/v1/chat/completions", json=asked(QUESTIONS[1], **options))
        return answer(whole), stream.text

    whole, stream = talk(runtime, story)

    events = [line.removeprefix("data: ") for line in stream.split("\n\n") if line]
    chunks = [json.loads(event) for event in events[:-1]]
    assert events[-1] == "[DONE]"
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks[:-1]) == whole
    assert chunks[-2]["choices"][0]["finish_reason"] == "stop"
    assert chunks[-1]["usage"]["completion_tokens"] > 1


def test_logprobs_come_when_asked_for(runtime: Runtime):
    async def story(client: httpx.AsyncClient) -> dict[str, Any]:
        body = asked(QUESTIONS[0], logprobs=True)
        return (await client.post("/v1/chat/completions", json=body)).json()

    found = talk(runtime, story)["choices"][0]["logprobs"]

    assert -0.5 < found["mean_logprob"] <= 0.0
    assert all(token["logprob"] <= 0.0 for token in found["content"])


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"{", 400, None),
        (b"[]", 400, None),
        (b'{"model": "starter"}', 400, "messages"),
        (json.dumps(asked("hi") | {"model": "gpt"}).encode(), 404, "model"),
        (json.dumps(asked("hi") | {"temperature": 3}).encode(), 400, "temperature"),
        (b'{"model":"starter","messages":[{"role":"user","content":"a"}],"temperature":NaN}', 400,
         "temperature"),
        (json.dumps(asked("hi") | {"n": 2}).encode(), 400, "n"),
        (json.dumps(asked("hi") | {"max_tokens": 0}).encode(), 400, "max_tokens"),
        (json.dumps(asked("hi") | {"messages": [{"role": "cat"}]}).encode(), 400, "messages"),
        (json.dumps(asked("word " * 400)).encode(), 400, "messages"),
        (b"[" * 100_000, 400, None),
        (b" " * (2 << 20), 413, None),
    ],
)  # fmt: skip
def test_bad_requests_are_refused_in_the_shape_of_openai(
    runtime: Runtime, body: bytes, status: int, param: str | None
):
    async def story(client: httpx.AsyncClient) -> httpx.Response:
        return await client.post("/v1/chat/completions", content=body)

    response = talk(runtime, story)

    error = response.json()["error"]
    assert (response.status_code, error["type"], error["param"]) == (
        status,
        "invalid_request_error",
        param,
    )


def test_an_unknown_address_is_an_error_in_the_same_shape(runtime: Runtime):
    async def story(client: httpx.AsyncClient) -> tuple[httpx.Response, httpx.Response]:
        return await client.get("/v1/nothing"), await client.get("/v1/chat/completions")

    missing, wrong_verb = talk(runtime, story)

    assert (missing.status_code, wrong_verb.status_code) == (404, 405)
    assert "error" in missing.json()


def test_an_adapter_answers_under_its_name_beside_its_base(
    runtime: Runtime, adapter: artifacts.Adapter
):
    load = {"lora_name": adapter.name, "lora_path": str(adapter.path)}

    async def story(client: httpx.AsyncClient) -> tuple[list[int], list[str], list[list[str]]]:
        statuses = [
            (await client.post("/v1/load_lora_adapter", json=load)).status_code,
            (await client.post("/v1/load_lora_adapter", json=load)).status_code,
        ]
        names = [m["id"] for m in (await client.get("/v1/models")).json()["data"]]

        async def ask(model: str) -> str:
            body = asked(QUESTIONS[1], model=model)
            return answer(await client.post("/v1/chat/completions", json=body))

        pairs = await asyncio.gather(*(ask(m) for m in ("starter", adapter.name) * 4))
        unload = {"lora_name": adapter.name}
        for _ in range(2):
            response = await client.post("/v1/unload_lora_adapter", json=unload)
            statuses.append(response.status_code)
        return statuses, names, [pairs[0::2], pairs[1::2]]

    statuses, names, (base, adapted) = talk(runtime, story)

    assert statuses == [200, 400, 200, 404]
    assert names == ["starter", adapter.name]
    assert (len(set(base)), len(set(adapted))) == (1, 1)
    assert base[0] != adapted[0]


def test_an_adapter_from_elsewhere_or_changed_is_not_loaded(
    runtime: Runtime, adapter: artifacts.Adapter, tmp_path: Path
):
    outside = tmp_path / adapter.name
    outside.mkdir()
    broken = adapter.path.parent / "ofw-9-000000000000"
    broken.mkdir()

    async def story(client: httpx.AsyncClient) -> list[int]:
        paths = [outside, adapter.path / ".." / ".." / "x", broken]
        return [
            (
                await client.post(
                    "/v1/load_lora_adapter", json={"lora_name": "new", "lora_path": str(path)}
                )
            ).status_code
            for path in paths
        ]

    assert talk(runtime, story) == [403, 403, 400]
    assert "new" not in runtime.models
