"""Keeps the processes of one site running, and ends them all, whatever happens to itself."""

import contextlib
import fcntl
import json
import logging
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psycopg
import redis
from django.conf import settings
from psycopg import sql

from flywheel import services
from flywheel.addresses import parse_database_url, parse_redis_url
from flywheel.processes import PYTHON, QUIET_NEIGHBOURS, Process, Upstream, process_table
from flywheel.services.postgres import last_lines
from flywheel.tether import tied_to

logger = logging.getLogger(__name__)

DEFAULT_PORT = 8000
READY_SECONDS = 120.0
STOP_SECONDS = 12.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
HEALTHY_AFTER = 60.0
LONG_LOG = 10_000_000


class SiteRefused(Exception):
    """A site that could not start; the message says which process, and shows its last words."""


@dataclass
class Child:
    """A running process of the table and how often it had to be started again."""

    process: Process
    popen: subprocess.Popen[bytes]
    started: float
    pause: float = FIRST_PAUSE
    restarts: int = 0
    restart_at: float | None = None


@dataclass
class Supervisor:
    """Starts the processes of a table, starts again those that die, and ends them together."""

    table: tuple[Process, ...]
    environment: Mapping[str, str]
    folder: Path
    logs: Path
    inherited: tuple[int, ...] = ()
    state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Nothing runs yet."""
        self._children: dict[str, Child] = {}
        self._change = threading.Lock()
        self._ending = threading.Event()
        self._watcher: threading.Thread | None = None
        self._spawned = threading.Event()

    @property
    def pids(self) -> Mapping[str, int]:
        """The main process of each name, now."""
        with self._change:
            return MappingProxyType({n: c.popen.pid for n, c in self._children.items()})

    def log(self, name: str) -> Path:
        """Where the words of a process are kept."""
        return self.logs / f"{name}.log"

    def start(self) -> None:
        """Start every process and return when all are ready, or raise SiteRefused."""
        for folder in (self.folder, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        for process in self.table:
            _set_aside(self.log(process.name))
        # The kernel ends a child with the *thread* that forked it, so one thread forks them all.
        self._watcher = threading.Thread(target=self._watch, name="supervisor", daemon=True)
        self._watcher.start()
        self._spawned.wait()
        deadline = time.monotonic() + READY_SECONDS
        for process in self.table:
            self._wait_until_ready(process, deadline)

    def stop(self) -> None:
        """End every process: ask, wait, then kill its whole group."""
        self._ending.set()
        if self._watcher is not None:
            self._watcher.join()

    def _watch(self) -> None:
        try:
            for process in self.table:
                self._spawn(process)
            self._write_state()
            self._spawned.set()
            while not self._ending.wait(0.1):
                self._revive()
        finally:
            self._spawned.set()
            self._end_all()

    def _spawn(self, process: Process) -> None:
        self._sign(process).unlink(missing_ok=True)
        parent = os.getpid()
        with self.log(process.name).open("ab") as log:
            popen = subprocess.Popen(
                process.command,
                cwd=settings.BASE_DIR,
                env={**self.environment, "OPENFLYWHEEL_READY_FILE": str(self._sign(process))},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self.inherited,
                start_new_session=True,
                preexec_fn=lambda: tied_to(parent),
            )
        with self._change:
            before = self._children.get(process.name)
            self._children[process.name] = Child(process, popen, time.monotonic())
            if before is not None:
                self._children[process.name].pause = min(before.pause * 2, LONGEST_PAUSE)
                self._children[process.name].restarts = before.restarts + 1

    def _revive(self) -> None:
        now = time.monotonic()
        for child in list(self._children.values()):
            if child.popen.poll() is None:
                if now - child.started > HEALTHY_AFTER:
                    child.pause = FIRST_PAUSE
            elif child.restart_at is None:
                child.restart_at = now + child.pause
                _kill_group(child.popen.pid)
                logger.warning(
                    "%s ended (%s); it starts again in %.1f s; see %s",
                    child.process.name,
                    _how(child.popen.returncode),
                    child.pause,
                    self.log(child.process.name),
                )
            elif now >= child.restart_at:
                self._spawn(child.process)
                self._write_state()

    def _end_all(self) -> None:
        children = list(self._children.values())
        for child in reversed(children):
            with contextlib.suppress(ProcessLookupError):
                child.popen.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        for child in children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.popen.wait(max(0.0, deadline - time.monotonic()))
        for child in children:
            _kill_group(child.popen.pid)
            child.popen.wait()
        (self.folder / "state.json").unlink(missing_ok=True)

    def _wait_until_ready(self, process: Process, deadline: float) -> None:
        while not self._is_ready(process):
            child = self._children.get(process.name)
            died = child is None or child.restarts > 1
            if died or time.monotonic() > deadline:
                raise SiteRefused(
                    f"{process.name} did not become ready. The end of {self.log(process.name)}:\n"
                    f"{last_lines(self.log(process.name))}"
                )
            time.sleep(0.1)

    def _is_ready(self, process: Process) -> bool:
        if not process.ready_url:
            return self._sign(process).exists()
        try:
            return httpx.get(process.ready_url, timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _sign(self, process: Process) -> Path:
        return self.folder / f"{process.name}.ready"

    def _write_state(self) -> None:
        draft = self.folder / "state.json.new"
        body = {**self.state, "supervisor": os.getpid(), "pids": dict(self.pids)}
        draft.write_text(json.dumps(body, indent=2) + "\n")
        draft.replace(self.folder / "state.json")


@dataclass(frozen=True)
class Site:
    """A site that runs."""

    url: str
    upstream_url: str
    environment: Mapping[str, str]
    _supervisor: Supervisor

    @property
    def pids(self) -> Mapping[str, int]:
        """The main process of each name (web, runtime, worker-default, worker-gpu, beat), now."""
        return self._supervisor.pids

    def log(self, name: str) -> Path:
        """Where the words of a process are kept."""
        return self._supervisor.log(name)

    def manage(self, *words: str) -> str:
        """Run `manage.py` with these words against this site; what it printed."""
        return _manage(self.environment, *words)


@contextlib.contextmanager
def running_site(
    *,
    port: int | None = None,
    fresh: bool = False,
    copy_of: str = "",
    apart: str = "",
    environment: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Site]:
    """Run a whole site and yield it when it is ready; on the way out, everything ends.

    `port`: where the site answers; by default 8000, or a free one where that is taken.
    `fresh`: begin with an empty database, empty queues and no artifacts.
    `copy_of`: a migrated database on the same server; a fresh site begins with a copy of it, which
    takes a tenth of a second where migrating takes many (for tests).
    `apart`: a name; the site then has a database, queues and a folder of its own (for tests).
    `environment`: settings of this site alone, such as {"BASE_MODEL": "/models/small"}.

    Raises SiteRefused when a process does not become ready, or when this site runs already.
    """
    services.start_as_configured()
    told = {**_environment(apart), **environment}
    var = Path(told["VAR_DIR"])
    with _only_one(var), _listening(port) as listener:
        if fresh:
            _begin_anew(told, copy_of)
        Path(told["ARTIFACTS_DIR"]).mkdir(parents=True, exist_ok=True)
        upstream = _upstream(told)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        told |= {"SITE_URL": url, "UPSTREAM_URL": upstream.url}
        if not copy_of:
            _manage(told, "migrate", "--verbosity=0")
        supervisor = Supervisor(
            table=process_table(
                web_socket=listener.fileno(),
                web_url=url,
                upstream=upstream,
                artifacts=told["ARTIFACTS_DIR"],
                beat_schedule=str(var / "run" / "beat-schedule"),
            ),
            environment=told,
            folder=var / "run",
            logs=var / "log",
            inherited=(listener.fileno(),),
            state={"url": url, "upstream_url": upstream.url},
        )
        try:
            supervisor.start()
            yield Site(url, upstream.url, MappingProxyType(told), supervisor)
        finally:
            supervisor.stop()


def _environment(apart: str) -> dict[str, str]:
    """What every process of the site is told: our own environment and where its parts are."""
    embedded = services.recorded(settings.VAR_DIR) or services.Addresses("", "")
    database = parse_database_url(os.environ.get("DATABASE_URL") or embedded.database_url)
    broker = parse_redis_url(os.environ.get("REDIS_URL") or embedded.redis_url)
    var, artifacts = settings.VAR_DIR, settings.ARTIFACTS_DIR
    if apart:
        database = replace(database, name=f"openflywheel_{apart}")
        var, artifacts = var / apart, var / apart / "artifacts"
    return {
        **os.environ,
        **QUIET_NEIGHBOURS,
        "PYTHONPATH": os.pathsep.join(
            (str(settings.BASE_DIR / "platform"), str(settings.BASE_DIR))
        ),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "flywheel.settings",
        "OPENFLYWHEEL_ENV": settings.ENVIRONMENT,
        # A visitor of a site sees our own error pages; DEBUG=1 brings Django's back.
        "DEBUG": os.environ.get("DEBUG", "0"),
        "VAR_DIR": str(var),
        "ARTIFACTS_DIR": str(artifacts),
        "DATABASE_URL": database.url,
        "REDIS_URL": broker.url,
        "QUEUE_PREFIX": settings.QUEUE_PREFIX + (f"-{apart}" if apart else ""),
    }


def _upstream(told: Mapping[str, str]) -> Upstream:
    """The server of models that UPSTREAM_URL names, or our own runtime on a free port."""
    if told.get("UPSTREAM_URL"):
        return Upstream(told["UPSTREAM_URL"], ours=False)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    model = told.get("BASE_MODEL") or settings.BASE_MODEL
    name = told.get("BASE_NAME") or settings.BASE_NAME
    return Upstream(f"http://127.0.0.1:{port}", ours=True, base_model=model, base_name=name)


@contextlib.contextmanager
def _only_one(var: Path) -> Iterator[None]:
    """Hold the site's lock; the kernel lets go of it when we die, so it is never stale."""
    folder = var / "run"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "serve.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SiteRefused(
                f"This site already runs{_where(folder)}: end that one first, or set VAR_DIR to "
                "another folder."
            ) from None
        yield


