"""What tests in every room may ask for."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db.backends.postgresql.operations import DatabaseOperations
from django.http.response import HttpResponseBase
from django.test import Client
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says how busy the machine is, and nothing about the claim.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Files of many seconds: begun first, so that no worker is left alone with one. A browser and a
# whole site at once are too much for two cores, so those two kinds stand apart.
LONG = (
    "journey/test_loop.py",
    "permissions/test_matrix.py",
    "api/test_hostile_requests.py",
    "pages/test_walk.py",
    "pages/test_contribute.py",
    "pages/test_keyboard.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first, in their order; the others stay as they are."""
    places = {ROOT / "tests" / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of measured data beside the checkout; tests that need it skip where it is not."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    return folder


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium: CHROMIUM, or the one on the PATH; else the test skips."""
    names = (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    for name in names:
        if name and (path := shutil.which(name)):
            return path
    pytest.skip("no Chromium: apt-get install chromium, or CHROMIUM=/path/to/chromium make test")


@pytest.fixture(scope="session", autouse=True)
def _flushable_record() -> Iterator[None]:
    """Let pytest-django empty the record between tests, which its own triggers refuse."""
    flush = DatabaseOperations.execute_sql_flush

    def unguarded(self: DatabaseOperations, statements: list[str]) -> list[object]:
        keys = ("SET session_replication_role = replica", "SET session_replication_role = origin")
        return flush(self, [keys[0], *statements, keys[1]])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", unguarded)
        yield


@pytest.fixture(scope="session", autouse=True)
def _documented_answers() -> Iterator[None]:
    """Hold every answer of the API that any test sees against the OpenAPI document."""
    request = Client.request

    def checked(self: Client, **environ: Any) -> HttpResponseBase:
        from tests import conforming

        answer: HttpResponseBase = request(self, **environ)
        conforming.check(environ["REQUEST_METHOD"], environ["PATH_INFO"], answer)
        return answer

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "request", checked)
        yield
