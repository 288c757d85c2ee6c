"""A stream cut into parcels of whole rows, so that no body is ever held whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from apps.traces.feedback.rows import LONGEST_ROW
from openflywheel.reading.strict_json import BadJSON

PARCEL = 512 * 1024

# Whole texts are stepped over; a quotation mark alone begins one that is not all there yet.
TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}"]', re.DOTALL)
START_OF_LIST = re.compile(rb"(?:\xef\xbb\xbf)?[ \t\r\n]*\[")
START_OF_ITEMS = re.compile(
    rb'(?:\xef\xbb\xbf)?[ \t\r\n]*\{[ \t\r\n]*"items"[ \t\r\n]*:[ \t\r\n]*\['
)
LONGEST_START = 1024
WHITE = b" \t\r\n"


def parcels(pieces: Iterable[bytes], *, as_lines: bool) -> Iterator[bytes]:
    """The stream as parcels of about `PARCEL` bytes: lines as they came, or JSON lists."""
    return _parcels_of_lines(pieces) if as_lines else _parcels_of_list(pieces)


def _parcels_of_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for piece in pieces:
        held += piece
        if len(held) >= PARCEL and (end := held.rfind(b"\n") + 1):
            yield bytes(held[:end])
            del held[:end]
        elif len(held) > LONGEST_ROW:
            raise _row_too_long()
    if held.strip():
        yield bytes(held)


def _parcels_of_list(pieces: Iterable[bytes]) -> Iterator[bytes]:
    cutter, first = _Cutter(), True
    for piece in pieces:
        cutter.take(piece)
        if cutter.ready >= PARCEL:
            yield cutter.cut(first)
            first = False
    last = cutter.last(first)
    if last is not None:
        yield last


class _Cutter:
    """Finds where the elements of the outermost list end, a piece at a time."""

    def __init__(self) -> None:
        self.held = bytearray()
        self.began = False
        self.tail = b""  # what must follow the list: `}` where it is the list “items”
        self.depth = 0
        self.read_to = 0  # everything before it has been looked at
        self.ready = 0  # where the last whole element ends
        self.ended_at: int | None = None

    def take(self, piece: bytes) -> None:
        self.held += piece
        if not self.began:
            self._begin()
        if self.began and self.ended_at is None:
            self._scan()
        if len(self.held) - self.ready > LONGEST_ROW + PARCEL:
            raise _row_too_long()

    def _begin(self) -> None:
        for start, tail in ((START_OF_LIST, b""), (START_OF_ITEMS, b"}")):
            if found := start.match(self.held):
                self.began, self.tail = True, tail
                del self.held[: found.end()]
                return
        if len(self.held) > LONGEST_START:
            raise _no_list()

    def _scan(self) -> None:
        for token in TOKEN.finditer(self.held, self.read_to):
            mark = token[0]
            if mark == b'"':
                self.read_to = token.start()
                return
            if mark in (b"{", b"["):
                self.depth += 1
            elif mark in (b"}", b"]"):
                if not self.depth:
                    self.ended_at = token.start()
                    return
                self.depth -= 1
                if not self.depth:
                    self.ready = token.end()
        self.read_to = len(self.held)

    def cut(self, first: bool) -> bytes:
        """The whole elements so far, as a list of their own."""
        elements = bytes(self.held[: self.ready])
        del self.held[: self.ready]
        self.read_to = max(0, self.read_to - self.ready)
        if self.ended_at is not None:
            self.ended_at -= self.ready
        self.ready = 0
        return b"[" + _after_comma(elements, first) + b"]"

    def last(self, first: bool) -> bytes | None:
        """What is left at the end of the stream; None where that is nothing."""
        if not self.began:
            raise _no_list()
        if self.ended_at is None:
            raise BadJSON("the list does not end", "send the body again, whole")
        if self.held[self.ended_at + 1 :].strip(WHITE) != self.tail:
            raise BadJSON(
                "something follows the list",
                "in a large body let “items” stand alone, and give the rest in the address",
            )
        elements = bytes(self.held[: self.ended_at])
        if not elements.strip(WHITE):
            return None
        return b"[" + _after_comma(elements, first) + b"]"


def _after_comma(elements: bytes, first: bool) -> bytes:
    stripped = elements.lstrip(WHITE)
    if first:
        return stripped
    if not stripped.startswith(b","):
        raise BadJSON("a comma is missing between two rows", "write the body with a JSON library")
    return stripped[1:]


def _row_too_long() -> BadJSON:
    return BadJSON(f"a row is longer than {LONGEST_ROW // 1024**2} MB", "shorten or split it")


def _no_list() -> BadJSON:
    return BadJSON("the body is not a list", "send NDJSON, [{…}, …], or {“items”: [{…}, …]}")
