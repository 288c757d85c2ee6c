"""Taking rows home."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from rest_framework.request import Request

from apps.api import ids, shapes
from apps.api.authentication import caller
from apps.api.calls import SWITCH, Call
from apps.api.face import Face, ReadableJSON, flag
from apps.api.problems import Problem
from apps.builds.exporting import FORMATS, STYLES, Selection
from apps.contributions.models import Contribution, Kind
from apps.contributions.stages import Stage


class Exports(Face):
    """GET streams the rows that the caller may have, as `format` ndjson, parquet or hf (zip)."""

    scopes = {"GET": None}
    selects = False
    calls = {
        "GET": Call(
            {200: shapes.Exported},
            query={
                "format": {"enum": list(FORMATS), "default": "ndjson"},
                "kind": {"enum": list(Kind.values)},
                "skill": {"type": "string", "description": "The name of a skill"},
                "stage": {"enum": list(Stage.values), "default": Stage.ACCEPTED.value},
                "style": {"enum": list(STYLES), "description": "As TRL names its formats"},
                "mine": SWITCH | {"description": "Only what the caller wrote"},
                "pr": {
                    "type": "string",
                    "pattern": f"^{ids.pattern_of('pr')}$",
                    "description": "The rows of one PR",
                },
            },
            refuses=("token_missing",),
            headers=("Content-Disposition",),
            media_types=tuple(form.media_type for form in FORMATS.values()),
        )
    }

    def get(self, request: Request) -> HttpResponseBase:
        name = _choice(request, "format", list(FORMATS)) or "ndjson"
        form, selection = FORMATS[name], _selection(request)
        etag = f'"{selection.etag(name)}"'
        headers = {"ETag": etag, "Vary": "Authorization, Cookie"}
        if {etag, "*"} & set(parse_etags(request.headers.get("If-None-Match", ""))):
            return HttpResponse(status=304, headers=headers)
        headers |= {
            "Content-Type": form.media_type,
            "Content-Disposition": f'attachment; filename="openflywheel-{etag[1:9]}{form.ending}"',
        }
        if request.method == "HEAD":
            return HttpResponse(headers=headers)
        return StreamingHttpResponse(form.write(selection), headers=headers)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        # The parameter says what comes; problems are JSON, whatever is accepted.
        return ReadableJSON(), ReadableJSON.media_type


def _selection(request: Request) -> Selection:
    asked = request.query_params
    mine = flag(request, "mine")
    pr = ids.number_in(asked.get("pr", "0"), Contribution)
    if pr is None:
        raise Problem("bad_parameter", "pr is not the number of a PR, nor an id such as pr_12")
    return Selection(
        reader=caller(request) if mine else request.user,
        kind=_choice(request, "kind", Kind.values),
        # No name holds a NUL character, and no database text can.
        skill=asked.get("skill", "").replace("\0", "\N{REPLACEMENT CHARACTER}"),
        stage=_choice(request, "stage", Stage.values),
        style=_choice(request, "style", STYLES),
        mine=mine,
        pr=pr,
    )


def _choice(request: Request, name: str, choice: Any) -> str:
    asked: str | None = request.query_params.get(name)
    if asked is not None and asked not in choice:
        raise Problem("bad_parameter", f"{name} is not one of {', '.join(choice)}; or leave it out")
    return asked or ""
