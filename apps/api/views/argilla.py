"""Argilla's door: its webhooks come in here, signed."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from rest_framework.exceptions import MethodNotAllowed
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from apps.api import shapes
from apps.api.calls import Call
from apps.api.face import Face
from apps.api.parsing import body_of
from apps.reviews.argilla.calling import ensure_on
from apps.reviews.argilla.counting import take_in
from apps.reviews.argilla.errors import BadSignature
from apps.reviews.argilla.responses import of_event, verified

logger = logging.getLogger(__name__)

MOST_BYTES = 4 * 1024**2


class AsSigned(BaseParser):
    """The body to the byte, which is what a signature is over."""

    media_type = "application/json"

    def parse(
        self,
        stream: Any,
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        return b"".join(body_of(request, most=MOST_BYTES))


class Events(Face):
    """POST takes a signed event of Argilla; what it says of our records is kept, and counted soon.

    The signature is what lets it in, so no token is asked for, and only what does not fit counts
    against the limit of strangers.
    """

    scopes = {"POST": None}
    authentication_classes = []
    parser_classes = [AsSigned]
    calls = {
        "POST": Call(
            {204: None},
            takes=shapes.ArgillaEvent,
            refuses=("argilla_off", "bad_signature", "too_large"),
        )
    }

    def perform_authentication(self, request: Request) -> None:
        if request.method == "POST":
            ensure_on()
        elif not hasattr(self, str(request.method).lower()):
            # Nobody without a token is asked for one here.
            raise MethodNotAllowed(str(request.method))

    def post(self, request: Request) -> Response:
        body = request.data if isinstance(request.data, bytes) else b""
        try:
            message = verified(body, request.headers)
        except BadSignature:
            super().perform_authentication(request)
            raise
        given = of_event(message)
        if given is not None and take_in([given], by="webhook"):
            logger.info("a response to record %s came by webhook", given.record)
        return Response(status=204)
