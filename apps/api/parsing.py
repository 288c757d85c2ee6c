"""Bodies read strictly: JSON without guesses, NDJSON line by line, gzip with a bound."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from apps.api.problems import Problem
from openflywheel.reading import strict_json
from openflywheel.reading.files import Broken, gunzipped, json_lines

CHUNK = 64 * 1024
# A stream is never held whole, so that its bound is one of patience only.
MOST_STREAMED = 1024**3
NDJSON = "application/x-ndjson"


class StrictJSON(BaseParser):
    """`application/json` under the rules of `strict_json`; the view says which list to spare."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        view, request = (parser_context or {})["view"], (parser_context or {})["request"]
        text = b"".join(body_of(request, most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE))
        value = strict_json.loads(text, spare=view.spare)
        if not isinstance(value, dict) and view.spare is None:
            raise strict_json.BadJSON("the body is not an object", "send {…} with named fields")
        return value


def items_of(request: Request) -> Iterable[Any]:
    """The rows of a bulk body: NDJSON line by line, a JSON list, or `items` of a JSON object.

    One that could not be read stands there as the reason why.
    """
    if request.content_type.partition(";")[0].strip().casefold() == NDJSON:
        return (row for _, row in json_lines(body_of(request, most=MOST_STREAMED)))
    body = request.data
    items = body.get("items") if isinstance(body, dict) else body
    if not isinstance(items, list):
        raise Problem("empty_body", "send NDJSON, a JSON list, or an object with the list “items”")
    return items


def body_of(request: Request, *, most: int) -> Iterator[bytes]:
    """The body unpacked, in pieces; a `Problem` when it is too large, damaged or cut off."""
    encoding = request.headers.get("Content-Encoding", "identity").casefold()
    if encoding not in ("identity", "gzip"):
        detail = f"the encoding “{encoding[:20]}” is not read here; send gzip, or none"
        raise Problem("unsupported_media_type", detail)
    pieces = pieces_of(request)
    taken = 0
    try:
        for piece in gunzipped(pieces) if encoding == "gzip" else pieces:
            taken += len(piece)
            if taken > most:
                detail = (
                    f"the body is larger than {most // 1024**2} MB; send it in several requests"
                )
                raise Problem("too_large", detail)
            yield piece
    except (Broken, zlib.error) as error:
        raise Problem("bad_encoding", f"{error}; pack the body with gzip again") from error


def pieces_of(request: Request) -> Iterator[bytes]:
    """The body as it comes, still packed; whoever marks it (`idempotency`) sees each piece."""
    marking = getattr(request._request, "marking", None)
    for piece in _received(request):
        if marking is not None:
            marking.update(piece)
        yield piece


def _received(request: Request) -> Iterator[bytes]:
    environ = request.META
    if "chunked" in request.headers.get("Transfer-Encoding", ""):
        # Django stops at Content-Length; where the server itself ends the stream, we may go on.
        if not environ.get("wsgi.input_terminated"):
            raise Problem("length_required", "send the body with Content-Length, not in chunks")
        yield from iter(lambda: environ["wsgi.input"].read(CHUNK), b"")
        return
    announced, received = int(environ.get("CONTENT_LENGTH") or 0), 0
    while piece := request._request.read(CHUNK):
        received += len(piece)
        yield piece
    if received < announced:
        detail = f"{received} of {announced} bytes came; send the body again"
        raise Problem("body_cut_off", detail)
