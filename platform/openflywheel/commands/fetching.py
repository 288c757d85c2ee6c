"""`pull` and `export`: rows on their way from the site to files."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import click
import msgspec

from openflywheel.client import Client
from openflywheel.commands.showing import at_a_site, one_of, print_json, say
from openflywheel.errors import NotTheSite
from openflywheel.offering import KINDS

STYLES = ("standard", "conversational")
ENDINGS = {"ndjson": ".jsonl", "parquet": ".parquet", "hf": ""}


@click.command()
@click.argument("number", metavar="[PR]", required=False, type=click.IntRange(min=1))
@click.option("--mine", is_flag=True, help="Your own PRs, at whatever stage, instead of all.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("."),
    help="The folder that the file goes into.",
)
@at_a_site
def pull(number: int | None, mine: bool, to: Path, url: str, as_json: bool) -> None:
    """Fetch the rows of a PR (or everything accepted) as JSONL, as they can be sent again."""
    to.mkdir(parents=True, exist_ok=True)
    with Client(url) as site:
        if number is None:
            file = to / ("mine.jsonl" if mine else "accepted.jsonl")
            asked = {"mine": 1} if mine else {}
            count = _download(site, file, format="ndjson", **asked)
        else:
            file = to / f"pr-{number}.jsonl"
            count = _one(site, number, file)
    _say(file, {"file": str(file), "rows": count}, as_json=as_json)


@click.command()
@click.option(
    "--format",
    "format_",
    type=click.Choice(list(ENDINGS)),
    default="hf",
    show_default=True,
    help="JSON lines, one Parquet file, or a dataset folder for `trl` and `datasets`.",
)
@one_of("--kind", KINDS, "Rows of one kind only.")
@click.option("--skill", default="", help="Rows of one skill only.")
@one_of("--style", STYLES, "Texts (rows of one turn only) or lists of messages.")
@click.option("--mine", is_flag=True, help="Your own PRs, at whatever stage, instead of all.")
@click.option("--stage", default="", help="Of your own PRs, those at this stage.")
@click.option(
    "--to",
    type=click.Path(path_type=Path, allow_dash=True),
    default=None,
    help="A file (- for standard output), or for hf a folder.",
)
@at_a_site
def export(format_: str, to: Path | None, url: str, as_json: bool, **asked: Any) -> None:
    """Fetch everything that you may read, ready to train on."""
    to = to or Path(f"openflywheel{ENDINGS[format_]}")
    params = {
        name: int(value) if value is True else value for name, value in asked.items() if value
    }
    with Client(url) as site:
        if format_ == "hf":
            _folder(site, to, **params)
        elif to == Path("-"):
            _print(site, format=format_, **params)
            return
        else:
            _download(site, to, format=format_, **params)
    _say(to, {"path": str(to), "format": format_}, as_json=as_json)


def _one(site: Client, number: int, to: Path) -> int:
    """The rows of one PR that stand, in the formats that can be sent again."""
    count = 0
    with _whole(to) as file:
        for row in site.rows(number):
            fields: dict[str, Any] = msgspec.to_builtins(row)
            for name in ("position", "digest"):
                fields.pop(name, None)
            if earlier := fields.pop("context", None):
                fields["prompt"] = [*earlier, {"role": "user", "content": fields["prompt"]}]
            file.write(msgspec.json.encode(fields) + b"\n")
            count += 1
    return count


def _download(site: Client, to: Path, **asked: str | int) -> int:
    """The export as one file; how many lines it has, where it is made of lines."""
    with _whole(to) as file:
        site.export(file, **asked)  # type: ignore[arg-type]
        file.seek(0)
        return sum(1 for _ in file) if asked["format"] == "ndjson" else 0


def _print(site: Client, **asked: str | int) -> None:
    """The export on standard output, once it has come whole."""
    with tempfile.TemporaryFile() as file:
        site.export(file, **asked)  # type: ignore[arg-type]
        file.seek(0)
        shutil.copyfileobj(file, sys.stdout.buffer)


def _folder(site: Client, to: Path, **asked: str | int) -> None:
    """The export as a dataset folder."""
    with tempfile.TemporaryFile() as packed:
        site.export(packed, format="hf", **asked)
        try:
            with zipfile.ZipFile(packed) as archive:
                # `extractall` keeps every member inside the folder, whatever its name says.
                archive.extractall(to)
        except zipfile.BadZipFile as error:
            raise NotTheSite(f"the dataset came damaged ({error}); fetch it again") from error


class _whole:
    """A file that appears under its name only when it has been written to its end."""

    def __init__(self, to: Path) -> None:
        self.to = to

    def __enter__(self) -> BinaryIO:
        self.to.parent.mkdir(parents=True, exist_ok=True)
        handle, self.aside = tempfile.mkstemp(dir=self.to.parent, prefix=f".{self.to.name}.")
        self.file: BinaryIO = os.fdopen(handle, "w+b")
        return self.file

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.file.close()
        if kind is None:
            os.replace(self.aside, self.to)
        else:
            os.unlink(self.aside)


def _say(path: Path, told: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(told)
    else:
        rows = f" ({told['rows']:,} rows)" if "rows" in told else ""
        say(f"{path}{rows}")
