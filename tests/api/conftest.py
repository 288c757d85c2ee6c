"""Who calls in these tests, and what answers behind the gateway."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from apps.accounts.models import Role
from apps.rollouts import upstream
from apps.skills.models import ModelLine
from tests.api.calling import Caller, calling
from tests.api.hostile import a_runtime
from tests.people import a_line, somebody


@pytest.fixture
def line(db: None) -> ModelLine:
    return a_line("sums", "manners")


@pytest.fixture
def ada(line: ModelLine) -> Caller:
    """A contributor."""
    return calling(somebody())


@pytest.fixture
def grace(line: ModelLine) -> Caller:
    """A reviewer."""
    return calling(somebody(Role.REVIEWER))


@pytest.fixture
def stranger(line: ModelLine) -> Caller:
    """Somebody without a token."""
    return Caller()


@pytest.fixture
def runtime(settings: Settings) -> Iterator[None]:
    """A runtime behind the gateway, known by its address alone."""
    with a_runtime() as url:
        settings.UPSTREAM_URL = url
        upstream._client.cache_clear()
        yield
    upstream._client.cache_clear()
