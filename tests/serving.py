"""The site's own web server in a process of its own, on the tests' database."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import connection

from flywheel.addresses import parse_database_url


@contextmanager
def served(listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    """Answer on a socket that listens, in a process group of its own."""
    known = connection.settings_dict
    address = parse_database_url(
        f"postgresql://{known['USER']}:{known['PASSWORD']}@/{known['NAME']}"
        f"?host={known['HOST']}&port={known['PORT']}"
    )
    command = [sys.executable, "-m", "gunicorn", "flywheel.wsgi", "--no-control-socket"]
    command += ["--bind", f"fd://{listener.fileno()}", "--worker-class", "gthread"]
    command += ["--workers", "1", "--threads", "4", "--log-level", "error"]
    here = f"{settings.BASE_DIR}/platform{os.pathsep}{settings.BASE_DIR}"
    told = {**os.environ, "PYTHONPATH": here, "DATABASE_URL": address.url}
    process = subprocess.Popen(
        command, env=told, pass_fds=[listener.fileno()], start_new_session=True
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    """End the server and its workers at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
