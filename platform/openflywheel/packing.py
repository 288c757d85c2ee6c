"""Rows as a packed body: NDJSON, gzipped as they come, never held whole in memory.

A body of a known length that can be read again from its start is what makes a retry possible; a
stream in chunks could be sent once.
"""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, Self

CHUNK = 64 * 1024
# Beyond this a body waits on disk.
HELD_IN_MEMORY = 8 * 1024**2


class Body:
    """Some rows, packed; to be used in a `with` block, after which it is gone."""

    content_type = "application/x-ndjson"

    def __init__(
        self,
        rows: Iterable[Mapping[str, Any]],
        *,
        most_rows: int | None = None,
        most_bytes: float = float("inf"),
    ) -> None:
        """Pack the rows up to a bound (bytes unpacked); the rest of an iterator stays in it."""
        self.file = tempfile.SpooledTemporaryFile(HELD_IN_MEMORY)  # noqa: SIM115 (see __exit__)
        self.rows = size = 0
        with gzip.GzipFile(fileobj=self.file, mode="wb", compresslevel=1, mtime=0) as packed:
            for row in islice(rows, most_rows):
                line = line_of(row)
                packed.write(line)
                self.rows, size = self.rows + 1, size + len(line)
                if size >= most_bytes:
                    break
        self.size = self.file.tell()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.file.close()

    def pieces(self) -> Iterator[bytes]:
        """The bytes from the start, each time anew."""
        self.file.seek(0)
        yield from iter(lambda: self.file.read(CHUNK), b"")

    @property
    def headers(self) -> dict[str, str]:
        """What the site has to know to read it."""
        return {
            "Content-Type": self.content_type,
            "Content-Encoding": "gzip",
            "Content-Length": str(self.size),
        }


def line_of(row: Mapping[str, Any]) -> bytes:
    """A row as a line of NDJSON."""
    try:
        return json.dumps(row, ensure_ascii=False, default=_no_text).encode() + b"\n"
    except UnicodeEncodeError:
        # Half of a surrogate pair has no UTF-8; escaped it arrives, and the site names its row.
        return json.dumps(row, default=_no_text).encode() + b"\n"


def _no_text(value: Any) -> dict[str, str]:
    # What JSON has no form for (bytes, a date) is no text either, and the site says so of its row.
    return {"type": repr(type(value))}
