"""What every view of this face shares: who calls, how bodies are read, how refusals look."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Model, QuerySet
from rest_framework.pagination import CursorPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from apps.api import problems
from apps.api.authentication import BearerToken, BrowserSession, HasScope
from apps.api.calls import Call
from apps.api.paging import NewestFirst
from apps.api.parsing import StrictJSON
from apps.api.problems import Problem
from apps.api.schema import FaceSchema

Row = TypeVar("Row", bound=Model)

GOOD_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")


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
    # The parameters that the address takes, besides those of paging.
    parameters: ClassVar[frozenset[str]] = frozenset()
    # The list in the body whose bad elements do not spoil the good ones.
    spare: ClassVar[str | None] = None
    reads_chunked: ClassVar[bool] = False
    # What each method takes and gives; the OpenAPI document is made of it.
    calls: ClassVar[Mapping[str, Call]] = {}
    schema = FaceSchema()
    request_id: str

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        given = request.headers.get("X-Request-Id", "")
        self.request_id = given if GOOD_REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if "chunked" in request.headers.get("Transfer-Encoding", "") and not self.reads_chunked:
            raise Problem("length_required", "send the body with Content-Length, not in chunks")
        known = self.parameters | {"cursor", "limit"}
        if unknown := set(request.query_params) - known:
            name = sorted(unknown)[0][:40]
            choice = ", ".join(sorted(known))
            raise Problem(
                "bad_parameter", f"there is no parameter “{name}” here; there are {choice}"
            )

    def finalize_response(self, request: Request, response: Any, *args: Any, **kw: Any) -> Any:
        shown = super().finalize_response(request, response, *args, **kw)
        shown["X-Request-Id"] = self.request_id
        # Answers depend on who asks, and none of them may stay in a shared cache.
        known = "Authorization" in request.headers or "Cookie" in request.headers
        shown["Cache-Control"] = "private, no-store" if known else "no-cache"
        return shown

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
        pager = order()
        page: Iterable[Row] = pager.paginate_queryset(rows, request, view=self) or []
        return pager.get_paginated_response([show(row) for row in page])


def one(rows: QuerySet[Row], what: str, **named: Any) -> Row:
    """The one row of this name; otherwise a 404 that says what there is none of."""
    try:
        return rows.get(**named)
    except (ObjectDoesNotExist, OverflowError) as error:
        name = next(iter(named.values()))
        raise Problem("not_found", f"there is no {what} {name} that you may see") from error


def flag(request: Request, name: str) -> bool:
    """Whether a parameter of the address is switched on."""
    text = request.query_params.get(name, "0").casefold()
    if text not in ("", "0", "1", "true", "false"):
        raise Problem("bad_parameter", f"{name} is neither 1 nor 0")
    return text in ("", "1", "true")
