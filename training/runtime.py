"""A small OpenAI-compatible server for one base and its adapters: the default upstream on a CPU.

One process, one torch thread. Requests that wait while a batch is decoded become the next batch, so
the cost of an answer falls as traffic grows. The same faces as vLLM's, so that vLLM can replace it.
"""

from __future__ import annotations

import asyncio
import collections
import json
import logging
import re
import threading
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from training import artifacts, lora
from training.errors import AdapterRefused
from training.generating import Row, decode, end_tokens

logger = logging.getLogger(__name__)

ROWS_IN_BATCH = 32
DEFAULT_NEW_TOKENS = 128
LARGEST_BODY = 1 << 20
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
ROLES = {"system", "developer", "user", "assistant"}


class Refused(Exception):
    """A request that cannot be answered, in OpenAI's shape."""

    def __init__(
        self, status: int, message: str, *, param: str | None = None, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        kind = "invalid_request_error" if status < 500 else "server_error"
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": code}}


@dataclass(frozen=True)
class Question:
    """A chat request that was understood."""

    model: str
    row: Row
    stops: tuple[str, ...]
    stream: bool
    usage_in_stream: bool
    logprobs: bool


@dataclass
class Batcher:
    """Decodes what waits, one model at a time, the one that has waited longest first."""

    ends: frozenset[int]
    waiting: collections.deque[tuple[Any, Row, Future[Row]]] = field(
        default_factory=collections.deque
    )
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def start(self) -> None:
        """Begin decoding in a thread that ends with the process."""
        threading.Thread(target=self._run, name="decoder", daemon=True).start()

    def submit(self, model: Any, row: Row) -> Future[Row]:
        """The row, once it is decoded by `model`."""
        future: Future[Row] = Future()
        with self.arrived:
            self.waiting.append((model, row, future))
            self.arrived.notify()
        return future

    def _run(self) -> None:
        torch.set_num_threads(1)
        while True:
            model, batch = self._next()
            try:
                decode(model, [row for row, _ in batch], self.ends)
            except Exception as failure:
                logger.exception("a batch of %d could not be decoded", len(batch))
                for _, future in batch:
                    future.set_exception(failure)
            else:
                for row, future in batch:
                    future.set_result(row)

    def _next(self) -> tuple[Any, list[tuple[Row, Future[Row]]]]:
        with self.arrived:
            while not self.waiting:
                self.arrived.wait()
            model = self.waiting[0][0]
            batch: list[tuple[Row, Future[Row]]] = []
            others: list[tuple[Any, Row, Future[Row]]] = []
            while self.waiting and len(batch) < ROWS_IN_BATCH:
                asked, row, future = self.waiting.popleft()
                if asked is model:
                    batch.append((row, future))
                else:
                    others.append((asked, row, future))
            self.waiting.extendleft(reversed(others))
        return model, batch


class Runtime:
    """What is loaded, and how a request becomes an answer."""

    def __init__(self, base: str, *, name: str, allow_adapters: Path | None = None) -> None:
        self.base_name = name
        self.base_sha256 = lora.base_digest(base)
        self.base, self.chat = lora.load_base(base)
        self.models: dict[str, Any] = {name: self.base}
        self.adapters: dict[str, artifacts.Adapter] = {}
        self.allow_adapters = allow_adapters.resolve() if allow_adapters else None
        self.context: int = getattr(self.base.config, "max_position_embeddings", 2048)
        self.started = int(time.time())
        self.batcher = Batcher(end_tokens(self.base, self.chat))
        self.batcher.start()

    def load(self, name: str, path: str) -> None:
        """Verify the adapter at `path` and answer for `name` with it from now on."""
        if self.allow_adapters is None:
            raise Refused(403, "This server was started without --allow-adapters.")
        if not NAME.fullmatch(name):
            raise Refused(400, f"{name!r} is not a name for an adapter.", param="lora_name")
        if name in self.models:
            # A name is never used again for other weights: caches upstream would not notice.
            raise Refused(400, f"{name} is loaded already.", param="lora_name")
        folder = Path(path).resolve()
        if self.allow_adapters not in folder.parents:
            raise Refused(
                403, f"Adapters are only loaded from {self.allow_adapters}.", param="lora_path"
            )
        try:
            adapter = artifacts.verify(folder, base_sha256=self.base_sha256)
        except AdapterRefused as refusal:
            raise Refused(400, str(refusal), param="lora_path") from refusal
        weights = artifacts.read_weights(adapter)
        self.models[name] = lora.merged(self.base, weights, rank=adapter.rank, alpha=adapter.alpha)
        self.adapters[name] = adapter

    def unload(self, name: str) -> None:
        """Forget an adapter; answers under way are finished with it."""
        if name not in self.adapters:
            raise Refused(404, f"No adapter {name!r} is loaded.", param="lora_name")
        del self.adapters[name], self.models[name]

    def listing(self) -> dict[str, Any]:
        """The models in OpenAI's shape; an adapter names its base and its digest."""
        return {
            "object": "list",
            "data": [
                {
                    "id": name,
                    "object": "model",
                    "created": self.started,
                    "owned_by": "openflywheel",
                    "root": self.adapters[name].digest if name in self.adapters else name,
                    "parent": self.base_name if name in self.adapters else None,
                    "max_model_len": self.context,
                }
                for name in list(self.models)
            ],
        }

    def understand(self, body: Mapping[str, Any]) -> Question:
        """The question in a request body; Refused where it does not make sense."""
        name = body.get("model")
        if not isinstance(name, str):
            raise Refused(400, "`model` must name a model.", param="model")
        if name not in self.models:
            raise Refused(
                404,
                f"The model `{name}` does not exist.",
                param="model",
                code="model_not_found",
            )
        (prompt,) = self.chat.prompts([_messages(body.get("messages"))])
        room = self.context - len(prompt)
        if room < 1:
            raise Refused(
                400,
                f"The conversation has {len(prompt)} tokens; this model reads {self.context}.",
                param="messages",
                code="context_length_exceeded",
            )
        if _number(body, "n", 1, 1, 128) != 1:
            raise Refused(400, "This server gives one answer a request (`n` = 1).", param="n")
        asked = "max_completion_tokens" if "max_completion_tokens" in body else "max_tokens"
        most = int(_number(body, asked, DEFAULT_NEW_TOKENS, 1, 1 << 20))
        options = body.get("stream_options")
        row = Row(
            prompt=prompt,
            max_new=min(most, room),
            temperature=_number(body, "temperature", 0.0, 0.0, 2.0),
            seed=int(_number(body, "seed", 0, -(1 << 63), (1 << 63) - 1)),
        )
        return Question(
            model=name,
            row=row,
            stops=_stops(body.get("stop")),
            stream=_flag(body, "stream"),
            usage_in_stream=isinstance(options, dict) and options.get("include_usage") is True,
            logprobs=_flag(body, "logprobs"),
        )

    async def answer(self, question: Question) -> dict[str, Any]:
        """A whole answer in OpenAI's shape."""
        model = self.models[question.model]
        row = await asyncio.wrap_future(self.batcher.submit(model, question.row))
        text, cut = _until(self.chat.text(row.tokens), question.stops)
        choice: dict[str, Any] = {
            "index": 0,
            "message": {"role": "assistant", "content": text},
            "finish_reason": "stop" if row.stopped or cut else "length",
            "logprobs": self._logprobs(row) if question.logprobs else None,
        }
        return {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": question.model,
            "choices": [choice],
            "usage": _usage(row),
        }

    async def stream(self, question: Question) -> AsyncIterator[str]:
        """The answer as server-sent events, a piece for every token that shows."""
        loop, news = asyncio.get_running_loop(), asyncio.Queue[int | None]()
        row = question.row

        def hear(token: int) -> None:
            loop.call_soon_threadsafe(news.put_nowait, token)

        row.listener = hear
        future = self.batcher.submit(self.models[question.model], row)
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(news.put_nowait, None))
        head = {
            "id": f"chatcmpl-{uuid.uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": question.model,
        }
        tokens: list[int] = []
        shown, cut = "", False
        try:
            yield _event(head, {"role": "assistant", "content": ""})
            while (token := await news.get()) is not None and not cut:
                tokens.append(token)
                text, cut = _until(self.chat.text(tokens), question.stops)
                if text.endswith("\ufffd") or not text.startswith(shown):
                    continue  # half a character; the rest comes with the next token
                if text != shown:
                    yield _event(head, {"content": text[len(shown) :]})
                    shown = text
            if future.done() and future.exception() is not None:
                yield _line(Refused(500, "The answer could not be finished.").body)
            else:
                yield _event(head, {}, finish="stop" if row.stopped or cut else "length")
                if question.usage_in_stream:
                    yield _line(head | {"choices": [], "usage": _usage(row)})
            yield "data: [DONE]\n\n"
        finally:
            row.cancelled.set()

    def _logprobs(self, row: Row) -> dict[str, Any]:
        pieces = [self.chat.text([token]) for token in row.tokens]
        content = [
            {"token": piece, "logprob": value, "bytes": list(piece.encode()), "top_logprobs": []}
            for piece, value in zip(pieces, row.logprobs, strict=False)
        ]
        return {"content": content, "mean_logprob": row.mean_logprob}


