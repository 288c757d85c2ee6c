"""A site that runs, and the clients that generators make of its document."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from tests.generated.clients import DOCUMENT, Generated, python_client, typescript_client
from tests.people import a_line
from tests.serving import served


@pytest.fixture(scope="session")
def operations() -> dict[str, dict[str, Any]]:
    """Every operation of docs/openapi.json by its method and path."""
    paths = json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]
    return {
        f"{method.upper()} {path}": operation
        for path, methods in paths.items()
        for method, operation in methods.items()
    }


@pytest.fixture(scope="session")
def python(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    return python_client(tmp_path_factory.mktemp("python"))


@pytest.fixture(scope="session")
def typescript() -> Generated:
    return typescript_client()


@pytest.fixture
def site(transactional_db: None) -> Iterator[str]:
    """The address of a running site with one skill and nobody on it."""
    a_line("sums")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        with served(listener):
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
