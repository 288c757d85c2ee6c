"""PostgreSQL under `var/`: its folder, its start, its end."""

import shutil
import signal
import subprocess
import time
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from flywheel.addresses import DatabaseAddress
from flywheel.services import running
from flywheel.services.errors import ServiceRefused
from flywheel.services.place import Place

NAME = "openflywheel"
PORT = 5432  # Only the name of the socket; nothing listens on TCP.
START_SECONDS = 60.0

# The tests may lose everything in a power cut; nobody else may.
HURRIED = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class Postgres:
    """The PostgreSQL server of one place."""

    title = "PostgreSQL"

    def __init__(self, place: Place, password: str, *, hurried: bool = False) -> None:
        self.place = place
        self.password = password
        self.hurried = hurried
        self.data = place.home / "postgres"
        self.log = place.home / "postgres.log"

    @property
    def address(self) -> DatabaseAddress:
        """Where the site's own database answers."""
        return DatabaseAddress(
            name=NAME, user=NAME, password=self.password, host=str(self.place.sockets), port=PORT
        )

    def process(self) -> psutil.Process | None:
        """The server's main process, or None when it does not run."""
        pid = running.read_pid(self.data / "postmaster.pid")
        return running.working_in(self.data, "postgres", pid)

    def start(self) -> None:
        """Have the server answer: make its folder if there is none, clear what a crash left."""
        if self.process() is None:
            if not self.data.exists():
                self._make_folder()
            self._clear_crash()
            self._configure()
            self._launch()
        self._wait_until_it_answers()

    def stop(self) -> bool:
        """End the server; True if it ran. Open connections are closed, nothing is lost."""
        process = self.process()
        if process is None:
            return False
        running.end(process, gently=signal.SIGINT, within=30)
        return True

    def _make_folder(self) -> None:
        """Run initdb beside the final name, so that a half-made folder is never taken for one."""
        draft = self.place.home / "postgres.making"
        shutil.rmtree(draft, ignore_errors=True)
        password_file = self.place.home / "postgres.password"
        self.place.write(password_file, self.password + "\n")
        command = [
            str(self.place.postgres_programs / "initdb"),
            f"--pgdata={draft}",
            f"--username={NAME}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--locale=C.UTF-8",
            "--no-instructions",
            *(["--no-sync"] if self.hurried else []),
        ]
        try:
            done = subprocess.run(
                command,
                **self.place.popen_options(),
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            password_file.unlink(missing_ok=True)
        if done.returncode:
            shutil.rmtree(draft, ignore_errors=True)
            raise ServiceRefused(
                f"PostgreSQL could not make its folder {self.data}:\n{done.stderr.strip()}"
            )
        draft.rename(self.data)

    def _clear_crash(self) -> None:
        """Remove what a killed server leaves: its children, its pid file, its socket."""
        running.end_leftovers(self.data, "postgres")
        (self.data / "postmaster.pid").unlink(missing_ok=True)
        socket = self.place.sockets / f".s.PGSQL.{PORT}"
        socket.unlink(missing_ok=True)
        socket.with_name(f"{socket.name}.lock").unlink(missing_ok=True)

    def _configure(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": '"' + str(self.place.sockets).replace('"', '""') + '"',
            "unix_socket_permissions": "0700",
            "port": str(PORT),
            "max_connections": "100",
            "shared_buffers": "128MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "log_line_prefix": "%m [%p] ",
            **(HURRIED if self.hurried else {}),
        }
        lines = [
            f"{key} = '{value.replace(chr(39), chr(39) * 2)}'" for key, value in settings.items()
        ]
        header = "# Written anew at each start by `manage.py services start`."
        self.place.write(self.data / "postgresql.conf", "\n".join([header, *lines, ""]))

    def _launch(self) -> None:
        with self.place.open_log(self.log) as log:
            self._child = subprocess.Popen(
                [str(self.place.postgres_programs / "postgres"), "-D", str(self.data)],
                **self.place.popen_options(),
                env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        child: subprocess.Popen[bytes] | None = getattr(self, "_child", None)
        while True:
            try:
                with psycopg.connect(
                    self.address.url.replace(f"/{NAME}?", "/postgres?"),
                    autocommit=True,
                    connect_timeout=5,
                ) as connection:
                    self._make_database(connection)
                    return
            except psycopg.OperationalError as error:
                ended = child is not None and child.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise ServiceRefused(
                        f"PostgreSQL does not answer ({str(error).strip()}). The end of "
                        f"{self.log}:\n{last_lines(self.log)}"
                    ) from error
                time.sleep(0.05)

    def _make_database(self, connection: psycopg.Connection) -> None:
        query = "SELECT 1 FROM pg_database WHERE datname = %s"
        if connection.execute(query, [NAME]).fetchone() is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(NAME)))


def last_lines(log: Path, count: int = 12) -> str:
    """The last lines of a log, for a person to read."""
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-count:])
    except OSError as error:
        return f"(the log cannot be read: {error})"
