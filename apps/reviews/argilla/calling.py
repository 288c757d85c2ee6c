"""The one way to Argilla: its SDK, at the operator's address, never led elsewhere.

The address is the operator's, so it may be a private one; what it answers is not ours. Redirects
are not followed, proxies of the environment are not asked, and no call waits for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import httpx
from django.conf import settings

from apps.reviews.argilla.errors import ArgillaAway, ArgillaOff, BatchRefused

if TYPE_CHECKING:
    import argilla

SECONDS = 120
# What says that the rows are at fault, and not the road or the key.
ROWS_AT_FAULT = (400, 413, 422)
NOT_THERE = 404
LONGEST_TROUBLE, LONGEST_REFUSAL = 300, 500


def is_on() -> bool:
    """Whether this site has an Argilla."""
    return bool(settings.ARGILLA_API_URL)


def ensure_on() -> None:
    """`ArgillaOff` unless this site has an Argilla."""
    if not is_on():
        raise ArgillaOff("no Argilla is connected: set ARGILLA_API_URL and ARGILLA_API_KEY")


@contextmanager
def connected() -> Iterator[argilla.Argilla]:
    """A client that has said who it is; `ArgillaAway` when that fails, or anything inside does."""
    ensure_on()
    # The SDK brings pandas with it: a second of import that no web process needs.
    import argilla

    # At INFO it writes what it made, the secrets of webhooks among it.
    logging.getLogger("argilla.sdk").setLevel(logging.WARNING)
    with _plainly():
        client = argilla.Argilla(
            api_url=settings.ARGILLA_API_URL,
            api_key=settings.ARGILLA_API_KEY,
            timeout=SECONDS,
            retries=0,
            follow_redirects=False,
            trust_env=False,
        )
        try:
            yield client
        finally:
            client.api.http_client.close()


@contextmanager
def rows_may_fail() -> Iterator[None]:
    """Say `BatchRefused` when Argilla read what was sent and did not take it."""
    from argilla._exceptions import ArgillaAPIError

    try:
        yield
    except ArgillaAPIError as error:
        if error.status_code in ROWS_AT_FAULT:
            raise BatchRefused(str(error)[:LONGEST_REFUSAL]) from error
        raise


def get(client: argilla.Argilla, path: str, **parameters: Any) -> Any:
    """What Argilla answers to GET, for what the SDK leaves out (ids and times of responses)."""
    return _read(client.api.http_client.get(f"/api/v1/{path}", params=parameters))


def get_if_there(client: argilla.Argilla, path: str) -> Any:
    """What Argilla answers to GET; None where it has no such thing."""
    answer = client.api.http_client.get(f"/api/v1/{path}")
    return None if answer.status_code == NOT_THERE else _read(answer)


def put(client: argilla.Argilla, path: str, body: Any) -> bool:
    """Whether Argilla has taken it; False where what was sent is at fault, or its place is gone."""
    answer = client.api.http_client.put(f"/api/v1/{path}", json=body)
    if answer.status_code in (NOT_THERE, *ROWS_AT_FAULT):
        return False
    _read(answer)
    return True


def search(client: argilla.Argilla, path: str, query: Any, **parameters: Any) -> Any:
    """What Argilla answers to a query."""
    answer = client.api.http_client.post(f"/api/v1/{path}", json=query, params=parameters)
    return _read(answer)


def _read(answer: httpx.Response) -> Any:
    if not answer.is_success:
        raise ArgillaAway(
            f"{answer.request.url.path} answered {answer.status_code}: {answer.text[:200]}"
        )
    return answer.json()


@contextmanager
def _plainly() -> Iterator[None]:
    """Everything that the road or the server can do to us, as one kind of refusal."""
    from argilla._exceptions import ArgillaError

    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL, ArgillaError, ValueError) as error:
        said = str(error) or type(error).__name__
        raise ArgillaAway(f"{settings.ARGILLA_API_URL}: {said}"[:LONGEST_TROUBLE]) from error
