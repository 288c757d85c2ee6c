"""A real argilla-server 2.8.0, in an environment of its own, with its worker and our Valkey."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import httpx
import psutil
import psycopg
from django.conf import settings
from psycopg import sql

from flywheel import services
from flywheel.addresses import DatabaseAddress, parse_database_url
from flywheel.services.place import Place
from flywheel.services.valkey import Valkey
from flywheel.tether import tied_to

PINS = Path(__file__).with_name("server-constraints.txt")
READY_SECONDS = 120.0
# A message longer than this is a bad row, which our own site takes.
LONGEST_MESSAGE = 5_000


def environment_of_server() -> Path:
    """Its Python, made once a checkout and again when the pins change. No torch is in it."""
    home = settings.BASE_DIR / "var" / "argilla-server"
    python, stamp = home / "bin" / "python", home / "installed.txt"
    if stamp.exists() and stamp.read_text() == PINS.read_text():
        return python
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    install = [
        str(python),
        "-m",
        "pip",
        "install",
        "-qq",
        "--no-input",
        "--no-deps",
        "--no-compile",
    ]
    subprocess.run([*install, "-r", str(PINS)], check=True)
    # Written last: an interrupted installation is begun again.
    stamp.write_text(PINS.read_text())
    return python


@dataclass
class Server:
    """Where Argilla answers and with which key, and the processes of it that are ours."""

    url: str
    key: str
    ours: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    python: Path = Path()
    home: Path = Path()
    valkey: Valkey | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, *names: str) -> None:
        """Start the server and its worker (or those named) and wait until it answers."""
        port = self.url.rpartition(":")[2]
        commands = {
            "server": ("start", "--host", "127.0.0.1", "--port", port, "--no-access-log"),
            "worker": ("worker", "--num-workers", "1"),
        }
        parent = os.getpid()
        for name in names or commands:
            with (self.home / f"{name}.log").open("ab") as log:
                self.running[name] = subprocess.Popen(
                    [str(self.python), "-m", "argilla_server", *commands[name]],
                    env=self.environment,
                    cwd=self.home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=lambda: tied_to(parent),
                )
        if "server" in self.running:
            self._wait()

    def stop(self, *names: str) -> None:
        """Kill the server and its worker, or those named, with everything they started."""
        for name in names or tuple(self.running):
            process = self.running.pop(name)
            with suppress(psutil.NoSuchProcess):
                family = psutil.Process(process.pid)
                for one in (family, *family.children(recursive=True)):
                    with suppress(psutil.NoSuchProcess):
                        one.kill()
            process.wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            with suppress(httpx.HTTPError):
                answer = httpx.get(f"{self.url}/api/v1/version", timeout=5, trust_env=False)
                if answer.status_code == 200:
                    return
            if self.running["server"].poll() is not None or time.monotonic() > deadline:
                log = (self.home / "server.log").read_text()[-3000:]
                raise RuntimeError(f"argilla-server did not become ready:\n{log}")
            time.sleep(0.1)


def _for_argilla(address: DatabaseAddress, name: str) -> str:
    """The address in the words of Argilla's drivers, whose tools stumble over a %2F."""
    login = f"postgresql+asyncpg://{quote(address.user)}:{quote(address.password)}@"
    if address.host.startswith("/"):
        return f"{login}/{name}?host={address.host}"
    return f"{login}{address.host}:{address.port or 5432}/{name}"


@contextmanager
def a_database() -> Iterator[str]:
    """A database of our PostgreSQL, in the words of Argilla's driver.

    SQLite has one writer at a time: rows that come in while others are answered make it thrash.
    """
    embedded = services.recorded(settings.VAR_DIR)
    ours = parse_database_url(
        os.environ.get("DATABASE_URL") or (embedded and embedded.database_url) or ""
    )
    name = sql.Identifier("argilla_tests")
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name)
    with psycopg.connect(replace(ours, name="postgres").url, autocommit=True) as cluster:
        cluster.execute(drop)
        cluster.execute(sql.SQL("CREATE DATABASE {}").format(name))
        try:
            yield _for_argilla(ours, "argilla_tests")
        finally:
            cluster.execute(drop)


@contextmanager
def argilla_server(search_url: str) -> Iterator[Server]:
    """A fresh server of ours while the block lasts."""
    python = environment_of_server()
    home = settings.VAR_DIR / "argilla-server"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    # A Valkey that only these tests use, so that they may end it.
    valkey = Valkey(Place.under(home), secrets.token_hex(16), hurried=True)
    valkey.start()
    stack = ExitStack()
    database = stack.enter_context(a_database())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    server = Server(
        url=url,
        key=secrets.token_urlsafe(24),
        ours=True,
        python=python,
        home=home,
        valkey=valkey,
        environment={
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            "ARGILLA_HOME_PATH": str(home),
            "ARGILLA_AUTH_SECRET_KEY": secrets.token_urlsafe(32),
            "ARGILLA_DATABASE_URL": database,
            "ARGILLA_ELASTICSEARCH": search_url,
            "ARGILLA_REDIS_URL": valkey.address.url,
            "ARGILLA_MAX_MESSAGE_LENGTH": str(LONGEST_MESSAGE),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_OFFLINE": "1",
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        },
    )
    try:
        for words in (
            ("database", "migrate"),
            (
                *("database", "users", "create_default", "--quiet"),
                *("--api-key", server.key, "--password", secrets.token_urlsafe(16)),
            ),
        ):
            subprocess.run(
                [str(python), "-m", "argilla_server", *words],
                env=server.environment,
                cwd=home,
                check=True,
                capture_output=True,
            )
        server.start()
        yield server
    finally:
        server.stop()
        valkey.stop()
        stack.close()
