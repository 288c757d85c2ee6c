"""Counting in Valkey how often somebody did something in a sliding window.

Every process of the site counts in the same place, all limits of a request in one call.
LIMITS_FACTOR multiplies every quota, and 0 switches counting off.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil

import redis
from django.conf import settings
from django.http.response import HttpResponseBase
from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.commands.core import Script

logger = logging.getLogger(__name__)

# A request never waits longer than this (seconds) for a store that is ill.
PATIENCE = 0.5
# And after it failed, nobody asks it again for so long (seconds).
REST = 2.0

# The sliding window counter that `limits` has too, which asks the store twice for each limit: each
# request waited for four answers. A limit is a hash with the count of the window that runs and of
# the one before it, which fades as time goes on; one more is free where it fits whole, for a mere
# fraction that has faded lets nobody in at the turn of a window. ARGV: whether to count, then quota
# and seconds of each; answers for each whether one more was free, how many are left, and the
# seconds until the window ends (of what is used up: until one is free).
COUNT = """
local clock = redis.call('TIME')
local now, told = clock[1] + clock[2] / 1000000, {}
for at, key in ipairs(KEYS) do
    local quota, seconds = tonumber(ARGV[2 * at]), tonumber(ARGV[2 * at + 1])
    local window = math.floor(now / seconds)
    local stored = redis.call('HMGET', key, 'window', 'count', 'before')
    local count, before = tonumber(stored[2]) or 0, tonumber(stored[3]) or 0
    local behind = window - (tonumber(stored[1]) or window)
    if behind == 1 then count, before = 0, count end
    if behind > 1 then count, before = 0, 0 end
    local passed = now / seconds - window
    local faded = before * (1 - passed)
    local free = faded + count + 1 <= quota
    if free and ARGV[1] == '1' then
        count = count + 1
        redis.call('HSET', key, 'window', window, 'count', count, 'before', before)
        redis.call('EXPIRE', key, 2 * seconds)
    end
    local wait = 1 - passed
    if not free and count < quota then
        wait = 1 - passed - (quota - 1 - count) / before
    elseif not free then
        wait = wait + 1 - (quota - 1) / count
    end
    local left = math.max(0, math.floor(quota - faded - count))
    told[at] = {free and 1 or 0, left, math.ceil(wait * seconds)}
