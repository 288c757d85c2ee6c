"""Datasets packed as a zip: the folder of a Hugging Face dataset, or just some files of rows.

Nothing is ever unpacked to disk, so no name in an archive can reach a file of ours; names that
try to are refused all the same, since whoever opens the archive next may be less careful.
"""

from __future__ import annotations

import stat
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath, PurePosixPath
from typing import Any, BinaryIO

from openflywheel.reading.cards import LARGEST_HEAD, Configuration, configurations
from openflywheel.reading.columns import FORMATS, Formats, Numbered
from openflywheel.reading.faults import BadFile, BadRow
from openflywheel.reading.files import CHUNK, NEVER_OPENED, rows_in

Row = dict[str, Any] | BadRow
Told = Callable[[str], object]

MOST_MEMBERS = 1000
MOST_LEVELS = 8
DATA = (".jsonl", ".csv", ".parquet", ".arrow", ".ndjson", ".tsv", ".json", ".gz")
# What a dataset's folder holds beside its rows, by the customs of the Hub.
BESIDE = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json")
CARD = "README.md"
SPREADSHEETS = (".xlsx", ".xlsm", ".ods")
SCRIPTS = (".py", ".sh", ".exe", ".dll", ".so", ".js", ".bat", ".ps1")


class Placed(dict[str, Any]):
    """A row that knows where in an archive it stands: its file, and its line there."""

    def __init__(self, row: Mapping[str, Any], at: str) -> None:
        super().__init__(row)
        self.at = at


def is_archive(file: BinaryIO, name: str) -> bool:
    """Whether the file is a zip, by its first bytes or by its ending."""
    start = file.read(4)
    file.seek(0)
    return start == b"PK\x03\x04" or start == b"PK\x05\x06" or name.lower().endswith(".zip")


def rows_in_archive(
    file: BinaryIO, *, name: str, most: int, told: Told, formats: Formats = FORMATS
) -> Iterator[Numbered]:
    """The rows of every data file in the archive, numbered through; `BadFile` names the member.

    Where the files are split the way the Hub splits them, those named train are taken; where a
    card lists configurations, the files of the first alone, and `told` hears which.
    """
    if name.lower().endswith(SPREADSHEETS):
        raise BadFile(f"{name} is a spreadsheet; save it as CSV and send that")
    try:
        with zipfile.ZipFile(file) as archive:
            members = _data_members(archive, name)
            members = _for_training(_configured(archive, members, name, told))
            yield from _rows(archive, members, name, most, formats)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise BadFile(f"{name} is not a zip, damaged or cut off; pack it again") from error


def _data_members(archive: zipfile.ZipFile, name: str) -> list[zipfile.ZipInfo]:
    members = archive.infolist()
    if len(members) > MOST_MEMBERS:
        raise BadFile(f"{name} holds {len(members):,} files; at most {MOST_MEMBERS:,} are taken")
    seen: set[str] = set()
    for member in members:
        _ensure_harmless(member, name)
        if member.filename in seen:
            raise BadFile(f"{name} holds {_shown(member)} twice; keep one of them")
        seen.add(member.filename)
    data = sorted((m for m in members if _holds_rows(m)), key=lambda member: member.filename)
    if not data:
        raise BadFile(f"{name} holds no {', '.join(DATA[:4])} file; put the rows into one")
    return data


def _configured(
    archive: zipfile.ZipFile, data: list[zipfile.ZipInfo], name: str, told: Told
) -> list[zipfile.ZipInfo]:
    """The files of one configuration, where the folder's card lists any; else all of them."""
    cards = [member for member in archive.infolist() if _is_card(member)]
    if not cards:
        return data
    card = min(cards, key=lambda member: (member.filename.count("/"), member.filename))
    with archive.open(card) as packed:
        known = configurations(packed.read(LARGEST_HEAD + 1), name=f"{name}: {card.filename}")
    if not known:
        return data
    picked, folder = known[0], card.filename.removesuffix(CARD)
    taken = [member for member in data if _is_of(picked, member, folder)]
    if not taken:
        detail = f"{name} has no file of the configuration “{picked.name[:80]}” that its card lists"
        raise BadFile(f"{detail}; pack the whole folder, or leave the card out")
    if len(known) > 1:
        told(_which(known))
    return taken


