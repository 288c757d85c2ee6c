"""The two clients: one blocks, one awaits; both do what the flows of `calls` want done."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Generic, ParamSpec, Self, TypeVar, cast, overload

import httpx

from openflywheel import calls, logins, offering
from openflywheel.answers import Page
from openflywheel.asking import Answered, Ask, Flow, Outcome, Wait, after, ask
from openflywheel.errors import NoSite
from openflywheel.packing import CHUNK

P = ParamSpec("P")
T = TypeVar("T")

TIMEOUT = httpx.Timeout(120, connect=10)


class Does(Generic[P, T]):
    """A method of both clients: the same arguments, and the answer or something to await."""

    def __init__(self, flow: Callable[P, Flow[T]]) -> None:
        self.flow, self.__doc__ = flow, flow.__doc__

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type[Any]) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, client: AsyncClient, owner: type[Any]
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: type[Any]) -> Any:
        if client is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.run(self.flow(*args, **kwargs))

        method.__doc__ = self.__doc__
        return method


class Lists(Generic[P, T]):
    """A method of both clients that walks through every page of a list."""

    def __init__(self, first: Callable[P, Ask[Page[T]]]) -> None:
        self.first, self.__doc__ = first, first.__doc__

    @overload
    def __get__(self, client: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, client: Client, owner: type[Any]) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: AsyncClient, owner: type[Any]) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: Any, owner: type[Any]) -> Any:
        if client is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.walk(self.first(*args, **kwargs))

        method.__doc__ = self.__doc__
        return method


class _Methods:
    """What both clients can do."""

    me = Does(calls.me)
    sign_up = Does(calls.sign_up)
    sign_in = Does(calls.sign_in)
    skills = Does(calls.skills)
    feedback = Does(calls.feedback)
    submit = Does(offering.submit)
    contribution = Does(calls.contribution)
    contributions = Lists(calls.contributions)
    rows = Lists(calls.rows)
    life = Does(calls.life)
    comment = Does(calls.comment)
    withdraw = Does(calls.withdraw)
    export = Does(calls.export)

    def __init__(self, url: str = "", token: str | None = None) -> None:
        self.url = (url or logins.known_url()).rstrip("/")
        if not self.url:
            raise NoSite("no site is named; run `openflywheel login`, or set OPENFLYWHEEL_URL")
        if not self.url.startswith(("http://", "https://")):
            raise NoSite(
                f"“{self.url}” is no address of a site; give one as http://… or https://…, or set "
                "OPENFLYWHEEL_URL, or run `openflywheel login`"
            )
        self.token = logins.known_token(self.url) if token is None else token

    def _headers(self, question: Ask[Any]) -> dict[str, str]:
        token = self.token if question.token is None else question.token
        headers = {"Accept": "application/json", "User-Agent": "openflywheel-python"}
        if question.sink is not None:
            headers["Accept"] = "*/*"
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if question.body is not None:
            headers |= question.body.headers
        return headers | dict(question.headers)

    def _address(self, question: Ask[Any]) -> str:
        return f"{self.url}/api/v1/{question.path}"

    def _request(self, question: Ask[Any], content: Any) -> dict[str, Any]:
        return {
            "method": question.method,
            "url": self._address(question),
            "params": dict(question.params) or None,
            "json": question.json,
            "content": content,
            "headers": self._headers(question),
        }


class Client(_Methods):
    """A site, for code that waits for its answers. Threads may share one client.

    Without `url` and `token` it takes `OPENFLYWHEEL_URL` and `OPENFLYWHEEL_TOKEN`, or what
    `openflywheel login` has kept.
    """

    def __init__(
        self,
        url: str = "",
        token: str | None = None,
        *,
        transport: httpx.BaseTransport | None = None,
        wait: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(url, token)
        self.http, self.wait = httpx.Client(timeout=TIMEOUT, transport=transport), wait

    def run(self, flow: Flow[T]) -> T:
        """Do what a flow wants done, to its end."""
        outcome: Outcome = None
        try:
            while True:
                wish = flow.send(outcome)
                outcome = None if isinstance(wish, Wait) else self._ask(wish)
                if isinstance(wish, Wait):
                    self.wait(wish.seconds)
        except StopIteration as end:
            return cast(T, end.value)

    def walk(self, first: Ask[Page[T]]) -> Iterator[T]:
        """Every item of a list, page after page."""
        page = self.run(ask(first))
        yield from page.items
        while page.next:
            page = self.run(ask(after(first, page.next)))
            yield from page.items

    def _ask(self, question: Ask[Any]) -> Outcome:
        content = question.body.pieces() if question.body else None
        try:
            with self.http.stream(**self._request(question, content)) as response:
                if question.sink is None or response.is_error:
                    return _answered(response, response.read())
                for piece in response.iter_bytes(CHUNK):
                    question.sink.write(piece)
                return _answered(response, b"")
        except httpx.TransportError as error:
            return error

    def close(self) -> None:
        """Let go of the connections."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(_Methods):
    """A site, for code that awaits its answers; see `Client`."""

    def __init__(
        self,
        url: str = "",
        token: str | None = None,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        wait: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        super().__init__(url, token)
        self.http, self.wait = httpx.AsyncClient(timeout=TIMEOUT, transport=transport), wait

    async def run(self, flow: Flow[T]) -> T:
        """Do what a flow wants done, to its end."""
        outcome: Outcome = None
        try:
            while True:
                wish = flow.send(outcome)
                outcome = None if isinstance(wish, Wait) else await self._ask(wish)
                if isinstance(wish, Wait):
                    await self.wait(wish.seconds)
        except StopIteration as end:
            return cast(T, end.value)

    async def walk(self, first: Ask[Page[T]]) -> AsyncIterator[T]:
        """Every item of a list, page after page."""
        page = await self.run(ask(first))
        for item in page.items:
            yield item
        while page.next:
            page = await self.run(ask(after(first, page.next)))
            for item in page.items:
                yield item

    async def _ask(self, question: Ask[Any]) -> Outcome:
        content = _awaited(question.body.pieces()) if question.body else None
        try:
            async with self.http.stream(**self._request(question, content)) as response:
                if question.sink is None or response.is_error:
                    return _answered(response, await response.aread())
                async for piece in response.aiter_bytes(CHUNK):
                    question.sink.write(piece)
                return _answered(response, b"")
        except httpx.TransportError as error:
            return error

    async def close(self) -> None:
        """Let go of the connections."""
        await self.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


async def _awaited(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def _answered(response: httpx.Response, content: bytes) -> Answered:
    return Answered(response.status_code, response.headers, content)
