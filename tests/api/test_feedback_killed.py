"""A server that is killed while feedback comes in loses nothing it has acknowledged."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

import httpx
import pytest
from django.conf import settings
from django.db import connection

from apps.traces.models import Feedback
from flywheel.addresses import parse_database_url
from tests.api.calling import calling
from tests.people import a_line, somebody

BATCHES, ROWS, SENDERS = 40, 25, 2


@contextmanager
def served(listener: socket.socket) -> Iterator[subprocess.Popen[bytes]]:
    """The site's own web server on the tests' database, in a process group of its own."""
    known = connection.settings_dict
    address = parse_database_url(
        f"postgresql://{known['USER']}:{known['PASSWORD']}@/{known['NAME']}"
        f"?host={known['HOST']}&port={known['PORT']}"
    )
    command = [sys.executable, "-m", "gunicorn", "flywheel.wsgi", "--no-control-socket"]
    command += ["--bind", f"fd://{listener.fileno()}", "--worker-class", "gthread"]
    command += ["--workers", "1", "--threads", "4", "--log-level", "error"]
    here = f"{settings.BASE_DIR}/platform{os.pathsep}{settings.BASE_DIR}"
    told = {**os.environ, "PYTHONPATH": here, "DATABASE_URL": replace(address).url}
    process = subprocess.Popen(
        command, env=told, pass_fds=[listener.fileno()], start_new_session=True
    )
    try:
        yield process
    finally:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.django_db(transaction=True)
def test_a_killed_server_loses_no_acknowledged_row_and_repeats_none() -> None:
    a_line("sums")
    token = calling(somebody()).token
    batches = [
        [
            {"prompt": "2+2", "answer": "5", "rating": 1, "client_id": f"{batch}-{row}"}
            for row in range(ROWS)
        ]
        for batch in range(BATCHES)
    ]
    acknowledged: dict[int, list[str]] = {}
    killed = threading.Event()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1/feedback/bulk"

        def send(some: range) -> None:
            with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=30) as http:
                for batch in some:
                    key = {"Idempotency-Key": f"batch {batch}"}
                    with suppress(httpx.TransportError):
                        said = http.post(url, json=batches[batch], headers=key)
                        assert said.status_code == 201, said.text
                        acknowledged[batch] = [row["id"] for row in said.json()["rows"]]
                        if len(acknowledged) == BATCHES // 4:
                            kill(first)
                    if killed.is_set() or first.poll() is not None:
                        return

        with served(listener) as first:
            senders = [
                threading.Thread(target=send, args=(range(number, BATCHES, SENDERS),))
                for number in range(SENDERS)
            ]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join(60)
        killed.set()
        standing = {row.public_id for row in Feedback.objects.all()}
        assert BATCHES // 4 <= len(acknowledged) < BATCHES
        assert {name for names in acknowledged.values() for name in names} <= standing

        with served(listener), httpx.Client(timeout=30) as http:
            for batch, rows in enumerate(batches):
                headers = {
                    "Authorization": f"Bearer {token}",
                    "Idempotency-Key": f"batch {batch}",
                }
                said = http.post(url, json=rows, headers=headers)
                assert said.status_code == 201, said.text
                if batch in acknowledged:
                    assert [row["id"] for row in said.json()["rows"]] == acknowledged[batch]

    names = Feedback.objects.values_list("client_id", flat=True)
    assert sorted(names) == sorted(row["client_id"] for rows in batches for row in rows)
