"""The serving runtime behind the gateway: vLLM or our own, known only by its OpenAI-compatible URL.

Loading an adapter is believed when `/v1/models` names it: a 200 to the load call alone has been
seen to mean nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from django.conf import settings

from apps.rollouts.errors import RequestRefused, UpstreamRefused
from apps.rollouts.models import Version

ANSWER = "answer"
# What a runtime says of a request that no version would answer; vLLM says 400 of a prompt that is
# too long. A 404 means that the version is not loaded, 408 and 429 that the runtime is too busy.
OF_THE_REQUEST = (400, 413, 422)


def chat(version: Version, body: dict[str, Any]) -> dict[str, Any]:
    """One chat completion by this version; a version that was forgotten is loaded again."""
    asked = {**body, "model": version.name}
    with _refusing(ANSWER):
        response = _client().post("/v1/chat/completions", json=asked)
        if response.status_code == httpx.codes.NOT_FOUND:
            ensure_loaded(version)
            response = _client().post("/v1/chat/completions", json=asked)
        response.raise_for_status()
        answer: dict[str, Any] = response.json()
    return answer


@contextmanager
def stream(version: Version, body: dict[str, Any]) -> Iterator[Iterator[str]]:
    """The lines of a streamed chat completion; leaving the block cancels it upstream."""
    asked = {**body, "model": version.name, "stream": True}
    with (
        _refusing(ANSWER),
        _client().stream("POST", "/v1/chat/completions", json=asked) as response,
    ):
        if response.is_error:
            response.read()
        response.raise_for_status()
        yield response.iter_lines()


def loaded() -> set[str]:
    """Names of the models that the runtime serves now."""
    with _refusing("list its models"):
        response = _client().get("/v1/models")
        response.raise_for_status()
        return {model["id"] for model in response.json()["data"]}


def ensure_loaded(version: Version) -> None:
    """Have the runtime serve this version; `UpstreamRefused` with its own words else."""
    if version.name in loaded():
        return
    if version.is_base:
        raise UpstreamRefused(f"the runtime does not serve the base model {version.name}")
    with _refusing(f"load {version.name}"):
        asked = {"lora_name": version.name, "lora_path": version.path}
        response = _client().post("/v1/load_lora_adapter", json=asked)
        if response.is_error:
            raise UpstreamRefused(f"the runtime refused {version.name}: {response.text[:500]}")
    if version.name not in loaded():
        raise UpstreamRefused(f"the runtime took {version.name} but does not serve it")


@functools.cache
def _client() -> httpx.Client:
    """One pool of connections a process."""
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=32)
    return httpx.Client(
        base_url=settings.UPSTREAM_URL, timeout=settings.UPSTREAM_SECONDS, limits=limits
    )


@contextmanager
def _refusing(purpose: str) -> Iterator[None]:
    try:
        yield
    except httpx.HTTPStatusError as error:
        text = error.response.text[:300] if error.response.is_stream_consumed else ""
        status = error.response.status_code
        if purpose == ANSWER and status in OF_THE_REQUEST:
            raise RequestRefused(_reason(error.response), status=status) from error
        raise UpstreamRefused(f"the runtime did not {purpose}: {status} {text}") from error
    except httpx.HTTPError as error:
        raise UpstreamRefused(f"the runtime did not {purpose}: {error}") from error


def _reason(response: httpx.Response) -> str:
    """The runtime's own words, as OpenAI's clients find them: `{"error": {"message": …}}`."""
    try:
        said = response.json()
        said = said.get("error", said) if isinstance(said, dict) else said
        text = said["message"] if isinstance(said, dict) else said
    except (ValueError, KeyError):
        text = response.text
    return f"the model does not take this request: {str(text)[:300]}"
