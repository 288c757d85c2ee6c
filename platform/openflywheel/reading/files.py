"""Rows out of files: JSONL, a JSON list, CSV, Parquet or Arrow, each also packed as .gz.

Whatever can be read is handed on; a row that cannot stands there as a `BadRow` with its mend, so
that one bad line never costs the good ones. Files are read as a stream, in bounded pieces, and
nothing that could run code (pickle, .pt, .npy) is ever opened.
"""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from pathlib import PurePath
from typing import Any, BinaryIO

from openflywheel.reading import strict_json, tables
from openflywheel.reading.columns import FORMATS, Formats, Numbered, ensure_columns, judged
from openflywheel.reading.faults import BadFile, BadRow, as_bad_row
from openflywheel.reading.strict_json import BadJSON

CHUNK = 256 * 1024
LONGEST_LINE = 1024**2
LARGEST_LIST = 64 * 1024**2
NEVER_OPENED = (".pkl", ".pickle", ".pt", ".pth", ".bin", ".npy", ".npz", ".joblib", ".ckpt", ".h5")
PICKLED = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"\x93NUMPY", b"PK\x03\x04")
# A cell that a spreadsheet runs (OWASP, “CSV injection”); “- item” and “+49 30” are just text.
FORMULA = re.compile(r"\s*(=|[+\-@]\s*[A-Za-z_.]+\s*[(|!])")
RATINGS = ("1", "2", "3", "4", "5")
LABELS = {"true": True, "1": True, "false": False, "0": False}


class Broken(Exception):
    """A packed stream is cut off or damaged; the text says which."""


def rows_in(
    file: BinaryIO, *, name: str, most: int | None = None, formats: Formats = FORMATS
) -> Iterator[Numbered]:
    """Every row of an open file; `name` (for its endings) and the first bytes tell the format.

    Raises `BadFile`, with what was found and the mend, when the file as a whole is not rows (has
    the columns of none of `formats`, where there are any), or when it holds more than `most`
    bytes, unpacked.
    """
    reader, packed = _reader_for(file, name)
    pieces = _pieces(file)
    return _rows(reader, gunzipped(pieces) if packed else pieces, name, most, formats)


def rows_in_text(text: str) -> Iterator[Numbered]:
    """The rows of pasted text: JSON lines, a JSON list, or CSV under a line of headings."""
    readers = {"{": _jsonl, "[": _json_list}
    reader = readers.get(text.lstrip()[:1], _csv)
    return _rows(reader, iter([text.encode(errors="surrogatepass")]), "the text", None)


def _rows(
    reader: Callable[..., Iterator[Numbered]],
    pieces: Iterable[bytes],
    name: str,
    most: int | None,
    formats: Formats = FORMATS,
) -> Iterator[Numbered]:
    """What the reader finds in the pieces; `BadFile` when that is nothing, or more than `most`."""
    began = False
    try:
        bounded = pieces if most is None else _at_most(pieces, most, name)
        numbered_rows = reader(bounded, name, formats)
        for numbered in numbered_rows if most is None else _small(numbered_rows, most, name):
            began = True
            yield numbered
    except Broken as broken:
        raise BadFile(f"{name}: {broken}; copy or pack the file again") from broken
    if not began:
        raise BadFile(f"{name} is empty; put at least one row into it")


def json_lines(pieces: Iterable[bytes]) -> Iterator[Numbered]:
    """The objects of an NDJSON stream by line; empty lines are skipped but counted."""
    for number, line in lines(pieces):
        if isinstance(line, BadRow):
            yield number, line
        elif not line.isspace() and line:
            yield number, _object(line)


def lines(
    pieces: Iterable[bytes], longest: int = LONGEST_LINE
) -> Iterator[tuple[int, bytes | BadRow]]:
    """Lines and their numbers, never holding more than `longest` bytes of one."""
    number, rest, skipping = 1, b"", False
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield number, _too_long(longest) if skipping or len(line) > longest else line
            number, skipping = number + 1, False
        if len(rest) > longest:
            # The start of the line is let go; what follows is skipped up to its end.
            rest, skipping = b"", True
    if skipping or len(rest) > longest:
        yield number, _too_long(longest)
    elif rest:
        yield number, rest


def gunzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The stream unpacked, a bounded piece at a time; `Broken` when it is damaged or cut off."""
    stream = None
    for piece in pieces:
        more = bool(piece)
        while more:
            stream = stream or zlib.decompressobj(wbits=31)
            try:
                unpacked = stream.decompress(piece, CHUNK)
            except zlib.error as error:
                raise Broken("it is not gzip, or damaged") from error
            if unpacked:
                yield unpacked
            if stream.eof:
                # Packed streams may follow one another; each is a whole of its own.
                piece, stream = stream.unused_data, None
                more = bool(piece)
            else:
                piece = stream.unconsumed_tail
                more = bool(piece) or len(unpacked) == CHUNK
    if stream is not None:
        raise Broken("it is cut off before its end")


def _reader_for(file: BinaryIO, name: str) -> tuple[Callable[..., Iterator[Numbered]], bool]:
    """How to read the file, and whether it is packed; by its endings, then by its first bytes."""
    endings = [ending.lower() for ending in PurePath(name).suffixes]
    if found := [ending for ending in endings if ending in NEVER_OPENED]:
        raise BadFile(f"{name}: {found[0]} files can run code and are never opened; send JSONL")
    start = _peek(file)
    packed = start.startswith(b"\x1f\x8b") or endings[-1:] == [".gz"]
    if packed:
        endings = [ending for ending in endings if ending != ".gz"]
        start = _unpacked_start(file, name)
    if start.startswith(PICKLED):
        raise BadFile(f"{name} is a pickle, NumPy or zip file and is never opened; send JSONL")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile(f"{name} is UTF-16; save it as UTF-8")
    ending = endings[-1] if endings else ""
    if ending == ".parquet" or start.startswith(b"PAR1"):
        return tables.parquet, packed
    if ending == ".arrow":
        return tables.arrow, packed
    if ending in (".csv", ".tsv"):
        return _csv, packed
    first = start.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first == b"[":
        return _json_list, packed
    if ending in (".jsonl", ".ndjson", ".json") or first == b"{":
        return _jsonl, packed
    raise BadFile(
        f"{name} is none of .jsonl, .json, .csv, .parquet (or one of them with .gz); "
        "give it the ending of its format"
    )


def _peek(file: BinaryIO) -> bytes:
    start = file.read(512)
    file.seek(0)
    return start


def _unpacked_start(file: BinaryIO, name: str) -> bytes:
    try:
        return next(gunzipped(_pieces(file)), b"")[:512]
    except Broken as broken:
        raise BadFile(f"{name}: {broken}; copy or pack the file again") from broken
    finally:
        file.seek(0)


def _at_most(pieces: Iterable[bytes], most: int, name: str) -> Iterator[bytes]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > most:
            raise BadFile(_too_large(name, most))
        yield piece


def _small(numbered: Iterable[Numbered], most: int, name: str) -> Iterator[Numbered]:
    # A small Parquet file can repeat a text a million times; only its rows show how large it is.
    size = 0
    for number, row in numbered:
        if isinstance(row, dict):
            size += sum(len(v if isinstance(v, str) else str(v)) for v in row.values())
        if size > most:
            raise BadFile(_too_large(name, most))
        yield number, row


def _too_large(name: str, most: int) -> str:
    return f"{name} holds more than {most // 1024**2} MB; split it, or send it through the API"


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(CHUNK), b"")


def _jsonl(pieces: Iterable[bytes], name: str, formats: Formats) -> Iterator[Numbered]:
    return judged(_to_the_break(json_lines(_without_mark(pieces))), name, formats)


def _json_list(pieces: Iterable[bytes], name: str, formats: Formats) -> Iterator[Numbered]:
    text = _whole(pieces, name, most=LARGEST_LIST, mend="send it as JSONL, one object a line")
    try:
        values = strict_json.loads(text, spare="rows")
    except BadJSON as bad:
        raise BadFile(f"{name}: {bad}") from bad
    numbered = ((number, _as_row(value)) for number, value in enumerate(values, start=1))
    return judged(numbered, name, formats)


def _csv(pieces: Iterable[bytes], name: str, formats: Formats) -> Iterator[Numbered]:
    return _to_the_break(_records(pieces, name, formats))


def _records(pieces: Iterable[bytes], name: str, formats: Formats) -> Iterator[Numbered]:
    faults: dict[int, BadRow] = {}
    text = _text_lines(lines(_without_mark(pieces)), faults)
    blank, header_line = _first_said(text)
    if faults:
        number, fault = next(iter(faults.items()))
        raise BadFile(f"{name}, line {number}: {fault.detail}; {fault.mend}")
    if not header_line:
        raise BadFile(f"{name} is empty; put a header and at least one row into it")
    comma = max(",;\t", key=header_line.count)
    records = csv.reader(chain(["\n"] * blank, [header_line], text), delimiter=comma, strict=True)
    header = [column.strip() for column in _header(records)]
    ensure_columns(header, name, formats)
    while True:
        before = records.line_num
        try:
            record = next(records)
        except StopIteration:
            return
        except csv.Error as error:
            yield before + 1, BadRow("bad_csv", "", f"{error}", "put quotes around the whole field")
            continue
        broken = [faults.pop(at) for at in range(before + 1, records.line_num + 1) if at in faults]
        if broken:
            yield before + 1, broken[0]
        elif record:
            yield before + 1, _from_csv(header, record)


def _first_said(text: Iterator[str]) -> tuple[int, str]:
    """How many blank lines come first, and the line after them; "" when there is none."""
    for blank, line in enumerate(text):
        if line.strip():
            return blank, line
    return 0, ""


def _header(records: Iterator[list[str]]) -> list[str]:
    try:
        return next((record for record in records if record), [])
    except csv.Error:
        return []


def _from_csv(header: Sequence[str], record: Sequence[str]) -> dict[str, Any] | BadRow:
    if len(record) != len(header):
        detail = f"the row has {len(record)} fields, the header {len(header)}"
        return BadRow("ragged", "", detail, "put quotes around fields that hold the separator")
    row: dict[str, Any] = dict(zip(header, record, strict=True))
    if formula := next((name for name, cell in row.items() if FORMULA.match(cell)), None):
        detail = f"{formula} is a formula, which a spreadsheet would run"
        return BadRow("formula", formula, detail, "send it as JSONL, or begin it with a letter")
    for name in ("label", "success"):
        if name in row:
            row[name] = LABELS.get(row[name].strip().casefold(), row[name])
    for name in ("rating", "stars"):
        if row.get(name, "") in RATINGS:
            row[name] = int(row[name])
    if row.get("messages", "").lstrip().startswith("["):
        try:
            row["messages"] = strict_json.loads(row["messages"])
        except BadJSON as bad:
            return BadRow("bad_json", "messages", bad.detail, bad.mend)
    return row


def _text_lines(
    numbered: Iterable[tuple[int, bytes | BadRow]], faults: dict[int, BadRow]
) -> Iterator[str]:
    """Lines as text; one that cannot be, is handed on empty and noted under its number."""
    for number, line in numbered:
        try:
            text = "" if isinstance(line, BadRow) else line.decode()
        except UnicodeDecodeError as error:
            detail = f"byte {error.start + 1} of the line is not UTF-8"
            line, text = BadRow("not_utf8", "", detail, "save the file as UTF-8"), ""
        if isinstance(line, BadRow):
            faults[number] = line
        yield text + "\n"


def _to_the_break(numbered: Iterable[Numbered]) -> Iterator[Numbered]:
    """The rows before the place where a packed stream breaks off, then why there are no more."""
    last = 0
    try:
        for number, row in numbered:
            yield number, row
            last = number
    except Broken as broken:
        if not last:
            raise
        detail = f"the file ends after row {last}: {broken}"
        yield last + 1, BadRow("cut_off", "", detail, "copy or pack it again, whole")


def _object(line: bytes) -> dict[str, Any] | BadRow:
    try:
        return _as_row(strict_json.loads(line))
    except BadJSON as bad:
        return _as_row(bad)


def _as_row(value: Any) -> dict[str, Any] | BadRow:
    if isinstance(value, dict):
        return value
    mend = "write {…} with named fields"
    return as_bad_row(value) or BadRow("not_an_object", "", "the row is not an object", mend)


def _without_mark(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The stream without the byte order mark that some editors put at its start."""
    first = True
    for piece in pieces:
        yield piece.removeprefix(b"\xef\xbb\xbf") if first else piece
        first = False


def _too_long(longest: int) -> BadRow:
    detail = f"the line is longer than {longest // 1024:,} kB"
    return BadRow("too_long", "", detail, "put one row on each line and shorten its texts")


def _whole(pieces: Iterable[bytes], name: str, *, most: int, mend: str) -> bytes:
    whole = io.BytesIO()
    for piece in pieces:
        whole.write(piece)
        if whole.tell() > most:
            raise BadFile(f"{name} is larger than {most // 1024**2} MB; {mend}")
    return whole.getvalue()
