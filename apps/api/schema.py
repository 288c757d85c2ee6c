"""The OpenAPI document, made of what the views declare in `calls` (see `apps.api.calls`).

drf-spectacular walks the addresses and reads the forms of `apps.api.bodies`; the answers come from
the types of `apps.api.shapes`. What every address has in common stands here, once: the problems
that it can give, the headers, the parameters.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import (
    Any,
)

from django.urls import resolve
from django.utils.translation import override
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from rest_framework.serializers import Serializer

from apps.accounts.models import Scope
from apps.api import idempotency, ids, problems, shapes, versions
from apps.api.bodies import Anything, Body
from apps.api.calls import SWITCH, Call, Page
from apps.api.jsonschema import Schema, Shapes
from apps.api.parsing import NDJSON

PROBLEM_TYPE = "application/problem+json"
SAFE = ("GET", "HEAD")

# -- What addresses have in common ----------------------------------------------------------------

# Codes of problems that come before any view has had its say.
ANYWHERE = (
    *("bad_parameter", "unknown_api_version", "bad_token", "length_required", "not_acceptable"),
    *("bad_request", "too_many_requests", "too_many_tries", "database_away"),
)
# Where an Idempotency-Key is taken.
WITH_A_KEY = ("request_under_way", "key_reused")
WITH_IF_MATCH = ("changed_since", "if_match_missing")
WITH_A_BODY = (
    *("bad_json", "body_cut_off", "bad_encoding"),
    *("too_large", "unsupported_media_type"),
)
# A browser's session is asked for its CSRF token on every change.
ON_CHANGE = ("not_allowed",)

PARAMETERS: dict[str, Schema] = {
    "cursor": {"type": "string", "description": "From `next` or `prev` of an earlier page"},
    "limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": 200,
        "default": 50,
        "description": "The most elements on a page",
    },
    "dry_run": SWITCH | {"description": "Look, and store nothing"},
    "verdicts": {
        "enum": ["all", "refused"],
        "default": "all",
        "description": "Whose verdicts stand in the answer; the counts cover all",
    },
}
FIELDS = {
    "type": "string",
    "description": "The fields that you want, with commas; the answer (each item of a list) then "
    "holds these alone, whatever else is required of it",
}
REQUEST_HEADERS: dict[str, Schema] = {
    "X-Request-Id": {
        "type": "string",
        "description": "Your own id for the request (8 to 64 of A-Z a-z 0-9 . _ -); it comes "
        "back and stands in our logs, and one that does not fit is replaced",
    },
    "OpenFlywheel-Version": {
        "enum": list(versions.VERSIONS),
        "description": "The day whose API you know; without it you get the newest",
    },
}
IDEMPOTENCY_KEY: Schema = {
    "type": "string",
    "minLength": 1,
    "maxLength": idempotency.LONGEST_KEY,
    "pattern": r'^(?!""$)[!-~]([ -~]*[!-~])?$',
    "description": "A UUID of your own for this request: sent again with the same key it acts "
    "once and is answered alike, for a day",
}
IF_MATCH: Schema = {
    "type": "string",
    "description": "The ETag of what you read, so that no edit is lost",
}
IF_NONE_MATCH: Schema = {
    "type": "string",
    "description": "An ETag that you hold: 304 where it still holds",
}
HEADERS: dict[str, Schema] = {
    "X-Request-Id": {"type": "string", "description": "Name it when you report something"},
    "Cache-Control": {"type": "string", "description": "Answers are for whom they were given to"},
    "Link": {"type": "string", "description": "The next and the previous page (RFC 8288)"},
    "Location": {"type": "string", "format": "uri", "description": "Where the new thing is"},
    "Idempotent-Replayed": {
        "enum": ["true"],
        "description": "It had been stored before, and this is the first answer again",
    },
    "WWW-Authenticate": {"type": "string", "description": "How to authenticate"},
    "Retry-After": {"type": "string", "description": "Seconds after which to try again"},
    "ETag": {"type": "string", "description": "Names exactly this answer (RFC 9110)"},
    "Content-Disposition": {"type": "string", "description": "A name for the file"},
    "OpenFlywheel-Version": {"type": "string", "description": "The version that answered"},
    "RateLimit": {
        "type": "string",
        "description": "What is left of each limit (draft-ietf-httpapi-ratelimit-headers-11); "
        "absent while nothing is counted",
    },
    "RateLimit-Policy": {"type": "string", "description": "The limits that hold for the caller"},
    "X-RateLimit-Limit": {"type": "string", "description": "Of the limit that will refuse first"},
    "X-RateLimit-Remaining": {"type": "string", "description": "What is left of it"},
    "X-RateLimit-Reset": {"type": "string", "description": "When it opens again (Unix time)"},
    "Deprecation": {"type": "string", "description": "Since when this is going away (RFC 9745)"},
    "Sunset": {"type": "string", "description": "When it will be gone (RFC 8594)"},
}
ALWAYS = ("X-Request-Id", "Cache-Control", versions.HEADER)
METERED = (
    *("RateLimit", "RateLimit-Policy"),
    *("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"),
)
LEAVING = ("Deprecation", "Sunset")
# Headers that an answer may lack; `perhaps` of a call adds others.
OPTIONAL = ("Link", "Idempotent-Replayed", "Location", *METERED, *LEAVING)
# (OpenAPI 3.1 has no word for the shape of a line; tools find it under `x-line`.)
TEXT_OF_LINES = {
    "type": "string",
    "description": "A JSON object on each line; `Content-Encoding: gzip` is understood",
}
SAID = {
    200: "As asked",
    201: "Stored",
    202: "Under way, or waiting for a second person",
    204: "Done; there is nothing to show",
    207: "Some rows are stored and some are refused; each has its verdict",
    304: "You have it already",
}


def codes_of(view: Any, method: str, path: str) -> tuple[str, ...]:
    """The codes of every problem that this call can be answered with."""
    call, scope = view.calls[method], view.scopes.get(method, "")
    codes = [*ANYWHERE, *call.refuses]
    if takes_body(call):
        codes += WITH_A_BODY
    if is_form(call.takes):
        codes.append("bad_fields")
    if method not in SAFE:
        codes += ON_CHANGE
    if method in getattr(view, "fresh", ()):
        codes.append("not_fresh")
    if method in idempotency.KEYED:
        codes += WITH_A_KEY
    if call.guarded:
        codes += WITH_IF_MATCH
    if scope is not None:
        codes.append("token_missing")
    if scope:
        codes.append("scope_missing")
    if "{" in path:
        codes.append("not_found")
    return tuple(dict.fromkeys(codes))


def takes_body(call: Call) -> bool:
    """Whether the call reads a body."""
    return call.takes is not None or call.lines is not None


def is_form(takes: Any) -> bool:
    """Whether a body is read by a form of `apps.api.bodies` rather than described by a shape."""
    return inspect.isclass(takes) and issubclass(takes, Serializer)


# -- One operation --------------------------------------------------------------------------------


class FaceSchema(AutoSchema):
    """Describes a call by what its view (a `Face`) declares."""

    view: Any

    @property
    def call(self) -> Call:
        """What the view declares for the method at hand."""
        if self.method not in self.view.calls:
            view = type(self.view)
            raise TypeError(
                f"{view.__module__}.{view.__name__} does not declare {self.method} in `calls`: "
                "say what it takes and gives, as apps/api/calls.py shows"
            )
        call: Call = self.view.calls[self.method]
        return call

    def get_operation_id(self) -> str:
        name = resolve(re.sub(r"{\w+}", "1", self.path)).url_name
        return f"{self.method.lower()}_{name}".replace("-", "_")

    def get_summary(self) -> str:
        return done_by(type(self.view), self.method)

    def get_description(self) -> str:  # type: ignore[override]
        scope = self.view.scopes.get(self.method, "")
        if scope is None:
            return "Open to everybody."
        return (
            f"Needs a token with the scope `{scope}`." if scope else "Needs a token of any scope."
        )

    def get_tags(self) -> list[str]:
        first = self.path.removeprefix("/api/v1/").partition("/")[0]
        return [first.partition(".")[0] or "index"]

    def get_auth(self) -> list[Schema]:
        if self.call.impersonal:
            return []
        scheme = super().get_auth()
        return scheme if self.view.scopes.get(self.method, "") is not None else [{}, *scheme]

    def _get_parameters(self) -> list[Schema]:
        return [*self._in_path(), *self._in_query(), *self._in_headers()]

    def _in_path(self) -> Iterator[Schema]:
        for name in re.findall(r"{(\w+)}", self.path):
            kind = re.search(rf"<(\w+):{name}>", self.path_regex)
            prefix = kind[1] if kind else "str"
            schema: Schema = {"type": "string", "pattern": r"^[^/?#]+$"}
            if prefix in ids.PREFIXES.values():
                schema["pattern"] = f"^{ids.pattern_of(prefix)}$"
            yield {"name": name, "in": "path", "required": True, "schema": schema}

    def _in_query(self) -> Iterator[Schema]:
        names = [*(("cursor", "limit") if self.call.paged else ()), *self.call.query]
        own = self.call.query if isinstance(self.call.query, Mapping) else {}
        for name in names:
            yield _parameter(name, "query", {**own, **PARAMETERS}[name])
        if self.method in SAFE and self.view.selects:
            yield _parameter("fields", "query", FIELDS)

    def _in_headers(self) -> Iterator[Schema]:
        for name, schema in REQUEST_HEADERS.items():
            yield _parameter(name, "header", schema)
        if self.method in idempotency.KEYED:
            yield _parameter("Idempotency-Key", "header", IDEMPOTENCY_KEY)
        if self.call.guarded:
            yield _parameter("If-Match", "header", IF_MATCH) | {"required": True}
        if self.method in SAFE:
            yield _parameter("If-None-Match", "header", IF_NONE_MATCH)

    def _get_request_body(self, direction: Any = "request") -> Schema | None:
        call = self.call
        if not takes_body(call):
            return None
        content: Schema = {}
        if call.takes is not None:
            content["application/json"] = {"schema": self._body(call.takes)}
            if call.example is not None:
                content["application/json"]["example"] = call.example
        if call.lines is not None:
            content[NDJSON] = {"schema": TEXT_OF_LINES, "x-line": self.shapes.of(call.lines)}
            if call.example_lines:
                lines = [json.dumps(line, ensure_ascii=False) for line in call.example_lines]
                content[NDJSON]["example"] = "\n".join(lines) + "\n"
        needed = not is_form(call.takes) or any(
            field.required for field in call.takes().fields.values()
        )
        return {"content": content} | ({"required": True} if needed else {})

    def _body(self, takes: Any) -> Schema:
        if is_form(takes):
            reference: Schema = self.resolve_serializer(takes, "request").ref
            return reference
        return self.shapes.of(takes)

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> Schema:
        schema: Schema = super()._map_basic_serializer(serializer, direction)
        return schema | ({"additionalProperties": False} if isinstance(serializer, Body) else {})

    def _map_serializer_field(self, field: Any, direction: Any, *rest: Any, **more: Any) -> Schema:
        if isinstance(field, Anything):
            return {"type": "array", "items": self.shapes.of(shapes.SentRow)}
        if isinstance(field, ids.Number):
            prefix = ids.PREFIXES[field.kind]
            named = {"type": "string", "pattern": f"^{ids.pattern_of(prefix)}$"}
            return {
                "anyOf": [{"type": "integer", "minimum": 1, "maximum": 10**ids.DIGITS - 1}, named]
            }
        schema: Schema = super()._map_serializer_field(field, direction, *rest, **more)
        return schema

    @property
    def shapes(self) -> Shapes:
        """Makes the components of this document."""
        return Shapes(self.registry)

    def _get_response_bodies(self, direction: Any = "response") -> Schema:
        answers = {
            str(status): self._answer(status, shape) for status, shape in self.call.gives.items()
        }
        if self.method in SAFE:
            names = [*ALWAYS, *METERED, "ETag"]
            answers["304"] = {"description": SAID[304], "headers": self._headers(names)}
        return answers | dict(self._refusals())

    def _answer(self, status: int, shape: Any) -> Schema:
        names = [
            *ALWAYS,
            *METERED,
            *LEAVING,
            *self.call.headers,
            *self._more_headers(status, shape),
        ]
        answer: Schema = {
            "description": SAID[status],
            "headers": self._headers(names, perhaps=self.call.perhaps),
        }
        if shape is not None:
            schema = self.shapes.of(shape)
            answer["content"] = {media: {"schema": schema} for media in self.call.media_types}
        return answer

    def _more_headers(self, status: int, shape: Any) -> Iterator[str]:
        if isinstance(shape, Page):
            yield "Link"
        if self.method in idempotency.KEYED:
            yield "Idempotent-Replayed"
        if status == 200 and (self.method in SAFE or self.call.guarded):
            yield "ETag"
        yield from self.call.perhaps

    def _refusals(self) -> Iterator[tuple[str, Schema]]:
        known, content = problems.kinds(), self.shapes.of(shapes.Problem)
        found: dict[int, list[str]] = {}
        for code in codes_of(self.view, self.method, self.path):
            found.setdefault(known[code].status, []).append(code)
        for status, codes in sorted(found.items()):
            more = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}
            names = [*ALWAYS, *METERED, *more.get(status, [])]
            yield (
                str(status),
                {
                    "description": "; ".join(f"`{code}`: {known[code].title}" for code in codes),
                    "headers": self._headers(names),
                    "content": {PROBLEM_TYPE: {"schema": content}},
                    "x-codes": codes,
                },
            )

    def _headers(self, names: list[str], *, perhaps: tuple[str, ...] = ()) -> Schema:
        """References to the described headers; one that may be lacking stands here itself."""
        return {
            name: _described_header(name, required=False) if name in perhaps else self._header(name)
            for name in names
        }

    def _header(self, name: str) -> Schema:
        header = _described_header(name, required=name not in OPTIONAL)
        component = ResolvedComponent(name, ResolvedComponent.HEADER, header, object=Header)
        self.registry.register_on_missing(component)
        reference: Schema = component.ref
        return reference


class Header:
    """What the document calls a header; all of them stand in `HEADERS`."""


def done_by(view: type, method: str) -> str:
    """What the docstring of a view says of one of its methods: “GET lists …; POST offers one.”"""
    said = " ".join((view.__doc__ or "").split())
    clauses = re.split(r"(?:^|; )(GET|POST|PUT|PATCH|DELETE) ", said)
    done = dict(zip(clauses[1::2], clauses[2::2], strict=True)).get(method, "")
    return (done[:1].upper() + done[1:]).rstrip(".")


def _typed(described: Mapping[str, Any]) -> Schema:
    """A copy that says of words that they are texts."""
    return {"type": "string", **described} if "enum" in described else dict(described)


def _described_header(name: str, *, required: bool) -> Schema:
    schema = _typed(HEADERS[name])
    header: Schema = {"description": schema.pop("description"), "schema": schema}
    return header | ({"required": True} if required else {})


def _parameter(name: str, place: str, described: Mapping[str, Any]) -> Schema:
    schema = _typed(described)
    description = schema.pop("description", "")
    return {"name": name, "in": place, "schema": schema} | (
        {"description": description} if description else {}
    )


class BearerTokens(OpenApiAuthenticationExtension):
    """`Authorization: Bearer ofw_pat_…`."""

    target_class = "apps.api.authentication.BearerToken"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Schema:
        scopes = "; ".join(f"`{scope.value}`: {scope.label}" for scope in Scope)
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "ofw_pat_…",
            "description": f"`POST /api/v1/tokens` makes one. Scopes: {scopes}.",
        }

    def get_security_requirement(self, auto_schema: Any) -> Schema:
        scope = auto_schema.view.scopes.get(auto_schema.method, "")
        return {self.name: [scope] if scope else []}


class BrowserSessions(OpenApiAuthenticationExtension):
    """The site's own pages; not a way for programs, so that the document leaves it out."""

    target_class = "apps.api.authentication.BrowserSession"
    name: list[str] = []

    def get_security_definition(self, auto_schema: Any) -> list[Schema]:
        return []

    def get_security_requirement(self, auto_schema: Any) -> list[Schema]:
        return []


@cache
def document() -> Schema:
    """The whole OpenAPI document; it changes only with the code."""
    # Labels of words stand in it; whoever asks first does not choose their language.
    with override("en"):
        found: Schema = SchemaGenerator().get_schema(request=None, public=True)
    return found
