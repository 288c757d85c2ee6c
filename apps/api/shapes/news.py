"""Notices and webhooks."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from apps.api.calls import Facts
from apps.api.shapes.base import Count


class Notice(TypedDict):
    """A line of the inbox."""

    number: int
    text: str
    type: str
    contribution: int
    event: int
    reason: str
    at: datetime
    read_at: datetime | None
    done_at: datetime | None
    saved: bool


class Marked(TypedDict):
    """How many lines of the inbox were changed."""

    changed: Count


class Followed(TypedDict):
    """Whether a PR is followed or muted now."""

    number: int
    muted: bool


class Webhook(TypedDict):
    """An address that is told of events; its key is shown only when it is made."""

    id: str
    number: int
    url: str
    wants: list[str]
    own_only: bool
    algorithm: Literal["v1", "v1a"]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_because: str


class KeyedWebhook(Webhook):
    """A webhook with its new key, which is never shown again."""

    key: Annotated[str, Facts(pattern="^wh(sec|pk)_")]


class Delivery(TypedDict):
    """One message to one webhook, and how its last try went."""

    id: str
    number: int
    message: str
    type: str
    body: dict[str, Any]
    created_at: datetime
    tries: Count
    status: int | None
    answer: str
    delivered_at: datetime | None
    next_try_at: datetime | None


class ArgillaEvent(TypedDict):
    """An event as Argilla's webhooks send it, signed as Standard Webhooks has it."""

    type: Annotated[str, "Responses are read (`response.created` …), other kinds are left alone"]
    version: NotRequired[int]
    timestamp: str
    data: dict[str, Any]