def _where(folder: Path) -> str:
    try:
        state = json.loads((folder / "state.json").read_text())
        return f" at {state['url']}, process {state['supervisor']}"
    except (OSError, ValueError, KeyError):
        return ""


def _listening(port: int | None) -> socket.socket:
    """A socket that listens on `port`, or by default on 8000 or whatever is free."""
    for wanted in (DEFAULT_PORT, 0) if port is None else (port,):
        listener = socket.socket()
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("127.0.0.1", wanted))
            listener.listen(1024)
            return listener
        except OSError as error:
            listener.close()
            refusal = error
    raise SiteRefused(
        f"Port {port} cannot be had ({refusal.strerror}): choose another with --port."
    )


def _begin_anew(told: Mapping[str, str], copy_of: str) -> None:
    """Empty the database, the queues, the cache and the artifacts of one site."""
    database = parse_database_url(told["DATABASE_URL"])
    name, template = sql.Identifier(database.name), sql.Identifier(copy_of or "template1")
    try:
        with psycopg.connect(replace(database, name="postgres").url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, template))
    except psycopg.Error as error:
        raise SiteRefused(
            f"The database {database.name} cannot be emptied ({str(error).strip()}): give its user "
            "the right to create databases, or leave DATABASE_URL unset."
        ) from error
    with redis.Redis.from_url(told["REDIS_URL"]) as client:
        for key in client.scan_iter(f"{told['QUEUE_PREFIX']}:*", count=1000):
            client.delete(key)
    shutil.rmtree(told["ARTIFACTS_DIR"], ignore_errors=True)


def _manage(told: Mapping[str, str], *words: str) -> str:
    command = [PYTHON, str(settings.BASE_DIR / "manage.py"), *words]
    done = subprocess.run(command, env=dict(told), capture_output=True, text=True, check=False)
    if done.returncode:
        raise SiteRefused(f"manage.py {' '.join(words)} failed:\n{done.stderr.strip()[-2000:]}")
    return done.stdout


def _set_aside(log: Path) -> None:
    """Begin a new log when the old one is long, and keep the old one beside it."""
    if log.exists() and log.stat().st_size > LONG_LOG:
        log.replace(log.with_suffix(".log.1"))


def _kill_group(pid: int) -> None:
    """Kill whatever is left of a child's process group (it leads one of its own)."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _how(returncode: int) -> str:
    if returncode < 0:
        return f"killed by {signal.Signals(-returncode).name}"
    return f"exit {returncode}"
