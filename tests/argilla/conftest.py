"""A real Argilla for these tests: ours, or the one that ARGILLA_API_URL names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from uuid import uuid4

import argilla
import pytest
from django.conf import LazySettings

from tests.argilla.reviewing import Team, annotator
from tests.argilla.search import searching
from tests.argilla.server import Server, argilla_server


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """Where Argilla answers; without an Elasticsearch our stand-in takes its place."""
    if url := os.environ.get("ARGILLA_API_URL"):
        yield Server(url=url.rstrip("/"), key=os.environ["ARGILLA_API_KEY"])
        return
    if search_url := os.environ.get("ARGILLA_ELASTICSEARCH"):
        with argilla_server(search_url) as running:
            yield running
        return
    with searching() as search_url, argilla_server(search_url) as running:
        yield running


@pytest.fixture
def owner(server: Server) -> Iterator[argilla.Argilla]:
    """The SDK, as the owner of the server."""
    client = argilla.Argilla(api_url=server.url, api_key=server.key, retries=0)
    yield client
    client.api.http_client.close()


@pytest.fixture(scope="session")
def team(server: Server) -> Iterator[Team]:
    """A workspace of these tests with three annotators; each test makes datasets of its own."""
    client = argilla.Argilla(api_url=server.url, api_key=server.key, retries=0)
    workspace = argilla.Workspace(f"tests-{uuid4().hex[:8]}", client=client).create()
    people = [annotator(client, workspace) for _ in range(3)]
    yield Team(workspace.name, people)
    for dataset in workspace.datasets:
        dataset.delete()
    for one in people:
        client.users(id=one.user).delete()
    workspace.delete()
    client.api.http_client.close()


@pytest.fixture
def connected(server: Server, team: Team, settings: LazySettings) -> Team:
    """Our settings point to the server and the tests' workspace."""
    settings.ARGILLA_API_URL, settings.ARGILLA_API_KEY = server.url, server.key
    settings.ARGILLA_WORKSPACE = team.workspace
    return replace(team, free=list(team.free))


@pytest.fixture
def no_webhooks_left(owner: argilla.Argilla) -> Iterator[None]:
    """Webhooks are the server's, not a workspace's: what a test opens it closes, and no other."""
    before = {hook.id for hook in owner.webhooks}
    yield
    for hook in owner.webhooks:
        if hook.id not in before:
            hook.delete()
