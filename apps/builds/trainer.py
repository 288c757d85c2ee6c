"""Running the trainer in a child process, with the beat of this site's leases."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from apps.builds.errors import TrainingFailed
from training import child


def run(spec: Path, out: Path, *, beat: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Train and compare as the file `spec` says; yields the trainer's events as they come.

    `beat` is called at least every `HEARTBEAT_SECONDS`; whatever it raises ends the child too.
    Raises `TrainingFailed` with the trainer's own last sentence.
    """
    out.mkdir(parents=True, exist_ok=True)
    try:
        yield from child.heard(
            ["build", str(spec), "--out", str(out)],
            errors=out / "stderr.log",
            threads=json.loads(spec.read_text(encoding="utf-8")).get("threads", 1),
            beat=beat,
            every=settings.HEARTBEAT_SECONDS,
        )
    except child.ChildFailed as failure:
        raise TrainingFailed(str(failure)) from failure
