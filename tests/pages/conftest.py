"""What the tests of the pages share."""

import pytest
from django.test import Client

from tests.pages.world import World, peopled


@pytest.fixture
def world(db: None) -> World:
    """PRs in every stage, builds, rollouts and answers."""
    return peopled()


@pytest.fixture
def visitor() -> Client:
    """A browser without scripts."""
    return Client()
