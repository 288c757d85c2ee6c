"""Every denial is a line of the log: who was refused what, by which rule, in which request.

A refusal by a rule is an exception of the kind `Denied`, which writes itself down when it is
raised; what a face refuses before any rule is asked (401, 403) the middleware writes down.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

logger = logging.getLogger("openflywheel.denied")

_said: ContextVar[list[str] | None] = ContextVar("denials", default=None)


class Denied(Exception):
    """Somebody may not do what they asked for, whatever state the thing is in."""

    def __init__(self, *said: object) -> None:
        super().__init__(*said)
        collected = _said.get()
        if collected is None:
            logger.info("denied outside a request: %s", self)
        else:
            collected.append(str(self))


def _who(request: HttpRequest) -> str:
    user = getattr(request, "user", None)
    return str(user) if user is not None and user.is_authenticated else "nobody"


class DenialsAreLogged:
    """One line for each denial of a request, with the request's id."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response, unchanged."""
        token = _said.set([])
        try:
            response = self.get_response(request)
            said = _said.get() or []
        finally:
            _said.reset(token)
        if response.status_code in (401, 403) and not said:
            said = [response.reason_phrase]
        for sentence in dict.fromkeys(said):
            logger.info(
                "denied: %s %s to %s, %s (%s), request %s",
                request.method,
                # A token that somebody put into the address must not reach the log.
                request.path[:200],
                _who(request),
                sentence.replace("\n", " ")[:300],
                response.status_code,
                getattr(request, "request_id", "-"),
            )
        return response