end
return told
"""


class StoreAway(Exception):
    """Valkey does not answer; whoever asked decides whether that means yes or no."""


@dataclass(frozen=True)
class Policy:
    """So many of something in so many seconds, under a name that callers see."""

    name: str
    quota: int
    seconds: int

    @property
    def allowed(self) -> int:
        """The quota on this site."""
        return self.quota * settings.LIMITS_FACTOR


@dataclass(frozen=True)
class Reading:
    """How a policy stands for one caller; `partition` names the caller without telling who."""

    policy: Policy
    remaining: int
    resets_in: int
    partition: bytes
    refused: bool
    # Counted by the whole site, and not by one process while the store is away.
    shared: bool


def switched_on() -> bool:
    """Whether this site counts at all."""
    return bool(settings.LIMITS_FACTOR)


def take(policies: Iterable[Policy], who: str, *, never_open: bool = False) -> list[Reading]:
    """Count one more for `who` under each policy; the readings say which of them refused.

    While the store is away this raises StoreAway; with `never_open` each process counts by itself.
    """
    return _readings(policies, who, never_open, hit=True)


def look(policies: Iterable[Policy], who: str, *, never_open: bool = False) -> list[Reading]:
    """How the policies stand for `who`, without counting; raises as `take` does."""
    return _readings(policies, who, never_open, hit=False)


def strictest(readings: Sequence[Reading]) -> Reading:
    """The reading that will refuse first: the one with the smallest share left."""
    return min(readings, key=lambda reading: reading.remaining / max(1, reading.policy.allowed))


def partition_of(who: str) -> bytes:
    """Twelve bytes that stand for `who` and lead nobody back to them."""
    key = hashlib.sha256(f"partition {settings.SECRET_KEY}".encode()).digest()
    return hmac.digest(key, who.encode(), "sha256")[:12]


def used_up(refused: Sequence[Reading]) -> str:
    """What a caller is told whose limits are used up, and when to come again."""
    wait = max(reading.resets_in for reading in refused)
    names = ", ".join(
        f"{reading.policy.allowed} in {reading.policy.seconds} s ({reading.policy.name})"
        for reading in refused
    )
    return f"the limit is used up: {names}; try again in {wait} s"


def show(response: HttpResponseBase, readings: Sequence[Reading]) -> None:
    """Write the limits on the answer; what one process counted alone is not the site's to tell.

    Headers follow draft-ietf-httpapi-ratelimit-headers-11 (`RateLimit-Policy`, `RateLimit`), beside
    the older `X-RateLimit-*` of the limit that will refuse first. The draft is not final: treat
    them as advice.
    """
    known = [reading for reading in readings if reading.shared]
    if not known:
        return
    response["RateLimit-Policy"] = ", ".join(
        f'"{r.policy.name}";q={r.policy.allowed};w={r.policy.seconds};pk={_bytes(r.partition)}'
        for r in known
    )
    response["RateLimit"] = ", ".join(
        f'"{r.policy.name}";r={r.remaining};t={r.resets_in};pk={_bytes(r.partition)}' for r in known
    )
    tightest = strictest(known)
    response["X-RateLimit-Limit"] = str(tightest.policy.allowed)
    response["X-RateLimit-Remaining"] = str(tightest.remaining)
    response["X-RateLimit-Reset"] = str(int(time.time()) + tightest.resets_in)


def _bytes(value: bytes) -> str:
    """A byte sequence as structured fields (RFC 9651) write it."""
    return f":{base64.b64encode(value).decode()}:"


def _readings(
    policies: Iterable[Policy], who: str, never_open: bool, *, hit: bool
) -> list[Reading]:
    if not switched_on():
        return []
    partition, known = partition_of(who), list(policies)
    try:
        _store.ensure_awake()
        return _counted_together(known, partition, hit)
    except (redis.RedisError, OSError) as error:
        _store.failed(error)
        if not never_open:
            raise StoreAway(str(error)) from error
        return [_counted_alone(policy, partition, hit) for policy in known]


def _counted_together(policies: Sequence[Policy], partition: bytes, hit: bool) -> list[Reading]:
    """What the whole site counted."""
    # No address and no name of anybody stands in the store as it is.
    prefix, who = f"{settings.QUEUE_PREFIX}:limits", partition.hex()
    keys = [f"{prefix}:{policy.name}:{who}" for policy in policies]
    values = [number for policy in policies for number in (policy.allowed, policy.seconds)]
    answered = _count(settings.REDIS_URL)(keys, [int(hit), *values])
    return [
        Reading(
            policy,
            left if free else 0,
            max(1, wait),
            partition,
            refused=not free,
            shared=True,
        )
        for policy, (free, left, wait) in zip(policies, answered, strict=True)
    ]


def _counted_alone(policy: Policy, partition: bytes, hit: bool) -> Reading:
    """What this process counted for itself."""
    limiter, item, who = _own(), _item(policy), partition.hex()
    free = limiter.hit(item, who) if hit else limiter.test(item, who)
    stats = limiter.get_window_stats(item, who)
    wait = max(1, ceil(stats.reset_time - time.time()))
    remaining = stats.remaining if free else 0
    return Reading(policy, remaining, wait, partition, refused=not free, shared=False)


def _item(policy: Policy) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(policy.allowed, policy.seconds, namespace=policy.name)


class _Store:
    """Remembers for a moment that the store failed, so that an outage costs one wait only."""

    def __init__(self) -> None:
        self.rests_until = 0.0

    def ensure_awake(self) -> None:
        if time.monotonic() < self.rests_until:
            raise redis.ConnectionError("it failed a moment ago")

    def failed(self, error: Exception) -> None:
        if time.monotonic() >= self.rests_until:
            self.rests_until = time.monotonic() + REST
            logger.warning("limits cannot be counted, Valkey does not answer: %s", error)


_store = _Store()


@cache
def _count(url: str) -> Script:
    store = redis.Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
    return store.register_script(COUNT)


@cache
def _own() -> SlidingWindowCounterRateLimiter:
    return SlidingWindowCounterRateLimiter(MemoryStorage())
