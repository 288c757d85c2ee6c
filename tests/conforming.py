"""Every answer of the API that a test sees is held against the OpenAPI document."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import jsonschema_rs
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from apps.api.schema import document

DESCRIBED = ("/api/v1/", "/v1/")
CONVERTERS = re.compile(r"<(?:\w+:)?(\w+)>")


class Undocumented(AssertionError):
    """An answer that the document does not foresee."""


# What `?fields=` picks holds none but the fields that were asked for.
PICKED = "fields"


def check(method: str, path: str, answer: HttpResponseBase) -> None:
    """Raise `Undocumented` unless the document foresees this answer in full."""
    operation = _operation(method, path)
    if operation is None or answer.status_code >= 500:
        return
    said = f"{method} {path} answered {answer.status_code}"
    described = operation["responses"].get(str(answer.status_code))
    if described is None:
        raise Undocumented(f"{said}, which is not among {', '.join(operation['responses'])}")
    for name, header in described.get("headers", {}).items():
        if _followed(header).get("required") and name not in answer.headers:
            raise Undocumented(f"{said} without the header {name}")
    if not isinstance(answer, HttpResponse):
        return
    picked = PICKED in _asked(answer)
    _check_body(said, operation["operationId"], answer, described, picked=picked)


def _asked(answer: HttpResponse) -> Any:
    """The parameters that led to an answer of the test client."""
    request = getattr(answer, "wsgi_request", None)
    return request.GET if request is not None else {}


def _check_body(
    said: str,
    operation: str,
    answer: HttpResponse,
    described: dict[str, Any],
    *,
    picked: bool = False,
) -> None:
    content = described.get("content", {})
    if not content:
        if answer.content:
            raise Undocumented(f"{said} with a body, and none is documented")
        return
    media_type = answer.headers["Content-Type"].partition(";")[0]
    if media_type not in content:
        raise Undocumented(f"{said} as {media_type}; documented are {', '.join(content)}")
    if "json" not in media_type:
        return
    body = json.loads(answer.content)
    try:
        _validator(operation, answer.status_code, media_type, picked=picked).validate(body)
    except jsonschema_rs.ValidationError as error:
        raise Undocumented(f"{said}: {error}\n{json.dumps(body)[:2000]}") from None
    codes = described.get("x-codes")
    if codes is not None and body["code"] not in codes:
        raise Undocumented(
            f"{said} with the code {body['code']}; declare it in `refuses` of the view's call"
        )


def _operation(method: str, path: str) -> dict[str, Any] | None:
    """The described operation; None where there is none (then the answer is 404 or 405)."""
    if not path.startswith(DESCRIBED):
        return None
    try:
        route = resolve(path).route
    except Resolver404:
        return None
    address = document()["paths"].get("/" + CONVERTERS.sub(r"{\1}", route), {})
    found: dict[str, Any] | None = address.get(method.lower())
    return found


def _followed(header: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in header:
        return header
    found: dict[str, Any] = document()["components"]["headers"][header["$ref"].rpartition("/")[2]]
    return found


@cache
def _validator(
    operation: str, status: int, media_type: str, *, picked: bool
) -> jsonschema_rs.Validator:
    described = next(
        found
        for methods in document()["paths"].values()
        for found in methods.values()
        if found["operationId"] == operation
    )
    schema = described["responses"][str(status)]["content"][media_type]["schema"]
    whole = {**schema, "components": document()["components"]}
    whole = _without_needs(whole) if picked else whole
    return jsonschema_rs.Draft202012Validator(whole, validate_formats=True)


def _without_needs(schema: Any) -> Any:
    """The schema with nothing required."""
    if isinstance(schema, list):
        return [_without_needs(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        name: _without_needs(inner)
        for name, inner in schema.items()
        if not (name == "required" and isinstance(inner, list))
    }
