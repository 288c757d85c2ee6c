"""OpenAI-compatible serving: pick the version, ask the runtime, log the trace, say who answered."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from functools import wraps
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from apps.accounts.callers import address_of
from apps.accounts.errors import BadToken, ScopeMissing
from apps.accounts.meters import show
from apps.accounts.models import Account, Scope
from apps.accounts.queries import token_holder
from apps.gateway import asking, limits, mirror
from apps.gateway.errors import BadRequest, error_response
from apps.gateway.limits import LimitReached
from apps.rollouts import asking as served
from apps.rollouts import upstream
from apps.rollouts.asking import Asking
from apps.rollouts.errors import RequestRefused, RolloutRefused, UnknownVersion, UpstreamRefused
from apps.rollouts.queries import Route
from apps.skills.models import ModelLine
from apps.skills.queries import the_line
from apps.traces.models import Arm, Trace

# Why an answer ends whose reader left before its end.
HUNG_UP = "cancelled"
View = Callable[..., HttpResponseBase]


def refusing_in_openai_shape(view: View) -> View:
    """Turn every refusal into the error body that OpenAI's clients read."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = answered(request, *args, **kwargs)
        show(response, getattr(request, "readings", ()))
        return response

    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except LimitReached as reached:
            refusal = error_response(str(reached), status=reached.status, code=reached.code)
            refusal["Retry-After"] = str(reached.wait)
            return refusal
        except BadRequest as bad:
            return error_response(str(bad), status=bad.status, code=bad.code, param=bad.param)
        except RequestDataTooBig:
            return error_response("the body is too large", status=413, code="too_large")
        except BadToken as bad:
            return error_response(str(bad), status=401, code="invalid_api_key")
        except ScopeMissing as bad:
            return error_response(str(bad), status=403, code="insufficient_scope")
        except (UnknownVersion, ModelLine.DoesNotExist) as bad:
            return error_response(str(bad), status=404, code="model_not_found", param="model")
        except RequestRefused as bad:
            return error_response(str(bad), status=bad.status, code="refused_by_model")
        except RolloutRefused as bad:
            return error_response(str(bad), status=503, code="upstream_unavailable")

    return wrapped


@csrf_exempt
@require_GET
@refusing_in_openai_shape
def models(request: HttpRequest) -> JsonResponse:
    """Channels first (they move), then every published version (they never do)."""
    _caller(request)
    line = the_line()
    names = [channel.name for channel in line.channels.order_by("pk")]
    names += [version.name for version in line.versions.order_by("-pk")]
    data = [{"id": name, "object": "model", "owned_by": line.name} for name in names]
    return JsonResponse({"object": "list", "data": data})


@csrf_exempt
@require_POST
@refusing_in_openai_shape
def chat_completions(request: HttpRequest) -> HttpResponseBase:
    """Answer by the version that the caller's channel and user get; every answer is a trace."""
    caller = _caller(request)
    asked = asking.read(request.body)
    line = the_line()
    route = served.route_of(line, asked)
    if asked.stream:
        return _streamed(line, asked, route, caller)
    answer, trace = served.answer(line, asked, route, caller)
    if route.shadow:
        mirror.later(trace, route.shadow, asked.body, experiment=route.experiment)
    response = JsonResponse({**answer, "id": trace.public_id, "model": trace.version})
    return _named(response, trace)


def _caller(request: HttpRequest) -> Account:
    header = request.headers.get("Authorization", "")
    if not header.startswith("Bearer "):
        raise BadToken("send your token as “Authorization: Bearer ofw_pat_…”")
    text = header.removeprefix("Bearer ").strip()
    token = token_holder(text, address=address_of(request))
    request.readings = limits.take_one(token.account)  # type: ignore[attr-defined]
    limits.ensure_within(request.readings)  # type: ignore[attr-defined]
    if Scope.CHAT not in token.scopes:
        raise ScopeMissing(f"this token lacks the scope “{Scope.CHAT}”; make one that has it")
    return token.account


class _Stream:
    """Events as they come; closed with the connection, also before the first of them."""

    def __init__(self, events: Generator[str], upstream_: ExitStack) -> None:
        self.events, self.upstream = events, upstream_

    def __iter__(self) -> Iterator[str]:
        return self.events

    def close(self) -> None:
        """Let go of the runtime, and write down what was said until then."""
        self.events.close()
        self.upstream.close()


def _streamed(
    line: ModelLine, asked: Asking, route: Route, caller: Account
) -> StreamingHttpResponse:
    """Server-sent events as the runtime sends them; the trace is written when they end.

    The runtime is asked before the first word goes out, so that its refusal is still a status.
    """
    began, said = time.perf_counter(), list[str]()
    stack = ExitStack()
    route, lines = _opened(line, asked, route, caller, stack)

    def events() -> Generator[str]:
        finish = ""
        try:
            with stack:
                for line_ in lines:
                    piece = _piece(line_)
                    said.append(piece.get("content") or "")
                    finish = piece.get("finish_reason") or finish
                    yield line_ + "\n"
        except UpstreamRefused as refusal:
            log("", str(refusal))
            told = error_response(str(refusal), status=503, code="upstream")
            yield f"data: {told.content.decode()}\n\n"
        except GeneratorExit:
            # Unlogged, a version whose readers hang up would seem to be asked less than it is.
            log(finish or HUNG_UP)
            raise
        else:
            log(finish)

    def log(finish: str, error: str = "") -> None:
        message = {"message": {"content": "".join(said)}, "finish_reason": finish}
        answer = None if error else {"choices": [message], "usage": {}}
        served.log_answer(line, asked, route, caller, began, said=answer, error=error)

    response = StreamingHttpResponse(_Stream(events(), stack), content_type="text/event-stream")
    # The trace has no number before the last word; who answers is known before the first.
    response["x-openflywheel-version"] = route.version.name
    response["x-openflywheel-digest"] = route.version.digest
    return response


def _opened(
    line: ModelLine, asked: Asking, route: Route, caller: Account, stack: ExitStack
) -> tuple[Route, Iterator[str]]:
    """Who answers, and their first words; a candidate that fails makes way for the live version."""
    began = time.perf_counter()
    try:
        return route, stack.enter_context(upstream.stream(route.version, asked.body))
    except (UpstreamRefused, RequestRefused) as refusal:
        if route.arm != Arm.CANDIDATE:
            if isinstance(refusal, UpstreamRefused):
                served.log_answer(line, asked, route, caller, began, error=str(refusal))
            raise
        live = served.live_route(line, asked)
        opened = _opened(line, asked, live, caller, stack)
        served.log_answer(line, asked, route, caller, began, error=str(refusal))
        return opened


def _piece(line: str) -> dict[str, Any]:
    """What one event adds: its content, and perhaps why the answer ends."""
    data = line.removeprefix("data: ")
    if not line.startswith("data: ") or data == "[DONE]":
        return {}
    choice = (json.loads(data).get("choices") or [{}])[0]
    return {**choice.get("delta", {}), "finish_reason": choice.get("finish_reason")}


def _named(response: HttpResponse, trace: Trace) -> HttpResponse:
    """Say in headers which version answered, and under which trace."""
    response["x-openflywheel-version"] = trace.version
    response["x-openflywheel-digest"] = trace.version_digest
    response["x-openflywheel-trace"] = trace.public_id
    return response
