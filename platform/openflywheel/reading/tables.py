"""Rows out of tables: Parquet, and the Arrow streams of Hugging Face datasets.

Arrow is imported by whoever meets such a file, and by nobody else.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from typing import Any

from openflywheel.reading.columns import Formats, Numbered, ensure_columns
from openflywheel.reading.faults import LONGEST_TEXT, BadFile, BadRow

LARGEST_PARQUET = 1024**3
ROWS_A_BATCH = 64


def parquet(pieces: Iterable[bytes], name: str, formats: Formats) -> Iterator[Numbered]:
    """The rows of a Parquet file; `BadFile` when it is none."""
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise BadFile(_without_arrow(name)) from error

    with tempfile.TemporaryFile() as copy:
        size = 0
        for piece in pieces:
            size += len(piece)
            if size > LARGEST_PARQUET:
                raise BadFile(f"{name} is larger than {LARGEST_PARQUET // 1024**3} GB; split it")
            copy.write(piece)
        if not size:
            raise BadFile(f"{name} is empty; put at least one row into it")
        try:
            schema = pq.ParquetFile(copy, arrow_extensions_enabled=False).schema_arrow
            texts = [field.name for field in schema if pa.types.is_string(field.type)]
            # A text that repeats stays packed: 5 kB of Parquet can claim terabytes of it.
            source = pq.ParquetFile(copy, read_dictionary=texts, arrow_extensions_enabled=False)
        except MemoryError:
            raise
        except (pa.ArrowException, OSError) as error:
            detail = f"{name} is not Parquet, damaged or cut off"
            raise BadFile(f"{detail}; copy it again, whole") from error
        ensure_columns(schema.names, name, formats)
        yield from _from_batches(source.iter_batches(ROWS_A_BATCH, use_threads=False))


def arrow(pieces: Iterable[bytes], name: str, formats: Formats) -> Iterator[Numbered]:
    """What `save_to_disk` of Hugging Face datasets writes: an Arrow stream."""
    try:
        import pyarrow as pa
    except ImportError as error:
        raise BadFile(_without_arrow(name)) from error

    with tempfile.TemporaryFile() as copy:
        for piece in pieces:
            copy.write(piece)
        copy.seek(0)
        try:
            source = pa.ipc.open_stream(copy)
        except (pa.ArrowException, OSError) as error:
            detail = f"{name} is not an Arrow stream, damaged or cut off"
            raise BadFile(f"{detail}; write it with `dataset.to_parquet(…)`") from error
        ensure_columns(source.schema.names, name, formats)
        yield from _from_batches(source)


def _without_arrow(name: str) -> str:
    return f"{name} is read with pyarrow, which is not installed; install it, or send JSONL"


def _from_batches(batches: Iterable[Any]) -> Iterator[Numbered]:
    import pyarrow as pa

    number = 0
    try:
        for batch in batches:
            for place in range(batch.num_rows):
                number += 1
                yield number, _record_of(batch, place)
    except MemoryError:
        raise  # Arrow's own is both: what is too large is not damaged
    except (pa.ArrowException, OSError) as error:
        detail = f"the file is damaged after row {number}: {str(error)[:120]}"
        yield number + 1, BadRow("damaged", "", detail, "copy it again, whole")


def _record_of(batch: Any, place: int) -> dict[str, Any] | BadRow:
    row: dict[str, Any] = {}
    for column, values in zip(batch.schema.names, batch.columns, strict=True):
        cell = values[place]
        cell = cell.value if hasattr(cell, "dictionary") else cell
        if cell is None or not cell.is_valid:
            continue
        if hasattr(cell, "as_buffer") and len(cell.as_buffer()) > 4 * LONGEST_TEXT:
            detail = f"{column} has more than {LONGEST_TEXT:,} characters"
            return BadRow("too_long", column, detail, "shorten it or split the row")
        try:
            row[column] = cell.as_py()
        except UnicodeDecodeError:
            detail = f"{column} is not UTF-8"
            return BadRow("not_utf8", column, detail, "write the file with UTF-8 text")
    return row
