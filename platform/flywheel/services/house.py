"""Both services together: started once by whoever comes first, waited for by everybody else."""

import fcntl
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from flywheel.services.addresses import Addresses, record, recorded
from flywheel.services.errors import ServiceRefused
from flywheel.services.place import Place
from flywheel.services.postgres import Postgres
from flywheel.services.valkey import Valkey

LOCK_SECONDS = 120.0


@dataclass(frozen=True)
class Standing:
    """One line of `manage.py services status`."""

    service: str
    pid: int | None
    where: str


def start(
    var: Path, *, postgres: bool = True, valkey: bool = True, hurried: bool = False
) -> Addresses:
    """Have the wanted services answer and return their addresses; harmless when they do already.

    `hurried` trades durability for speed (no fsync) and is for tests alone.
    """
    with _alone(var):
        place = Place.under(var)
        database, broker = _servers(place, hurried=hurried)
        addresses = Addresses(database.address.url, broker.address.url)
        record(var, addresses)
        if postgres:
            database.start()
        if valkey:
            broker.start()
        return addresses


def start_as_configured() -> None:
    """Start what the settings do not point elsewhere."""
    if settings.DATABASE_IS_EMBEDDED or settings.BROKER_IS_EMBEDDED:
        start(
            settings.VAR_DIR,
            postgres=settings.DATABASE_IS_EMBEDDED,
            valkey=settings.BROKER_IS_EMBEDDED,
            hurried=settings.ENVIRONMENT == "test",
        )


def stop(var: Path) -> list[str]:
    """End whatever of ours runs under `var`; the titles of what was ended."""
    if recorded(var) is None:
        return []
    with _alone(var):
        servers = _servers(Place.under(var))
        return [server.title for server in reversed(servers) if server.stop()]


def remove(var: Path) -> None:
    """End what runs under `var` and delete its data for good."""
    if recorded(var) is None:
        return
    with _alone(var):
        place = Place.under(var)
        for server in reversed(_servers(place)):
            server.stop()
        place.remove()


def status(var: Path) -> list[Standing]:
    """What runs under `var`, and where."""
    if recorded(var) is None:
        return [Standing(kind.title, None, "never started") for kind in (Postgres, Valkey)]
    standings = []
    for server in _servers(Place.under(var)):
        process = server.process()
        standings.append(
            Standing(server.title, process.pid if process else None, str(server.place.sockets))
        )
    return standings


def _servers(place: Place, *, hurried: bool = False) -> tuple[Postgres, Valkey]:
    password = _password(place)
    return (
        Postgres(place, password, hurried=hurried),
        Valkey(place, password, hurried=hurried),
    )


def _password(place: Place) -> str:
    """The password both services were made with, kept beside the data it opens."""
    kept = place.home / "password"
    if not kept.exists():
        place.write(kept, secrets.token_hex(24))
    return kept.read_text()


@contextmanager
def _alone(var: Path) -> Iterator[None]:
    """Hold the lock of `var`; of two starts at once, the second waits and finds all running."""
    lock = var / "services" / "lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("a")
    except PermissionError as error:
        raise ServiceRefused(
            f"{error.filename} belongs to another user: run as that user, or set VAR_DIR to a "
            "folder of your own."
        ) from error
    with file:
        deadline = time.monotonic() + LOCK_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ServiceRefused(
                        f"Another start has held {lock} for {LOCK_SECONDS:.0f} seconds: look for "
                        "a `manage.py services start` that hangs, and end it."
                    ) from None
                time.sleep(0.05)
        yield
