"""Asking the served model: the version that a user gets answers, and every answer is a trace.

The gateway and the playground both ask here, so a question takes the same road from either.
"""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.rollouts import allowance, queries, upstream
from apps.rollouts.errors import RequestRefused, UnknownVersion, UpstreamRefused
from apps.rollouts.models import Channel, Version
from apps.rollouts.queries import Route
from apps.skills.models import ModelLine
from apps.traces.actions import log
from apps.traces.models import Arm, Trace

STABLE = "stable"
REMEMBERED_SECONDS = 600
MOST_TOKENS = 512


@dataclass(frozen=True)
class Asking:
    """A request: `body` goes upstream, the rest stays here."""

    model: str
    messages: list[dict[str, Any]]
    user: str
    skill: str
    stream: bool
    body: dict[str, Any]


def question(messages: list[dict[str, str]], *, user: str, skill: str = "") -> Asking:
    """A request of a page: the stable channel, an answer of bounded length."""
    body = {"messages": messages, "max_tokens": MOST_TOKENS}
    return Asking(STABLE, messages, user, skill, False, body)


def route_of(line: ModelLine, asked: Asking) -> Route:
    """The channel's choice for this user, or exactly the version that was named."""
    name = asked.model or STABLE
    channel = line.channels.select_related("live").filter(name=name).first()
    if channel:
        return queries.route(channel, asked.user)
    return Route(queries.version_named(asked.model), Arm.LIVE)


def live_route(line: ModelLine, asked: Asking) -> Route:
    """The live version of the channel, outside every experiment."""
    return Route(queries.channel_named(line, asked.model or STABLE).live, Arm.LIVE)


def answer(
    line: ModelLine, asked: Asking, route: Route, caller: Account | None
) -> tuple[dict[str, Any], Trace]:
    """Ask the runtime; a candidate that fails is logged, and the live version answers instead.

    Raises `RequestRefused`, and logs nothing, for what no version would answer; a candidate that
    refuses what the live version then answers has failed.
    """
    began = time.perf_counter()
    try:
        said = upstream.chat(route.version, asked.body)
    except RequestRefused as refusal:
        if route.arm != Arm.CANDIDATE:
            raise
        answered = answer(line, asked, live_route(line, asked), caller)
        log_answer(line, asked, route, caller, began, error=str(refusal))
        return answered
    except UpstreamRefused as refusal:
        log_answer(line, asked, route, caller, began, error=str(refusal))
        if route.arm != Arm.CANDIDATE:
            raise
        return answer(line, asked, live_route(line, asked), caller)
    return said, log_answer(line, asked, route, caller, began, said=said)


def two_answers(line: ModelLine, asked: Asking, caller: Account | None) -> tuple[Trace, Trace]:
    """The live version's answer and another version's; `UnknownVersion` where there is no other.

    Outside every experiment: a pair is judged for its own sake, and moves no gate.
    """
    channel = queries.channel_named(line, STABLE)
    other = _rival(channel)
    if other is None:
        raise UnknownVersion(_("Only one version is served so far; ask it alone"))
    traces = [
        answer(line, asked, Route(version, Arm.LIVE), caller)[1]
        for version in (channel.live, other)
    ]
    return traces[0], traces[1]


def answers_now(
    line: ModelLine, messages: list[dict[str, str]], *, user: str, account: Account | None
) -> str:
    """What the live version says to this, unlogged and remembered for ten minutes.

    Raises `UpstreamRefused` when it does not answer, `AllowanceSpent` when the user has asked too
    often; what is remembered costs nothing.
    """
    live = queries.channel_named(line, STABLE).live
    mark = hashlib.sha256(repr((live.digest, messages)).encode()).hexdigest()
    if (known := cache.get(f"answers:{mark}")) is not None:
        return str(known)
    allowance.spend(f"hints:{user}", account)
    said = upstream.chat(live, {"messages": messages, "max_tokens": MOST_TOKENS, "temperature": 0})
    text = said["choices"][0]["message"]["content"] or ""
    cache.set(f"answers:{mark}", text, REMEMBERED_SECONDS)
    return str(text)


def log_answer(
    line: ModelLine,
    asked: Asking,
    route: Route,
    caller: Account | None,
    began: float,
    *,
    said: dict[str, Any] | None = None,
    error: str = "",
) -> Trace:
    """Write down one answer, or why there is none; `began` is a `time.perf_counter()`."""
    return log(
        line,
        version=route.version.name,
        digest=route.version.digest,
        arm=route.arm,
        experiment=route.experiment,
        channel=asked.model or STABLE,
        user=asked.user,
        skill=asked.skill,
        asked_by=caller,
        messages=asked.messages,
        answer=said,
        error=error,
        seconds=time.perf_counter() - began,
    )


def _rival(channel: Channel) -> Version | None:
    """Whom the live version is compared with: the candidate under way, else its predecessor."""
    rollout = queries.under_way(channel)
    if rollout and rollout.candidate_id != channel.live_id:
        return rollout.candidate
    return channel.line.versions.exclude(pk=channel.live_id).order_by("-pk").first()
