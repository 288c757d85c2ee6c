"""Guessing at passwords and tokens is slow: failed tries are counted by name and by address.

Both faces ask before they look at a password, so that a guesser learns nothing more by trying, and
tell of each failure after. While Valkey is away each process counts by itself: looser, never open.
"""

from __future__ import annotations

from collections.abc import Iterator

from apps.accounts.callers import network_of
from apps.accounts.errors import TooManyTries
from apps.accounts.meters import Policy, look, take

QUARTER = 15 * 60
# A person mistypes a few times; from elsewhere a stranger cannot lock them out soon.
BY_BOTH = Policy("tries-here", 10, QUARTER)
BY_NAME = Policy("tries-of-name", 50, QUARTER)
BY_ADDRESS = Policy("tries-of-address", 100, QUARTER)
SIGN_UPS = Policy("sign-ups", 20, 60 * 60)


def ensure_may_try(name: str, *, address: str) -> None:
    """`TooManyTries` (with the seconds to wait) after too many failures for this name or here."""
    readings = [
        reading
        for policy, who in _counted(name, address)
        for reading in look([policy], who, never_open=True)
    ]
    if waits := [reading.resets_in for reading in readings if reading.refused]:
        raise TooManyTries(max(waits))


def failed(name: str, *, address: str) -> None:
    """Count a failed try; an unknown token is one without a name."""
    for policy, who in _counted(name, address):
        take([policy], who, never_open=True)


def ensure_may_sign_up(*, address: str) -> None:
    """Count a new account from here; `TooManyTries` when there have been too many."""
    for reading in take([SIGN_UPS], f"address {network_of(address)}", never_open=True):
        if reading.refused:
            raise TooManyTries(reading.resets_in, "too many accounts were made from your network")


def _counted(name: str, address: str) -> Iterator[tuple[Policy, str]]:
    handle, network = name.casefold()[:150], network_of(address)
    if handle:
        yield BY_BOTH, f"{handle} {network}"
        yield BY_NAME, handle
    if network:
        yield BY_ADDRESS, network
