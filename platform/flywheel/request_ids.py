"""One id for each request, on its answer and in every log line that is written on its way.

The middleware stands before every other, so that pages, files, the gateway and errors of any layer
carry `X-Request-Id`. A line that a Celery task writes carries the task's id; any other carries `-`.
"""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from celery.signals import task_postrun, task_prerun
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse

# What a client may call its request: nothing that could break a log line or a header.
GOOD = re.compile(r"[A-Za-z0-9._-]{8,64}")
NOBODY = "-"

current: ContextVar[str] = ContextVar("request_id", default=NOBODY)


class RequestIds:
    """Gives the request its id: the caller's own where it is well-formed, else a new one."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """The response with its `X-Request-Id`."""
        request_id = chosen(request.headers.get("X-Request-Id", ""))
        request.request_id = request_id  # type: ignore[attr-defined]
        current.set(request_id)
        response = self.get_response(request)
        response["X-Request-Id"] = request_id
        return response


class Named(logging.Filter):
    """Writes the id of the request under way into each log record."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass, with its `request_id`."""
        record.request_id = current.get()
        return True


def chosen(given: str) -> str:
    """The given id where it is one that we repeat, else a new one (32 hex digits)."""
    return given if GOOD.fullmatch(given) else uuid.uuid4().hex


def _forget(**_: Any) -> None:
    current.set(NOBODY)


def _take_the_task_s(task_id: str = NOBODY, **_: Any) -> None:
    current.set(task_id)


# A stream is still being written when the middleware has returned; this is sent when it is closed.
request_finished.connect(_forget)
task_prerun.connect(_take_the_task_s)
task_postrun.connect(_forget)
