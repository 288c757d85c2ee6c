"""Running the trainer: a child process that says what it does in JSON lines.

The child keeps torch out of the worker, gives its memory back when it ends, and dies with the
worker, because its next line finds nobody to read it.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from django.conf import settings

from apps.builds.errors import TrainingFailed

logger = logging.getLogger(__name__)

LAST_WORDS = 2000


def run(spec: Path, out: Path, *, beat: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Train and compare as the file `spec` says; yields the trainer's events as they come.

    `beat` is called at least every `HEARTBEAT_SECONDS`; whatever it raises ends the child too.
    Raises `TrainingFailed` with the trainer's own last sentence.
    """
    out.mkdir(parents=True, exist_ok=True)
    errors = out / "stderr.log"
    with errors.open("wb") as stderr, _start(spec, out, stderr) as child:
        try:
            yield from _listen(child, beat)
            status = child.wait()
        finally:
            child.kill()
    if status:
        raise TrainingFailed(f"the trainer ended with status {status}: {_last_words(errors)}")


def _start(spec: Path, out: Path, stderr: IO[bytes]) -> subprocess.Popen[str]:
    threads = json.loads(spec.read_text(encoding="utf-8")).get("threads", 1)
    return subprocess.Popen(
        [sys.executable, "-m", "training", "build", str(spec), "--out", str(out)],
        cwd=settings.BASE_DIR,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def _listen(child: subprocess.Popen[str], beat: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Events until the child closes its mouth; the heart beats while it is silent."""
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=settings.HEARTBEAT_SECONDS)
        except queue.Empty:
            beat()
            continue
        if line is None:
            return
        event = _event(line)
        if event.get("event") == "error":
            raise TrainingFailed(event["message"])
        if event:
            yield event


def _event(line: str) -> dict[str, Any]:
    """One event; a line that some library printed on its own account is none."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        logger.info("the trainer said: %s", line.strip())
        return {}
    return event if isinstance(event, dict) and "event" in event else {}


def _read(stream: IO[str], lines: queue.Queue[str | None]) -> None:
    for line in stream:
        lines.put(line)
    lines.put(None)


def _last_words(errors: Path) -> str:
    text = errors.read_text(encoding="utf-8", errors="replace")[-LAST_WORDS:].strip()
    return text.splitlines()[-1] if text else "it said nothing"
