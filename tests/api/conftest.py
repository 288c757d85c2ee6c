"""Who calls in these tests."""

from __future__ import annotations

import pytest

from apps.accounts.models import Role
from apps.skills.models import ModelLine
from tests.api.calling import Caller, calling
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
