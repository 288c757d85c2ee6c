"""Limits are switched off in the tests; those about them switch them on here."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import uuid4

import pytest
import redis
from pytest_django.fixtures import Settings


@pytest.fixture
def limited(settings: Settings) -> Iterator[Settings]:
    """The limits of production, counted from zero under a prefix of this test alone."""
    settings.LIMITS_FACTOR = 1
    settings.QUEUE_PREFIX = f"limits-{uuid4().hex}"
    store = settings.REDIS_URL
    yield settings
    with redis.Redis.from_url(store) as client:
        for key in client.scan_iter(f"{settings.QUEUE_PREFIX}:*"):
            client.delete(key)
