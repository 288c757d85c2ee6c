"""Dated versions of this API, and what of it is going away.

A client that sends `OpenFlywheel-Version` gets answers of that day's shape; without it, of the
newest. What goes away says so on each answer for a year before it does (RFC 9745, RFC 8594).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.http import HttpResponse
from django.utils.http import http_date
from rest_framework.request import Request

from apps.api.problems import Problem

HEADER = "OpenFlywheel-Version"
# Oldest first; the last one is what a client without the header gets.
VERSIONS = ("2026-11-01",)
NOTICE = timedelta(days=365)


@dataclass(frozen=True)
class Deprecated:
    """A route, or one field of its answers, that is going away.

    `route` is the name of the address, `field` a top-level field of its answers ("" for the whole
    address), `use` what takes its place, `link` a page that tells how to move.
    """

    route: str
    since: datetime
    sunset: datetime
    use: str
    link: str = "/api/v1/versions"
    field: str = ""

    def __post_init__(self) -> None:
        if self.sunset - self.since < NOTICE:
            raise ValueError(f"{self.route} {self.field} is announced less than a year ahead")


# What is deprecated now; GET /api/v1/versions shows it. Empty since nothing is.
DEPRECATED: list[Deprecated] = []


def asked(request: Request) -> str:
    """The version that the client asks for; a Problem that names those there are."""
    wanted = request.headers.get(HEADER, VERSIONS[-1]).strip()
    if wanted not in VERSIONS:
        known = ", ".join(VERSIONS)
        raise Problem("unknown_api_version", f"there is no version “{wanted[:20]}”; send {known}")
    return wanted


def announce(response: HttpResponse, route: str) -> None:
    """Say in headers what of this address is going away, since when, and when."""
    leaving = [entry for entry in DEPRECATED if entry.route == route]
    if not leaving:
        return
    first = min(leaving, key=lambda entry: entry.sunset)
    response["Deprecation"] = f"@{int(first.since.timestamp())}"
    response["Sunset"] = http_date(first.sunset.timestamp())
    links = [f'<{entry.link}>; rel="deprecation"' for entry in leaving]
    already = [response["Link"]] if response.has_header("Link") else []
    response["Link"] = ", ".join([*already, *dict.fromkeys(links)])


def shown() -> dict[str, object]:
    """The versions and what is going away, for GET /api/v1/versions."""
    return {
        "versions": list(VERSIONS),
        "default": VERSIONS[-1],
        "notice_days": NOTICE.days,
        "deprecated": [
            {
                "route": entry.route,
                "field": entry.field or None,
                "since": entry.since.astimezone(UTC),
                "sunset": entry.sunset.astimezone(UTC),
                "use": entry.use,
            }
            for entry in DEPRECATED
        ],
    }
