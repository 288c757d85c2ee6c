"""Uploaded and pasted rows, as a page takes them in: few enough to be one PR."""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import BinaryIO

from django.utils.formats import number_format
from django.utils.translation import gettext as _

from apps.contributions.rows import MOST_ROWS
from apps.contributions.uploads import Told, rows_of_paste, rows_of_upload
from openflywheel.reading.columns import Numbered
from openflywheel.reading.faults import BadFile, BadRow

LARGEST_FILE = 20 * 1024**2


def rows_of_file(file: BinaryIO, *, name: str, size: int, told: Told) -> list[Numbered]:
    """The rows of an uploaded file; one that could not be read stands there as a `BadRow`.

    `BadFile` when the file as a whole is not rows, is too large, or has not one readable row.
    `told` hears what was left out on purpose.
    """
    if size > LARGEST_FILE:
        megabytes = LARGEST_FILE // 1024**2
        said = _("%(name)s holds more than %(megabytes)d MB; split it, or send it by the API")
        raise BadFile(said % {"name": name, "megabytes": megabytes})
    return _some(rows_of_upload(file, name=name, told=told))


def rows_of_text(text: str) -> list[Numbered]:
    """The rows of pasted text, by the same rules."""
    return _some(rows_of_paste(text))


def rows_of_folder(files: Sequence[tuple[str, BinaryIO, int]], *, told: Told) -> list[Numbered]:
    """The rows of a folder, as a browser sends it: path, content and size (bytes) of each file.

    It is packed as a zip and read as one is, by the same rules.
    """
    name = next(iter(PurePosixPath(files[0][0]).parts), "the folder")
    if sum(size for _, _, size in files) > LARGEST_FILE:
        megabytes = LARGEST_FILE // 1024**2
        said = _("%(name)s holds more than %(megabytes)d MB; send a part of it, or use the API")
        raise BadFile(said % {"name": name, "megabytes": megabytes})
    paths = [path for path, _, _ in files]
    if doubled := next((path for path in paths if paths.count(path) > 1), ""):
        said = _("%(name)s holds two files “%(file)s”; pack the folder as a zip instead")
        raise BadFile(said % {"name": name, "file": doubled[:80]})
    with tempfile.TemporaryFile() as packed:
        with zipfile.ZipFile(packed, "w") as archive:
            for path, file, _size in files:
                with archive.open(path, "w") as member:
                    shutil.copyfileobj(file, member)
        packed.seek(0)
        return _some(rows_of_upload(packed, name=f"{name}.zip", told=told))


def _some(numbered: Iterable[Numbered]) -> list[Numbered]:
    found = list(islice(numbered, MOST_ROWS + 1))
    if len(found) > MOST_ROWS:
        said = _("there are more than %(most)s rows; send the rest as another PR")
        raise BadFile(said % {"most": number_format(MOST_ROWS, force_grouping=True)})
    line, first = found[0]
    if isinstance(first, BadRow) and all(isinstance(row, BadRow) for _, row in found):
        said = _("no row can be read; line %(line)d: %(detail)s; %(mend)s")
        raise BadFile(said % {"line": line, "detail": first.detail, "mend": first.mend})
    return found
