"""What gunicorn refuses by itself has a request id, on the answer and in the log."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from gunicorn.config import Config
from gunicorn.glogging import Logger

from flywheel.worker import LONGEST, Worker

HELLO = (
    "import types, sys, logging; m = types.ModuleType('hello'); "
    "m.application = lambda environ, start: (start('200 OK', []), [b'hello'])[1]; "
    "sys.modules['hello'] = m; "
    "from flywheel.request_ids import Named; handler = logging.StreamHandler(); "
    "handler.addFilter(Named()); "
    "handler.setFormatter(logging.Formatter('%(request_id)s %(message)s')); "
    "logging.getLogger('flywheel').addHandler(handler); "
    "from gunicorn.app.wsgiapp import run; run()"
)


@contextmanager
def served() -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """A small application behind our worker; its port."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        command = [sys.executable, "-c", HELLO, "hello", "--no-control-socket"]
        command += ["--bind", f"fd://{listener.fileno()}", "--log-level", "error"]
        command += ["--worker-class", "flywheel.worker.Worker", "--threads", "2"]
        here = f"{settings.BASE_DIR}/platform{os.pathsep}{settings.BASE_DIR}"
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": here},
            pass_fds=[listener.fileno()],
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield listener.getsockname()[1], process
        finally:
            process.terminate()
            process.wait()


def said(port: int, request: bytes) -> str:
    """The whole answer to these bytes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        client.sendall(request)
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    return answer.decode()


@pytest.fixture(scope="module")
def answers() -> tuple[list[str], str]:
    """What is answered to a good request and to three that are none, and the log."""
    requests = [
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nBad Header: y\r\n\r\n",
        b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    ]
    with served() as (port, process):
        found = [said(port, request) for request in requests]
    assert process.stderr is not None
    return found, process.stderr.read()


def test_a_good_request_is_answered_as_ever(answers: tuple[list[str], str]) -> None:
    assert answers[0][0].startswith("HTTP/1.1 200 OK")
    assert "hello" in answers[0][0]


@pytest.mark.parametrize(("which", "status"), [(1, 400), (2, 400), (3, 414)])
def test_what_is_no_request_is_refused_under_an_id_that_stands_in_the_log(
    answers: tuple[list[str], str], which: int, status: int
) -> None:
    answer, log = answers[0][which], answers[1]

    found = re.search(r"\r\nX-Request-Id: ([0-9a-f]{32})\r\n", answer)

    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert found
    assert f"{found[1]} refused before it was read: " in log


class Counting(Worker):
    """A worker that takes connections and asks nobody to answer them."""

    def enqueue_req(self, conn: Any) -> None:
        conn.close()


def worker(connections: int) -> Worker:
    """One that has so many connections."""
    configured = Config()
    made = Counting(1, os.getppid(), [], None, 30, configured, Logger(configured))
    made.nr_conns = connections
    return made


@pytest.mark.parametrize("connections", [1, 2, 500])
def test_a_connection_goes_to_the_worker_with_the_fewest(
    connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy, idle = worker(connections), worker(0)
    hesitated: list[float] = []

    def meanwhile(seconds: float) -> None:
        """What the other does while one hesitates."""
        hesitated.append(seconds)
        if len(hesitated) == 1:
            idle.accept(listener)

    monkeypatch.setattr("flywheel.worker.time.sleep", meanwhile)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(8)
        listener.setblocking(False)
        with socket.create_connection(listener.getsockname()):
            busy.accept(listener)

    assert (busy.nr_conns, idle.nr_conns) == (connections, 1)
    assert LONGEST >= hesitated[0] > hesitated[1] == 0
