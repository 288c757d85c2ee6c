"""Valkey under `var/`: the broker of the Celery workers and the shared cache."""

import signal
import subprocess
import time
from pathlib import Path

import psutil
import redis

from flywheel.addresses import BrokerAddress
from flywheel.services import running
from flywheel.services.errors import ServiceRefused
from flywheel.services.place import Place
from flywheel.services.postgres import last_lines

START_SECONDS = 30.0


class Valkey:
    """The Valkey server of one place."""

    title = "Valkey"

    def __init__(self, place: Place, password: str, *, hurried: bool = False) -> None:
        self.place = place
        self.password = password
        self.hurried = hurried
        self.data = place.home / "valkey"
        self.log = place.home / "valkey.log"
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> BrokerAddress:
        """Where the broker answers."""
        return BrokerAddress(path=str(self.place.sockets / "valkey.sock"), password=self.password)

    def process(self) -> psutil.Process | None:
        """The server's process, or None when it does not run."""
        pid = running.read_pid(self.data / "valkey.pid")
        return running.working_in(self.data, "valkey-server", pid)

    def start(self) -> None:
        """Have the server answer, whatever a crash left behind."""
        if self.process() is None:
            self._launch()
        try:
            self._wait_until_it_answers()
        except ServiceRefused:
            # The outbox sends again what a broker has lost, so a log that Valkey cannot read back
            # is set aside and the start goes on.
            journal = self.data / "appendonlydir"
            if self._child is None or self._child.poll() is None or not journal.exists():
                raise
            journal.rename(self.data / f"appendonlydir.damaged-{int(time.time())}")
            self._launch()
            self._wait_until_it_answers()

    def stop(self) -> bool:
        """End the server; True if it ran."""
        process = self.process()
        if process is None:
            return False
        running.end(process, gently=signal.SIGTERM, within=15)
        return True

    def _launch(self) -> None:
        self.place.folder("valkey")
        running.end_leftovers(self.data, "valkey-server")
        (self.place.sockets / "valkey.sock").unlink(missing_ok=True)
        settings = {
            "port": "0",
            "unixsocket": _quoted(self.address.path),
            "unixsocketperm": "700",
            "requirepass": self.password,
            "dir": _quoted(self.data),
            "pidfile": _quoted(self.data / "valkey.pid"),
            "daemonize": "no",
            "save": '""',
            "appendonly": "no" if self.hurried else "yes",
            "maxmemory-policy": "noeviction",
        }
        config = self.data / "valkey.conf"
        self.place.write(config, "".join(f"{key} {value}\n" for key, value in settings.items()))
        with self.place.open_log(self.log) as log:
            self._child = subprocess.Popen(
                [str(self.place.valkey_programs / "valkey-server"), str(config)],
                **self.place.popen_options(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        client = redis.Redis.from_url(self.address.url, socket_timeout=5)
        while True:
            try:
                if client.ping():
                    return
            except redis.exceptions.BusyLoadingError:
                pass
            except (redis.RedisError, OSError) as error:
                ended = self._child is not None and self._child.poll() is not None
                if ended or time.monotonic() > deadline:
                    raise ServiceRefused(
                        f"Valkey does not answer ({error}). The end of {self.log}:\n"
                        f"{last_lines(self.log)}"
                    ) from error
            finally:
                client.close()
            time.sleep(0.02)


def _quoted(path: Path | str) -> str:
    """A path as Valkey's configuration takes it, whatever stands in it."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'
