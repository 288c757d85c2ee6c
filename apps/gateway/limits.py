"""How many requests each kind of caller may have answered, counted apart from the REST face.

An answer costs the runtime seconds where a list costs milliseconds, so people get fewer; services
stand for whole products, and get many. While Valkey is away the gateway is open.
"""

from __future__ import annotations

from collections.abc import Sequence

from apps.accounts.meters import Policy, Reading, StoreAway, take, used_up
from apps.accounts.models import Account, Role
from apps.gateway.errors import BadRequest

MINUTE, HOUR = 60, 3600

PEOPLE = (Policy("chat-minute", 60, MINUTE), Policy("chat-hour", 1_000, HOUR))
TRUSTED = (Policy("chat-trusted-minute", 120, MINUTE), Policy("chat-trusted-hour", 3_000, HOUR))
STAFF = (Policy("chat-staff-minute", 240, MINUTE), Policy("chat-staff-hour", 6_000, HOUR))
SERVICES = (
    Policy("chat-service-minute", 6_000, MINUTE),
    Policy("chat-service-hour", 200_000, HOUR),
)
BY_ROLE: dict[str, tuple[Policy, ...]] = {
    Role.CONTRIBUTOR: PEOPLE,
    Role.TRUSTED: TRUSTED,
    Role.REVIEWER: STAFF,
    Role.MAINTAINER: STAFF,
    Role.RELEASE_MANAGER: STAFF,
    Role.ADMIN: STAFF,
    Role.SERVICE: SERVICES,
}


class LimitReached(BadRequest):
    """The caller has asked as often as they may for now; `wait` says for how long (seconds)."""

    def __init__(self, refused: Sequence[Reading]) -> None:
        super().__init__(used_up(refused), code="rate_limit_exceeded", status=429)
        self.wait = max(reading.resets_in for reading in refused)


def take_one(caller: Account) -> list[Reading]:
    """Count this request under the limits of its caller; the readings go on the answer."""
    try:
        return take(BY_ROLE[caller.role], f"account {caller.pk}")
    except StoreAway:
        return []


def ensure_within(readings: Sequence[Reading]) -> None:
    """`LimitReached` where a limit is used up."""
    if refused := [reading for reading in readings if reading.refused]:
        raise LimitReached(refused)
