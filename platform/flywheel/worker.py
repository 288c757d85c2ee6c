"""gunicorn's worker with threads, whose own refusals have a request id too.

Every worker wakes up for a new connection, and whichever is quicker has it: of four clients that
keep theirs, often three would share one process, and its one lock, while another is idle. So a
worker hesitates for as long as it has connections, and the one with the fewest is the quickest.

What is no HTTP at all (a broken request line, a header too long) never reaches Django, so that its
middleware cannot name it. gunicorn answers such a request itself; here that answer gets its id, and
the id stands in the log beside the reason.
"""

from __future__ import annotations

import logging
import time
import uuid
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from flywheel.request_ids import current

logger = logging.getLogger(__name__)

AFTER = b"Connection: close\r\n"


# Seconds that a worker hesitates for each connection it has, and at most.
HESITATES, LONGEST = 0.0005, 0.001


class Worker(ThreadWorker):
    """`--worker-class flywheel.worker.Worker`."""

    def accept(self, listener: Any) -> None:
        """Take a new connection, unless a worker with fewer has it by then."""
        time.sleep(min(LONGEST, HESITATES * self.nr_conns))
        super().accept(listener)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """gunicorn's own answer to what it cannot read, under a new id."""
        name = uuid.uuid4().hex
        was = current.set(name)
        try:
            logger.warning("refused before it was read: %s", type(exc).__name__)
            super().handle_error(req, Naming(client, name), addr, exc)
        finally:
            current.reset(was)


class Naming:
    """A connection on which the head of an answer gets its `X-Request-Id`."""

    def __init__(self, client: Any, name: str) -> None:
        self._client, self._line = client, f"X-Request-Id: {name}\r\n".encode()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def sendall(self, data: bytes) -> None:
        """Send it with the line."""
        self._client.sendall(data.replace(AFTER, AFTER + self._line, 1))