def app(runtime: Runtime) -> Starlette:
    """The HTTP face of a runtime."""

    async def health(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def models(request: Request) -> Response:
        return JSONResponse(runtime.listing())

    async def chat(request: Request) -> Response:
        question = runtime.understand(await _body(request))
        if question.stream:
            return StreamingResponse(runtime.stream(question), media_type="text/event-stream")
        return JSONResponse(await runtime.answer(question))

    async def load(request: Request) -> Response:
        body = await _body(request)
        name, path = _text(body, "lora_name"), _text(body, "lora_path")
        await asyncio.to_thread(runtime.load, name, path)
        return PlainTextResponse(f"Success: LoRA adapter '{name}' added successfully.")

    async def unload(request: Request) -> Response:
        name = _text(await _body(request), "lora_name")
        runtime.unload(name)
        return PlainTextResponse(f"Success: LoRA adapter '{name}' removed successfully.")

    async def refuse(request: Request, refusal: Exception) -> Response:
        assert isinstance(refusal, Refused)
        return JSONResponse(refusal.body, status_code=refusal.status)

    async def not_found(request: Request, refusal: Exception) -> Response:
        body = Refused(404, f"There is no {request.method} {request.url.path} here.").body
        return JSONResponse(body, status_code=getattr(refusal, "status_code", 404))

    async def broken(request: Request, failure: Exception) -> Response:
        return JSONResponse(Refused(500, "The answer could not be finished.").body, 500)

    return Starlette(
        routes=[
            Route("/health", health),
            Route("/v1/models", models),
            Route("/v1/chat/completions", chat, methods=["POST"]),
            Route("/v1/load_lora_adapter", load, methods=["POST"]),
            Route("/v1/unload_lora_adapter", unload, methods=["POST"]),
        ],
        exception_handlers={Refused: refuse, 404: not_found, 405: not_found, 500: broken},
    )


def serve(
    *, base: str, name: str, host: str, port: int, allow_adapters: Path | None = None
) -> None:
    """Serve until told to stop."""
    torch.set_num_threads(1)
    runtime = Runtime(base, name=name, allow_adapters=allow_adapters)
    uvicorn.run(app(runtime), host=host, port=port, log_level="warning", access_log=False)


async def _body(request: Request) -> dict[str, Any]:
    data = bytearray()
    async for piece in request.stream():
        data += piece
        if len(data) > LARGEST_BODY:
            raise Refused(413, f"The request is larger than {LARGEST_BODY} bytes.")
    try:
        body = json.loads(data)
    except (ValueError, RecursionError) as broken:
        raise Refused(400, f"The request is not JSON: {broken}.") from broken
    if not isinstance(body, dict):
        raise Refused(400, "The request must be a JSON object.")
    return body


def _messages(value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or not value:
        raise Refused(400, "`messages` must be a list with a message.", param="messages")
    messages = []
    for number, message in enumerate(value):
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            roles = ", ".join(sorted(ROLES))
            raise Refused(400, f"messages[{number}] needs a role out of {roles}.", param="messages")
        content = message.get("content")
        if isinstance(content, list) and all(
            isinstance(part, dict)
            and part.get("type") == "text"
            and isinstance(part.get("text"), str)
            for part in content
        ):
            content = "".join(part["text"] for part in content)
        if not isinstance(content, str):
            raise Refused(400, f"messages[{number}] needs a text.", param="messages")
        role = "system" if message["role"] == "developer" else message["role"]
        messages.append({"role": role, "content": content})
    return messages


def _number(body: Mapping[str, Any], key: str, default: float, least: float, most: float) -> float:
    value = body.get(key)
    if value is None:
        return default
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:  # NaN fails the comparison
        raise Refused(400, f"`{key}` must be a number from {least} to {most}.", param=key)
    return float(value) if isinstance(default, float) else value


def _flag(body: Mapping[str, Any], key: str) -> bool:
    value = body.get(key)
    if value not in (None, True, False):
        raise Refused(400, f"`{key}` must be true or false.", param=key)
    return bool(value)


def _stops(value: Any) -> tuple[str, ...]:
    stops = [value] if isinstance(value, str) else value or []
    if not isinstance(stops, list) or not all(isinstance(s, str) and s for s in stops):
        raise Refused(400, "`stop` must be a text or a list of texts.", param="stop")
    return tuple(stops)


def _text(body: Mapping[str, Any], key: str) -> str:
    value = body.get(key)
    if not isinstance(value, str) or not value:
        raise Refused(400, f"`{key}` must be a text.", param=key)
    return value


def _until(text: str, stops: tuple[str, ...]) -> tuple[str, bool]:
    """The text up to the first stop, and whether there was one."""
    places = [text.index(stop) for stop in stops if stop in text]
    return (text[: min(places)], True) if places else (text, False)


def _usage(row: Row) -> dict[str, int]:
    completion = len(row.tokens) + row.stopped
    return {
        "prompt_tokens": len(row.prompt),
        "completion_tokens": completion,
        "total_tokens": len(row.prompt) + completion,
    }


def _event(head: dict[str, Any], delta: dict[str, str], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _line(head | {"choices": [choice]})


def _line(body: Mapping[str, Any]) -> str:
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n"
