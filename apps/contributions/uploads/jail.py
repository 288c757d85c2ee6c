"""The parent's side: a child reads the file, and whatever becomes of it, we get rows or a sentence.

Readers of Parquet, zip and JSON have had holes, and a file of 5 kB can claim terabytes. So the file
is opened only by a child with hard limits on memory, time and disk (setrlimit), without our
environment, our database or our files open; the kernel ends it where it goes beyond them.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePath
from threading import BoundedSemaphore, Timer
from typing import Any, BinaryIO

from apps.contributions.uploads.limits import Limits
from openflywheel.reading.archives import Placed, Told
from openflywheel.reading.columns import Numbered
from openflywheel.reading.faults import BadFile, BadRow

ROOT = Path(__file__).resolve().parents[3]
# `-I` keeps the environment and the working folder out of the child's imports.
PLACES = [str(ROOT), str(ROOT / "platform")]
PROGRAM = f"import sys; sys.path[:0] = {PLACES!r}; " + (
    "from apps.contributions.uploads.child import main; main()"
)
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "LANG": "C.UTF-8",
}
# A line of the child's answer is a row, written in ASCII.
LONGEST_ANSWER = 16 * 1024**2
USUAL = Limits()
# Strangers send files too, and each child may take `Limits.memory`: this process has so many at a
# time, and whoever comes then waits so long (seconds).
AT_ONCE, PATIENCE = 3, 5.0
_room = BoundedSemaphore(AT_ONCE)


def _nobody(_: str) -> None:
    """Where nobody asked what else there is to know of a file."""


def rows_of_upload(
    file: BinaryIO, *, name: str, limits: Limits = USUAL, told: Told = _nobody
) -> Iterator[Numbered]:
    """Every row of a stranger's file; `BadFile` says what is wrong with the file, and the mend.

    JSONL, a JSON list, CSV, Parquet, Arrow (each also as .gz), or a zip of such files. A row that
    cannot be read stands there as a `BadRow`; `told` hears what was left out on purpose.
    """
    name = PurePath(name).name or "the file"
    with tempfile.TemporaryFile() as copy:
        shutil.copyfileobj(file, copy)
        copy.seek(0)
        yield from _read_by_a_child(copy, "file", name, limits, told)


def rows_of_paste(text: str, *, limits: Limits = USUAL) -> Iterator[Numbered]:
    """Every row of pasted text: JSON lines, a JSON list, or CSV; read by a child, as files are."""
    with tempfile.TemporaryFile() as copy:
        copy.write(text.encode(errors="surrogatepass"))
        copy.seek(0)
        yield from _read_by_a_child(copy, "text", "the text", limits, _nobody)


def _read_by_a_child(
    file: BinaryIO, what: str, name: str, limits: Limits, told: Told
) -> Iterator[Numbered]:
    if not _room.acquire(timeout=PATIENCE):
        raise BadFile(f"{name} waits behind the files of others; send it again in a minute")
    try:
        yield from _read(file, what, name, limits, told)
    finally:
        _room.release()


def _read(file: BinaryIO, what: str, name: str, limits: Limits, told: Told) -> Iterator[Numbered]:
    command = [sys.executable, "-I", "-c", PROGRAM, *limits.as_arguments(), what, name]
    with subprocess.Popen(
        command,
        stdin=file,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        cwd="/",
    ) as child:
        # The limit on CPU time does not see a child that waits; this does.
        watch = Timer(limits.seconds + 0.5, child.kill)
        watch.start()
        try:
            yield from _answers(child, name, told)
        finally:
            watch.cancel()
            child.kill()


def _answers(child: subprocess.Popen[bytes], name: str, told: Told) -> Iterator[Numbered]:
    assert child.stdout is not None
    while line := child.stdout.readline(LONGEST_ANSWER):
        said = _understood(line)
        if "refused" in said:
            raise BadFile(said["refused"])
        if "end" in said:
            return
        if "note" in said:
            told(said["note"])
        if "n" in said:
            yield said["n"], _row_of(said)
    mend = "split it, or send it as plain JSONL"
    raise BadFile(f"{name} takes too much time or memory to read, or is damaged; {mend}")


def _row_of(said: dict[str, Any]) -> dict[str, Any] | BadRow:
    if "bad" in said:
        return BadRow(*said["bad"])
    return Placed(said["row"], said["at"]) if "at" in said else said["row"]


def _understood(line: bytes) -> dict[str, Any]:
    """One line of the child; a line that was cut off by its end says nothing."""
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        return {}
    return said
