"""Rows of what lies on disk: a file, a zip, or the folder of a dataset."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from openflywheel.reading.archives import (
    CARD,
    Told,
    is_archive,
    is_hidden,
    may_hold_rows,
    rows_in_archive,
)
from openflywheel.reading.columns import FORMATS, Formats, Numbered
from openflywheel.reading.faults import BadFile
from openflywheel.reading.files import rows_in

# Unpacked; what is larger is sent in parts.
LARGEST_ARCHIVE = 4 * 1024**3


def rows_in_path(
    path: Path, *, formats: Formats = FORMATS, told: Told = lambda _: None
) -> Iterator[Numbered]:
    """The rows of a file, a zip or a folder; see `rows_in` and `rows_in_archive`."""
    if path.is_dir():
        yield from _rows_in_folder(path, formats, told)
        return
    if not path.is_file():
        raise BadFile(f"there is no file {path}; check the path")
    with path.open("rb") as file:
        if is_archive(file, path.name):
            yield from rows_in_archive(
                file, name=path.name, most=LARGEST_ARCHIVE, told=told, formats=formats
            )
        else:
            yield from rows_in(file, name=path.name, formats=formats)


def _rows_in_folder(folder: Path, formats: Formats, told: Told) -> Iterator[Numbered]:
    """Read as the same folder is when it is packed; only its card and its rows are."""
    inside = [(path, path.relative_to(folder)) for path in sorted(folder.rglob("*"))]
    with tempfile.TemporaryFile() as packed:
        with zipfile.ZipFile(packed, "w") as archive:
            for path, shown in inside:
                card = shown.name == CARD and not is_hidden(shown)
                if path.is_file() and (card or may_hold_rows(shown)):
                    archive.write(path, shown.as_posix())
        packed.seek(0)
        yield from rows_in_archive(
            packed, name=folder.resolve().name, most=LARGEST_ARCHIVE, told=told, formats=formats
        )
