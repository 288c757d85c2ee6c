"""A server that is killed while feedback comes in loses nothing it has acknowledged."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress

import httpx
import pytest

from apps.traces.models import Feedback
from tests.api.calling import calling
from tests.people import a_line, somebody
from tests.serving import kill, served

BATCHES, ROWS, SENDERS = 40, 25, 2


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
