"""What tests in every room may ask for."""

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.http.response import HttpResponseBase
from django.test import Client, TransactionTestCase
from hypothesis import HealthCheck, settings

from tests import databases

ROOT = Path(__file__).resolve().parents[1]

# How long an example takes says how busy the machine is, and nothing about the claim.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# Files of many seconds: begun first, so that no worker is left alone with one. The second needs no
# database while the first has the one made that all others are copies of.
LONG = (
    "journey/test_loop.py",
    "training/test_recipe.py",
    "permissions/test_matrix.py",
    "pages/test_contribute.py",
    "platform/test_supervisor.py",
    "pages/test_walk.py",
    "pages/test_desk.py",
    "pages/test_keyboard.py",
    "api/test_hostile_requests.py",
    "reviews/evidence/test_measuring.py",
    "contributions/uploads/test_jail.py",
    "platform/test_services.py",
    "platform/test_environment.py",
    "training/test_objectives.py",
    "export/test_trl.py",
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
    known = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    for name in (os.environ.get("CHROMIUM", ""), *known):
        if name and (path := shutil.which(name)):
            return path
    pytest.skip("no Chromium: run .ci/browser as root on Debian, or set CHROMIUM=/path/to/chromium")


@pytest.fixture(scope="session")
def migrated(testrun_uid: str, django_db_blocker: Any) -> str:
    """The name of a database with every migration in it, of which the others are copies."""
    with django_db_blocker.unblock():
        return databases.migrated(testrun_uid)


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, migrated: str
) -> None:
    """Let pytest-django copy that one for its worker."""
    connection.settings_dict["TEST"]["TEMPLATE"] = migrated


@pytest.fixture(scope="session", autouse=True)
def _emptied_quickly() -> Iterator[None]:
    """After a test that commits, empty its tables in our way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda self: databases.empty())
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


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives as long as the run: every module, every test."""
    gc.collect()
    gc.freeze()
