"""The child's side: confine yourself, then read the file on standard input, row by row.

Each line of the output is JSON: `{"n": 3, "row": {…}}` (with `"at"`, the file and line, where it
came in an archive), `{"n": 4, "bad": [code, name, detail, mend]}`, `{"refused": "…"}`, and at the
end of a file that was read whole `{"note": "…"}` for each thing that its sender should know, then
`{"end": true}`.
No Django here: what is not imported cannot be attacked, and a child starts in 60 ms.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from apps.contributions.uploads.limits import Limits
from openflywheel.reading.archives import Placed, Told, is_archive, rows_in_archive
from openflywheel.reading.columns import Numbered
from openflywheel.reading.faults import BadFile, BadRow
from openflywheel.reading.files import rows_in, rows_in_text

OPEN_FILES = 32


def main() -> None:
    """Read what stands on standard input; limits, what it is and its name come as arguments."""
    *numbers, what, name = sys.argv[1:]
    limits = Limits.from_arguments(numbers)
    confine(limits)
    with os.fdopen(0, "rb") as file, os.fdopen(1, "wb") as out:
        try:
            for said in _said(READERS[what], file, name, limits):
                out.write(json.dumps(said).encode() + b"\n")
        except MemoryError:
            out.write(json.dumps({"refused": too_costly(name)}).encode() + b"\n")


def confine(limits: Limits) -> None:
    """Take from this process, for good, whatever reading a file does not need."""
    resource.setrlimit(resource.RLIMIT_CPU, (limits.seconds, limits.seconds))
    # Not the address space: Arrow reserves gigabytes of it and uses little.
    resource.setrlimit(resource.RLIMIT_DATA, (limits.memory, limits.memory))
    resource.setrlimit(resource.RLIMIT_FSIZE, (limits.decoded, limits.decoded))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))


def too_costly(name: str) -> str:
    """Why a file was given up that needs more than it may."""
    return f"{name} takes too much time or memory to read; split it, or send it as plain JSONL"


def _rows_of_file(file: BinaryIO, name: str, most: int, told: Told) -> Iterator[Numbered]:
    if is_archive(file, name):
        return rows_in_archive(file, name=name, most=most, told=told)
    return rows_in(file, name=name, most=most)


def _rows_of_text(file: BinaryIO, name: str, most: int, told: Told) -> Iterator[Numbered]:
    """What somebody pasted; the page has bounded it already."""
    return rows_in_text(file.read(most).decode(errors="surrogatepass"))


Reader = Callable[[BinaryIO, str, int, Told], Iterator[Numbered]]
READERS: dict[str, Reader] = {"file": _rows_of_file, "text": _rows_of_text}


def _said(read: Reader, file: BinaryIO, name: str, limits: Limits) -> Iterator[dict[str, Any]]:
    notes: list[str] = []
    try:
        for count, numbered in enumerate(read(file, name, limits.decoded, notes.append)):
            if count == limits.rows:
                mend = "split it, and send each part as a PR of its own"
                raise BadFile(f"{name} has more than {limits.rows:,} rows; {mend}")
            yield _line(numbered)
    except BadFile as bad:
        yield {"refused": str(bad)}
    else:
        yield from ({"note": note} for note in notes)
        yield {"end": True}


def _line(numbered: Numbered) -> dict[str, Any]:
    number, row = numbered
    if isinstance(row, BadRow):
        return {"n": number, "bad": [row.code, row.name, str(row), row.mend]}
    try:
        json.dumps(row, allow_nan=False)
    except (TypeError, ValueError) as error:
        detail = f"a field is neither text nor a number that JSON has ({error})"
        mend = "write it as text, true or false"
        return {"n": number, "bad": ["not_text", "", detail, mend]}
    return {"n": number, "row": row} | ({"at": row.at} if isinstance(row, Placed) else {})
