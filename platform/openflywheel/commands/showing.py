"""How commands look: tables and bars on the terminal, or one JSON object on standard output."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

MOST_REFUSED_SHOWN = 20
# All but tabs and line breaks.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Command = TypeVar("Command", bound=Callable[..., Any])

url_option = click.option("--url", default="", help="The site, where it is not the kept one.")
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)


def one_of(option: str, names: Iterable[str], help: str = "") -> Callable[[Command], Command]:
    """An option that takes one of some names, or nothing ("")."""
    return click.option(
        option, type=click.Choice(list(names)), callback=lambda _c, _p, name: name or "", help=help
    )


def at_a_site(command: Command) -> Command:
    """The options that every command has."""
    return url_option(json_option(command))


def console() -> Console:
    """The terminal, as it is now."""
    return Console(soft_wrap=False)


def print_json(value: Any) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(msgspec.json.encode(value, enc_hook=_plain).decode() + "\n")


def progress(*, quiet: bool) -> Progress:
    """A bar of rows, on standard error so that it never mixes with what is piped on."""
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeRemainingColumn())
    return Progress(
        TextColumn("{task.description}"),
        *columns,
        console=Console(stderr=True),
        disable=quiet,
        transient=True,
    )


def table(*lines: tuple[str, str]) -> None:
    """Names and values in two columns."""
    shown = Table(show_header=False)
    for name, value in lines:
        shown.add_row(name, Text(_shown(value)))
    console().print(shown)


def say(text: str, *, style: str = "") -> None:
    """A line as it is, whatever stands in it."""
    shown = _shown(text)
    console().print(shown, style=style or None, markup=False, highlight=False, soft_wrap=True)


def refused(name: str, rows: Iterable[tuple[int, str, str]]) -> None:
    """The first refused rows, each with place, detail and mend."""
    listed = sorted(rows)
    for place, detail, mend in listed[:MOST_REFUSED_SHOWN]:
        say(f"{name}, row {place}: {detail}; {mend}", style="yellow")
    if len(listed) > MOST_REFUSED_SHOWN:
        say(f"and {len(listed) - MOST_REFUSED_SHOWN:,} more")


def _shown(text: str) -> str:
    """Strangers write titles and reasons; what would steer a terminal is shown as a sign."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value)} has no JSON form")
