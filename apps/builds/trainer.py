"""Running the trainer: a child process that writes what it does as JSON lines.

The child keeps torch out of the worker, gives its memory back when it ends, and dies with the
worker, because its next line finds nobody to read it.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.builds.errors import TrainingFailed

LAST_WORDS = 2000


def run(spec: Path, out: Path, *, beat: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Train and compare as `spec` says; yields the trainer's events as they come.

    `beat` is called at least every `HEARTBEAT_SECONDS`; what it raises ends the child. Raises
    `TrainingFailed` with the trainer's own last sentence.
    """
    errors = out / "stderr.log"
    out.mkdir(parents=True, exist_ok=True)
    with errors.open("wb") as stderr, _child(spec, out, stderr) as child:
        try:
            yield from _events(child, beat)
        finally:
            child.kill()
    if child.returncode not in (0, -9) or _no_adapter(out):
        raise TrainingFailed(_last_words(child.returncode, errors))


def _child(spec: Path, out: Path, stderr: Any) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "training", "build", str(spec), "--out", str(out)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(settings.TRAINING_THREADS)}
    return subprocess.Popen(
        command,
        cwd=settings.BASE_DIR,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
