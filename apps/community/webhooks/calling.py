"""Calling a stranger's address without being led inside our own walls (SSRF).

The name is resolved here, each address it has is checked, and the connection goes to the very
address that was checked: a name that resolves differently the second time gains nothing. Redirects
are not followed. TLS still checks the certificate against the name.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import httpcore
from django.conf import settings
from django.utils.translation import gettext as _

from apps.community.errors import BadEndpoint

SECONDS = 10.0
# A receiver that answers a byte at a time is left after this long.
PATIENCE = 20.0
# IPv4 behind an IPv6 gateway (NAT64, RFC 6052): it could be any inner address.
TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
PORTS = (None, 443, 8443)
MOST_READ = 2048
MOST_KEPT = 300


@dataclass(frozen=True)
class Answer:
    """What a call met: the HTTP status (None where there was none) and the first of its words."""

    status: int | None
    text: str

    @property
    def taken(self) -> bool:
        """Whether the receiver said that it has the message."""
        return self.status is not None and 200 <= self.status < 300


def ensure_may_call(url: str) -> None:
    """`BadEndpoint` unless the URL is https to a name that could be outside of our walls."""
    parts = urlsplit(url)
    inside = settings.WEBHOOKS_MAY_CALL_INSIDE
    if parts.scheme != "https" and not (inside and parts.scheme == "http"):
        said = _("“%(url)s” is not https; give an https:// address")
        raise BadEndpoint(said % {"url": url[:80]})
    if not parts.hostname or parts.username or parts.password:
        raise BadEndpoint(_("the address needs a host, and no name or password; leave those out"))
    try:
        port = parts.port
    except ValueError as error:
        raise BadEndpoint(_("the port is not a number; leave it out")) from error
    if port not in PORTS and not inside:
        said = _("port %(port)d is not called; use 443 or 8443")
        raise BadEndpoint(said % {"port": port})
    if is_address(parts.hostname) and not _is_outside(parts.hostname):
        said = _("%(host)s is an inner address; give a public name")
        raise BadEndpoint(said % {"host": parts.hostname})


def post(url: str, body: bytes, headers: dict[str, str]) -> Answer:
    """POST, and what came of it; whatever fails is an answer without a status."""
    try:
        ensure_may_call(url)
        with _pool().stream(
            "POST",
            url,
            headers=list(headers.items()),
            content=body,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), SECONDS)},
        ) as response:
            return Answer(response.status, _start_of(response.iter_stream()))
    except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as error:
        return Answer(None, f"{type(error).__name__}: {error}"[:MOST_KEPT])
    except (BadEndpoint, OSError, ValueError) as error:
        return Answer(None, str(error)[:MOST_KEPT])


class CheckedBackend(httpcore.SyncBackend):
    """Connects to an address only after having looked at it."""

    def connect_tcp(self, host: str, port: int, *args: Any, **more: Any) -> httpcore.NetworkStream:
        """Resolve, check, and connect to what was checked."""
        return super().connect_tcp(checked_address(host, port), port, *args, **more)


def checked_address(host: str, port: int) -> str:
    """An address of this host; `ConnectError` when any of its addresses is an inner one."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(f"the name {host} does not resolve") from error
    addresses = [str(entry[4][0]) for entry in found]
    if inner := [address for address in addresses if not _is_outside(address)]:
        raise httpcore.ConnectError(f"{host} leads to {inner[0]}, an inner address")
    return addresses[0]


def is_address(host: str) -> bool:
    """Whether a host is written as an address and not as a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_outside(address: str) -> bool:
    if settings.WEBHOOKS_MAY_CALL_INSIDE:
        return True
    known = ipaddress.ip_address(address.partition("%")[0])
    # An IPv4 address dressed as IPv6 is judged by what it is.
    mapped = getattr(known, "ipv4_mapped", None) or getattr(known, "sixtofour", None)
    known = mapped or known
    return known.is_global and not known.is_multicast and known not in TRANSLATED


def _start_of(stream: Iterable[bytes]) -> str:
    """The first words of an answer; the rest of an endless one is not read."""
    read, began = b"", time.monotonic()
    for piece in stream:
        read += piece
        if len(read) >= MOST_READ or time.monotonic() - began > PATIENCE:
            break
    return read[:MOST_READ].decode("utf-8", "replace").replace("\x00", "")[:MOST_KEPT]


@cache
def _pool() -> httpcore.ConnectionPool:
    # No connection is kept: its address was checked once, and names move.
    return httpcore.ConnectionPool(
        max_connections=16, max_keepalive_connections=0, network_backend=CheckedBackend()
    )
