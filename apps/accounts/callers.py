"""From where somebody calls."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def address_of(request: HttpRequest) -> str:
    """The caller's IP address, or "" where there is none (a socket of this machine).

    Of X-Forwarded-For only the entries count that our own TRUSTED_PROXIES have added, since
    anybody can write the others.
    """
    proxies = settings.TRUSTED_PROXIES
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    if proxies and len(forwarded) >= proxies and (found := _read(forwarded[-proxies])):
        return str(found)
    return str(_read(request.META.get("REMOTE_ADDR", "")) or "")


def network_of(address: str) -> str:
    """What is counted as one caller: an IPv4 address, or the /64 of an IPv6 address."""
    found = _read(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found or "")


def _read(text: str) -> Address | None:
    try:
        found = ipaddress.ip_address(text.strip())
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
