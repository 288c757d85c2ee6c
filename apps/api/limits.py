"""How many requests each kind of caller may send, and the headers that tell them.

By token holder and role; strangers are counted by address.

While Valkey is away these limits are open and no header is sent, since any would be made up; the
stricter ones of `STRICT` are then counted by each process for itself.
"""

from __future__ import annotations

from collections.abc import Sequence

from rest_framework.request import Request

from apps.accounts.callers import address_of, network_of
from apps.accounts.guessing import SIGN_UPS
from apps.accounts.meters import Policy, Reading, StoreAway, show, take, used_up
from apps.accounts.models import Account, Role
from apps.api.problems import Problem

__all__ = ["BY_ROLE", "STRICT", "ensure_within", "show", "take_one"]

MINUTE, HOUR = 60, 3600

STRANGERS = (Policy("anonymous-minute", 120, MINUTE), Policy("anonymous-hour", 3_000, HOUR))
CONTRIBUTORS = (Policy("contributor-minute", 300, MINUTE), Policy("contributor-hour", 6_000, HOUR))
TRUSTED = (Policy("trusted-minute", 600, MINUTE), Policy("trusted-hour", 20_000, HOUR))
STAFF = (Policy("staff-minute", 1_200, MINUTE), Policy("staff-hour", 30_000, HOUR))
SERVICES = (Policy("service-minute", 6_000, MINUTE), Policy("service-hour", 200_000, HOUR))

# Who may send how much: None stands for callers without an account.
BY_ROLE: dict[str | None, tuple[Policy, ...]] = {
    None: STRANGERS,
    Role.CONTRIBUTOR: CONTRIBUTORS,
    Role.TRUSTED: TRUSTED,
    Role.REVIEWER: STAFF,
    Role.MAINTAINER: STAFF,
    Role.RELEASE_MANAGER: STAFF,
    Role.ADMIN: STAFF,
    Role.SERVICE: SERVICES,
}

# Besides, by address: what costs much or helps a guesser. Name of the address, then the limits.
STRICT: dict[str, tuple[Policy, ...]] = {
    "accounts": (SIGN_UPS,),
    "tokens": (Policy("tokens", 60, HOUR),),
    "revoke-leaked": (Policy("leaks", 60, MINUTE),),
}


def take_one(request: Request, route: str) -> list[Reading]:
    """Count this request under every limit that applies; the readings go on the answer."""
    account = request.user if isinstance(request.user, Account) else None
    network = network_of(address_of(request._request))
    readings: list[Reading] = []
    if request.method == "POST" and route in STRICT:
        readings += take(STRICT[route], f"address {network}", never_open=True)
    who = f"account {account.pk}" if account else f"address {network}"
    try:
        readings += take(BY_ROLE[account.role if account else None], who)
    except StoreAway:
        return readings
    return readings


def ensure_within(readings: Sequence[Reading]) -> None:
    """A 429 that names the limits that are used up and when to come again."""
    refused = [reading for reading in readings if reading.refused]
    if not refused:
        return
    wait = max(reading.resets_in for reading in refused)
    raise Problem(
        "too_many_requests",
        used_up(refused),
        # The member that the draft's own problem type gives.
        more={"violated-policies": [reading.policy.name for reading in refused]},
        retry_after=wait,
    )
