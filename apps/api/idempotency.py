"""`Idempotency-Key`: a request that is sent twice acts once, and is answered alike twice.

The answer is stored in the transaction of the change itself, under a lock in the database: there is
no moment at which one stands without the other, whatever dies. Addresses that commit in parts
(streams of rows) keep their answer at the end, and their batch names or row ids guard the rows.

    same key, same body      the stored status, headers and body, with `Idempotent-Replayed: true`
    same key, other body     422 key_reused
    still under way          409 request_under_way
    5xx, 429, 401            nothing is kept: try again

A view that streams itself uses `Place`:

    place = Place.of(request)                  # None without a key
    with place.held():                         # 409 while another request has it
        if earlier := place.earlier():         # replay after the body was read through
            return earlier.replay(mark)
        …
        place.keep(response, mark)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import connection, transaction
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.request import Request

from apps.accounts.models import Token
from apps.api.models import StoredAnswer
from apps.api.parsing import MOST_STREAMED, pieces_of
from apps.api.problems import Problem

KEYED = ("POST", "PATCH", "PUT")
LONGEST_KEY = 200
KEPT_FOR = timedelta(hours=25)
# The longest answer (bytes) that a stream keeps; its rows know themselves when they come again.
LONGEST_OF_A_STREAM = 4 * 1024**2
KEPT_HEADERS = ("Content-Type", "Location", "Link", "ETag")
# About the moment and the caller, not about the request.
NOT_KEPT = (401, 429)
# What is shown once is never stored: texts of tokens, keys of webhooks.
SECRETS = re.compile(rb"(ofw_pat_)[0-9A-Za-z]{36}|(whsec_|whpk_|whsk_)[0-9A-Za-z+/=]{24,}")

Respond = Callable[[], HttpResponse]


class View(Protocol):
    """What this module needs of a view."""

    @property
    def reads_chunked(self) -> bool:
        """Whether it reads its body in pieces and commits in parts."""

    def refused(self, error: Exception) -> HttpResponse:
        """The rendered problem for an error."""


@dataclass(frozen=True)
class Earlier:
    """An answer that was stored under a key."""

    stored: StoredAnswer

    def replay(self, mark: str) -> HttpResponse:
        """The same answer again; a Problem when the body is another."""
        if self.stored.fingerprint != mark:
            raise Problem(
                "key_reused",
                "this Idempotency-Key stands for another request body; send a new key with a "
                "new body",
            )
        again = HttpResponse(bytes(self.stored.body), status=self.stored.status)
        del again["Content-Type"]
        for name, value in self.stored.headers.items():
            again[name] = value
        again["Idempotent-Replayed"] = "true"
        return again


@dataclass(frozen=True)
class Place:
    """Where the answer to one key lies: of one token (or account), one method, one address."""

    name: str

    @classmethod
    def of(cls, request: Request) -> Place | None:
        """The place of the request's key; None without one."""
        key = key_of(request)
        return (
            cls(_digest(f"{_owner(request)} {request.method} {request.path} {key}"))
            if key
            else None
        )

    def lock(self, *, session: bool = False) -> None:
        """Take the place for this transaction (or session); a Problem while another holds it."""
        function = "pg_try_advisory_lock" if session else "pg_try_advisory_xact_lock"
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [self._number])
            (taken,) = cursor.fetchone()
        if not taken:
            raise Problem(
                "request_under_way",
                "the first request with this Idempotency-Key is still under way; try again in a "
                "moment",
                retry_after=1,
            )

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the place over several transactions."""
        self.lock(session=True)
        try:
            yield
        finally:
            # A connection that was lost has let go of it by itself.
            if connection.connection is not None and connection.is_usable():
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s)", [self._number])

    def earlier(self) -> Earlier | None:
        """What was answered before."""
        stored = StoredAnswer.objects.filter(place=self.name).first()
        return Earlier(stored) if stored else None

    def keep(self, response: HttpResponse, mark: str) -> None:
        """Store a rendered answer."""
        StoredAnswer.objects.create(
            place=self.name,
            fingerprint=mark,
            status=response.status_code,
            headers={name: response[name] for name in KEPT_HEADERS if response.has_header(name)},
            body=SECRETS.sub(rb"\1\2(shown once)", response.content),
        )

    @property
    def _number(self) -> int:
        return int.from_bytes(bytes.fromhex(self.name[:16]), signed=True)


def key_of(request: Request) -> str:
    """The key as the client wrote it, without the quotation marks of a structured field."""
    header = request.headers.get("Idempotency-Key")
    if header is None:
        return ""
    key = header.strip(" \t")
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = key[1:-1]
    if not key or len(key) > LONGEST_KEY or not key.isascii() or not key.isprintable():
        raise Problem(
            "bad_parameter",
            f"Idempotency-Key is not 1 to {LONGEST_KEY} printable ASCII characters; a UUID is good",
        )
    return key


def once(view: View, request: Request, respond: Respond) -> HttpResponse:
    """What `respond` answers, or what it answered to this key before; it may raise."""
    place = Place.of(request) if request.method in KEYED else None
    if place is None:
        return respond()
    if view.reads_chunked:
        return _once_for_a_stream(place, request, respond)
    mark = mark_of(request, request._request.body)
    with transaction.atomic():
        place.lock()
        if earlier := place.earlier():
            return earlier.replay(mark)
        response = _attempted(view, respond)
        if (
            not response.streaming
            and response.status_code < 500
            and (response.status_code not in NOT_KEPT)
        ):
            place.keep(response, mark)
    return response


def mark_of(request: Request, body: bytes) -> str:
    """The fingerprint of a body that is at hand."""
    marking = marker(request)
    marking.update(body)
    return marking.hexdigest()


def marker(request: Request) -> Any:
    """A fingerprint to be fed with the body's pieces; keyed, since bodies hold passwords."""
    key = hashlib.sha256(settings.SECRET_KEY.encode()).digest()
    return hashlib.blake2b(
        request._request.META.get("QUERY_STRING", "").encode(), key=key, digest_size=32
    )


def forget_old() -> int:
    """Delete what was kept long enough; how many answers."""
    return StoredAnswer.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()[0]


def _attempted(view: View, respond: Respond) -> HttpResponse:
    """The answer, good or bad; whatever a refused request did is undone."""
    try:
        with transaction.atomic():
            return respond()
    except Exception as error:
        return view.refused(error)


def _once_for_a_stream(place: Place, request: Request, respond: Respond) -> HttpResponse:
    marking = marker(request)
    # `parsing` feeds it while it reads.
    request._request.marking = marking  # type: ignore[attr-defined]
    with place.held():
        if earlier := place.earlier():
            _read_through(request)
            return earlier.replay(marking.hexdigest())
        response = respond()
        if response.status_code < 300 and len(response.content) <= LONGEST_OF_A_STREAM:
            place.keep(response, marking.hexdigest())
    return response


def _read_through(request: Request) -> None:
    taken = 0
    for piece in pieces_of(request):
        taken += len(piece)
        if taken > MOST_STREAMED:
            raise Problem("too_large", "the body is larger than the first one under this key")


def _owner(request: Request) -> str:
    if isinstance(request.auth, Token):
        return f"token {request.auth.pk}"
    return f"account {request.user.pk}" if request.user.is_authenticated else "nobody"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=32).hexdigest()
