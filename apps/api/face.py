"""What every view of this face shares: who calls, how bodies are read, how refusals look."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet
from django.utils.cache import patch_vary_headers
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from apps.accounts.meters import Reading
from apps.api import etags, idempotency, limits, problems, versions
from apps.api.authentication import BearerToken, BrowserSession, HasScope
from apps.api.calls import Call
from apps.api.paging import NewestFirst
from apps.api.parsing import StrictJSON
from apps.api.problems import Problem
from apps.api.schema import FaceSchema

Row = TypeVar("Row", bound=Model)


class ReadableJSON(JSONRenderer):
    """JSON; indented for a person with curl, close-set for a program that asks for JSON by name."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        rendered = super().render(data, accepted_media_type, renderer_context)
        return rendered + b"\n" if rendered else rendered

    def get_indent(
        self, accepted_media_type: str, renderer_context: Mapping[str, Any]
    ) -> int | None:
        request = renderer_context.get("request")
        asked = request.headers.get("Accept", "") if request else ""
        return None if "json" in asked else 2


class Face(APIView):
    """A thin view: it reads the body, asks a query or calls an action, and shows the result."""

    authentication_classes = [BearerToken, BrowserSession]
    permission_classes = [HasScope]
    parser_classes = [StrictJSON]
    renderer_classes = [ReadableJSON]
    metadata_class = None

    # Method to scope; see `HasScope`.
    scopes: ClassVar[Mapping[str, str | None]] = {}
    # The list in the body whose bad elements do not spoil the good ones.
    spare: ClassVar[str | None] = None
    # The address reads its body in pieces, in whatever way it comes, and commits in parts.
    reads_chunked: ClassVar[bool] = False
    # Answers are objects with names to pick from by `?fields=`.
    selects: ClassVar[bool] = True
    # What each method takes and gives; the OpenAPI document is made of it.
    calls: ClassVar[Mapping[str, Call]] = {}
    schema = FaceSchema()
    request_id: str
    version: str = versions.VERSIONS[-1]
    readings: Sequence[Reading] = ()
    # What an edit of the shown resource takes for granted; see `etags`.
    state: str = ""

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """DRF's own order of things, with the handler run once for each Idempotency-Key."""
        self.args, self.kwargs = args, kwargs
        self.request = asked = self.initialize_request(request, *args, **kwargs)
        self.headers = self.default_response_headers
        try:
            self.initial(asked, *args, **kwargs)
            shown = idempotency.once(self, asked, lambda: self.handled(asked, *args, **kwargs))
        except Exception as error:
            shown = self.refused(error)
        return self.told(shown)

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        self.request_id = getattr(request, "request_id", "")
        return super().initialize_request(request, *args, **kwargs)

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        self.readings = limits.take_one(request, self.route)
        limits.ensure_within(self.readings)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.version = versions.asked(request)
        super().initial(request, *args, **kwargs)
        if "chunked" in request.headers.get("Transfer-Encoding", "") and not self.reads_chunked:
            raise Problem("length_required", "send the body with Content-Length, not in chunks")
        self._ensure_known_parameters(request)

    def _ensure_known_parameters(self, request: Request) -> None:
        """A Problem for a parameter that this call does not take: it would be lost in silence."""
        method = "GET" if request.method == "HEAD" else request.method
        call = self.calls.get(method or "")
        if call is None:
            return
        known = call.parameters | ({"fields"} if self.selects and method == "GET" else set())
        if unknown := sorted(set(request.query_params) - known):
            there = f"there are {', '.join(sorted(known))}" if known else "there are none"
            raise Problem(
                "bad_parameter", f"there is no parameter “{unknown[0][:40]}” here; {there}"
            )

    def handled(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """What the handler of this method answers, rendered; a refusal is raised."""
        method = (request.method or "").lower()
        handler = getattr(self, method, self.http_method_not_allowed)
        if method not in self.http_method_names:
            handler = self.http_method_not_allowed
        response = handler(request, *args, **kwargs)
        if method in ("get", "head") and "fields" in request.query_params:
            response.data = selected(response.data, request.query_params["fields"])
        return self.rendered(request, response)

    def refused(self, error: Exception) -> Any:
        """The problem for an error, rendered."""
        return self.rendered(self.request, self.handle_exception(error))

    def rendered(self, request: Request, response: Any) -> Any:
        """The response with its bytes, its ETag and what of the address is going away."""
        shown = self.finalize_response(request, response, *self.args, **self.kwargs)
        versions.announce(shown, self.route)
        if not hasattr(shown, "render"):
            return shown
        shown.render()
        reads = request.method in ("GET", "HEAD")
        if shown.status_code == 200 and (reads or self.state):
            shown["ETag"] = etags.tag(shown, self.state)
            if reads and etags.unchanged(request, shown["ETag"]):
                shown.status_code, shown.content = 304, b""
                del shown["Content-Type"]
        return shown

    def told(self, shown: Any) -> Any:
        """The answer with what holds for this request alone, new or repeated."""
        shown["X-Request-Id"] = self.request_id
        shown[versions.HEADER] = self.version
        patch_vary_headers(shown, ["Accept", versions.HEADER])
        limits.show(shown, self.readings)
        # Answers depend on who asks, and none of them may stay in a shared cache.
        headers = self.request.headers
        known = "Authorization" in headers or "Cookie" in headers
        shown["Cache-Control"] = "private, no-store" if known else "no-cache"
        return shown

    @property
    def route(self) -> str:
        """The name of the address, as `urls` gives it."""
        match = self.request.resolver_match if hasattr(self, "request") else None
        return match.url_name or "" if match else ""

    def get_exception_handler(self) -> Callable[..., Response]:
        return problems.answer

    def read(self, form: type[Serializer[Any]], request: Request) -> dict[str, Any]:
        """The body as the form reads it; a problem lists every field that needs mending."""
        body = form(data=request.data)
        body.is_valid(raise_exception=True)
        return body.validated_data

    def paged(
        self,
        request: Request,
        rows: QuerySet[Row],
        show: Callable[[Row], Any],
        order: type[CursorPagination] = NewestFirst,
    ) -> Response:
        """One page of rows, each as `show` shows it."""
        return self.paged_together(request, rows, lambda page: [show(row) for row in page], order)

    def paged_together(
        self,
        request: Request,
        rows: QuerySet[Row],
        show: Callable[[list[Row]], list[Any]],
        order: type[CursorPagination] = NewestFirst,
    ) -> Response:
        """One page of rows, shown all at once, so that what belongs to them is fetched once."""
        pager = order()
        page: list[Row] = pager.paginate_queryset(rows, request, view=self) or []
        return pager.get_paginated_response(show(page))


def one(rows: QuerySet[Row], what: str, **named: Any) -> Row:
    """The one row of this name; otherwise a 404 that says what there is none of."""
    try:
        return rows.get(**named)
    except (ObjectDoesNotExist, OverflowError) as error:
        name = next(iter(named.values()))
        raise Problem("not_found", f"there is no {what} {name} that you may see") from error


def selected(data: Any, asked: str) -> Any:
    """The named fields of an object, or of each item of a list."""
    names = [name.strip() for name in asked.split(",")]
    if isinstance(data, dict) and isinstance(data.get("items"), list):
        return data | {"items": [_picked(item, names) for item in data["items"]]}
    return _picked(data, names)


def _picked(shown: Any, names: list[str]) -> Any:
    if not isinstance(shown, dict):
        return shown
    if unknown := [name for name in names if name not in shown]:
        choice = ", ".join(shown)
        raise Problem(
            "bad_parameter", f"there is no field “{unknown[0][:40]}” here; there are {choice}"
        )
    return {name: shown[name] for name in names}


def flag(request: Request, name: str) -> bool:
    """Whether a parameter of the address is switched on."""
    text = request.query_params.get(name, "0").casefold()
    if text not in ("", "0", "1", "true", "false"):
        raise Problem("bad_parameter", f"{name} is neither 1 nor 0")
    return text in ("", "1", "true")
