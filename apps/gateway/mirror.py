"""Shadow answers: the candidate is asked too, after the user has been answered.

A mirrored request never delays or harms anybody. Where the pool is full it is left out, which
thins the evidence and biases nothing: what is left out does not depend on the answers.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any

from django.db import close_old_connections

from apps.rollouts import upstream
from apps.rollouts.errors import RequestRefused, UpstreamRefused
from apps.rollouts.models import Version
from apps.traces.actions import log_mirror
from apps.traces.models import Trace

logger = logging.getLogger(__name__)

THREADS = 4
MOST_WAITING = 200

_pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="mirror")
_room = threading.BoundedSemaphore(MOST_WAITING)


def later(trace: Trace, candidate: Version, body: dict[str, Any], *, experiment: str) -> bool:
    """Have the candidate answer the same request soon; False when there is no room for it."""
    if not _room.acquire(blocking=False):
        return False
    # In the context of its request, so that what goes wrong is logged under the request's id.
    _pool.submit(copy_context().run, _answer, trace, candidate, body, experiment)
    return True


def _answer(trace: Trace, candidate: Version, body: dict[str, Any], experiment: str) -> None:
    try:
        close_old_connections()
        began = time.perf_counter()
        answer, error = None, ""
        try:
            answer = upstream.chat(candidate, body)
        except (UpstreamRefused, RequestRefused) as refusal:
            # The live version has answered this very request.
            error = str(refusal)
        seconds = time.perf_counter() - began
        log_mirror(
            trace,
            version=candidate.name,
            digest=candidate.digest,
            experiment=experiment,
            answer=answer,
            error=error,
            seconds=seconds,
        )
    except Exception:
        logger.exception("the mirror of %s was not logged", trace)
    finally:
        close_old_connections()
        _room.release()
