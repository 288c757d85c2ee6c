"""One of this library's commands in a child process, heard line by line. No torch.

The child keeps torch out of whoever listens, gives its memory back when it ends, and dies with the
listener, because its next line finds nobody to read it.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from training.errors import TrainingError

logger = logging.getLogger(__name__)

HOME = Path(__file__).resolve().parents[1]
LAST_WORDS = 2000


class ChildFailed(TrainingError):
    """The command ended without doing what it says; the text is its own last sentence."""


def heard(
    command: Sequence[str],
    *,
    errors: Path,
    threads: int,
    beat: Callable[[], None],
    every: float,
) -> Iterator[dict[str, Any]]:
    """Run `python -m training COMMAND` and yield its events as they come.

    `beat` is called at least every so many seconds while the child is silent; whatever it raises
    ends the child too, as does a listener who goes away. What the child says on stderr goes to the
    file `errors`. Raises `ChildFailed`.
    """
    with errors.open("wb") as stderr, _start(command, threads, stderr) as child:
        try:
            yield from _listen(child, beat, every)
            status = child.wait()
        finally:
            child.kill()
    if status:
        raise ChildFailed(f"the trainer ended with status {status}: {_last_words(errors)}")


def _start(command: Sequence[str], threads: int, stderr: IO[bytes]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "training", *command],
        cwd=HOME,
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )


def _listen(
    child: subprocess.Popen[str], beat: Callable[[], None], every: float
) -> Iterator[dict[str, Any]]:
    """Events until the child closes its mouth; the heart beats while it is silent."""
    lines: queue.Queue[str | None] = queue.Queue()
    threading.Thread(target=_read, args=(child.stdout, lines), daemon=True).start()
    while True:
        try:
            line = lines.get(timeout=every)
        except queue.Empty:
            beat()
            continue
        if line is None:
            return
        event = _event(line)
        if event.get("event") == "error":
            raise ChildFailed(event["message"])
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
