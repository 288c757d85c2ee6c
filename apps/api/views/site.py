"""The front door: what there is, what problems mean, and what is not here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import answers, problems, shapes, versions
from apps.api.calls import Call
from apps.api.face import Face
from apps.api.mends import mend_of
from apps.api.problems import Kind, Problem
from apps.api.schema import document
from apps.skills.queries import the_line


class Index(Face):
    """GET lists every address of this API with what it does."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.Directory}, impersonal=True)}
    addresses: Sequence[URLPattern] = ()

    def get(self, request: Request) -> Response:
        return Response({"addresses": [_described(entry) for entry in self.addresses]})


class ProblemPage(Face):
    """GET says what a problem code means; every problem's `type` leads here."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.ProblemKind}, impersonal=True)}

    def get(self, request: Request, code: str) -> Response:
        kinds = problems.kinds()
        if code not in kinds:
            raise Problem("not_found", f"there is no problem “{code}”")
        return Response(_explained(kinds[code]))


class Problems(Face):
    """GET lists every kind of problem that this API answers with, and what to do about each."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.ProblemKinds}, impersonal=True)}

    def get(self, request: Request) -> Response:
        return Response({"items": [_explained(kind) for kind in problems.kinds().values()]})


class Versions(Face):
    """GET lists the dated versions of this API, and what of it is going away."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.DatedVersions}, impersonal=True)}

    def get(self, request: Request) -> Response:
        return Response(versions.shown())


class Skills(Face):
    """GET lists the skills of the line: what the model should be good at."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: shapes.Skills}, refuses=("no_model_line",), impersonal=True)}

    def get(self, request: Request) -> Response:
        line = the_line()
        shown = [answers.skill(skill) for skill in line.skills.all()]
        return Response({"line": line.name, "items": shown})


class OpenAPI(Face):
    """GET describes this API as an OpenAPI 3.1 document, for tools that read one."""

    scopes = {"GET": None}
    calls = {"GET": Call({200: dict[str, Any]}, impersonal=True)}

    def get(self, request: Request) -> Response:
        return Response(document())


class Nothing(Face):
    """Any other address: a problem like every other, never a page."""

    scopes = dict.fromkeys(("GET", "POST", "PUT", "PATCH", "DELETE"))
    schema = None  # type: ignore[assignment]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        mend = "GET /api/v1/ lists the addresses"
        if request.path.endswith("/"):
            mend = f"without the slash at the end it may be one; {mend}"
        raise Problem("not_found", f"there is no address {request.path}; {mend}")


class Unreached(Face):
    """What went wrong before any address was looked up: a problem like every other, too."""

    authentication_classes = []
    schema = None  # type: ignore[assignment]
    error: Exception = Exception()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise self.error


def _explained(kind: Kind) -> dict[str, Any]:
    return {
        "code": kind.code,
        "status": kind.status,
        "title": kind.title,
        "mend": mend_of(kind.code),
    }


def _described(address: URLPattern) -> dict[str, str]:
    view: type[Face] = address.callback.view_class  # type: ignore[attr-defined]
    written = re.sub(r"<\w+:(\w+)>", r"{\1}", str(address.pattern))
    return {"address": f"/api/v1/{written}", "does": (view.__doc__ or "").strip()}
