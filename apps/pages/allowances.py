"""How much strangers may leave with us, counted by network: a browser forgets its key at will.

Accounts have quotas of their own. While Valkey is away nobody is counted.
"""

from math import ceil

from django.http import HttpRequest

from apps.accounts.callers import address_of, network_of
from apps.accounts.meters import Policy, StoreAway, take
from apps.contributions import drafts
from apps.contributions.drafts import Owner
from apps.contributions.errors import QuotaReached

HOUR = 3600
# Of drafts so many begin, and so many files are read, for the strangers of one network.
BEGUN, READ = Policy("drafts-hour", 240, HOUR), Policy("uploads-hour", 120, HOUR)


def spend(request: HttpRequest, owner: Owner, key: str) -> None:
    """Count what a stranger sends for the draft of this key; `QuotaReached` when it is too much."""
    if owner.account is not None:
        return
    policies = [READ] if request.FILES else []
    if not drafts.is_open(key, owner):
        policies.append(BEGUN)
    try:
        readings = take(policies, f"address {network_of(address_of(request))}")
    except StoreAway:
        return
    waits = [reading.resets_in for reading in readings if reading.refused]
    if waits:
        minutes = ceil(max(waits) / 60)
        raise QuotaReached(
            f"too much came from your network without an account; sign in, or try again in "
            f"{minutes} min",
            seconds=max(waits),
        )