def _is_card(member: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(member.filename)
    return path.name == CARD and not is_hidden(path)


def _is_of(configuration: Configuration, member: zipfile.ZipInfo, folder: str) -> bool:
    within = member.filename.startswith(folder)
    return within and configuration.holds(member.filename.removeprefix(folder))


def _which(known: list[Configuration]) -> str:
    """Which configuration was read of several, and what to do about the others."""
    first, *others = (configuration.name[:80] for configuration in known)
    listed = ", ".join(others[:10]) + (" …" if len(others) > 10 else "")
    return (
        f"The card lists {len(known)} configurations, and “{first}” was read. "
        f"Where the others ({listed}) hold other rows, send their files as PRs of their own."
    )


def _for_training(data: list[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    return [member for member in data if _is_for_training(member)] or data


def _is_for_training(member: zipfile.ZipInfo) -> bool:
    """Whether the member is of the split named train: by its name, or by its folder's, which is
    how `save_to_disk` writes the splits of a whole dataset."""
    path = PurePosixPath(member.filename)
    return path.name.startswith("train") or "train" in path.parts[:-1]


def _ensure_harmless(member: zipfile.ZipInfo, name: str) -> None:
    """`BadFile` for what has no business in a folder of rows."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    shown = f"{name} holds {_shown(member)}"
    if not path.parts or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise BadFile(f"{shown}, a name that leads out of the folder; pack the folder itself")
    if len(path.parts) > MOST_LEVELS:
        raise BadFile(f"{shown}, deeper than {MOST_LEVELS} folders; pack it flatter")
    mode = member.external_attr >> 16
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise BadFile(f"{shown}, which is a link or a device; put the file itself into the archive")
    if member.flag_bits & 0x1:
        raise BadFile(f"{shown}, which is encrypted; pack it without a password")
    ending = path.suffix.lower()
    if ending in NEVER_OPENED + SCRIPTS:
        raise BadFile(f"{shown}, and {ending} files can run code; leave it out")
    if ending in (".zip", ".tar", ".7z", ".rar", ".tgz", ".bz2", ".xz"):
        raise BadFile(f"{shown}, an archive in an archive; pack its files directly")


def _holds_rows(member: zipfile.ZipInfo) -> bool:
    return not member.is_dir() and may_hold_rows(PurePosixPath(member.filename))


def may_hold_rows(path: PurePath) -> bool:
    """Whether a file of a dataset's folder is one of rows, by its name and its place."""
    beside = path.name in BESIDE or is_hidden(path)
    return not beside and path.suffix.lower() in DATA


def is_hidden(path: PurePath) -> bool:
    """Whether a file or one of its folders is what systems keep for themselves."""
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _rows(
    archive: zipfile.ZipFile,
    members: list[zipfile.ZipInfo],
    name: str,
    most: int,
    formats: Formats,
) -> Iterator[Numbered]:
    number, left = 0, most
    for member in members:
        shown = f"{name}: {member.filename}"
        with tempfile.TemporaryFile() as copy:
            left -= _unpack(archive, member, copy, shown, left)
            for line, row in rows_in(copy, name=shown, most=most, formats=formats):
                number += 1
                yield number, _placed(row, member.filename, line)


def _unpack(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, copy: BinaryIO, shown: str, most: int
) -> int:
    """Write a member to a file that can be sought in; returns its size in bytes."""
    size = 0
    # What the archive says of its sizes is the sender's word; what comes out is counted.
    with archive.open(member) as packed:
        while piece := packed.read(CHUNK):
            size += len(piece)
            if size > most:
                limit = f"{shown} unpacks to more than the file may hold"
                raise BadFile(f"{limit}; split it, or send it through the API")
            copy.write(piece)
    copy.seek(0)
    return size


def _placed(row: Row, member: str, line: int) -> Row:
    """The row, which says in which file of the archive it stands."""
    at = f"{member[-200:]}, line {line}"
    if isinstance(row, BadRow):
        return BadRow(row.code, row.name, f"{at}: {row}", row.mend)
    return Placed(row, at)


def _shown(member: zipfile.ZipInfo) -> str:
    return "“" + member.filename.encode("utf-8", "replace").decode()[:80] + "”"
