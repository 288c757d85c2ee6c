"""The card of a dataset's folder: which of its files belong together, by the customs of the Hub.

A card may list several configurations, and they may hold the same rows in several shapes; so
whoever reads the folder takes one of them. Its YAML is read as texts, lists and names alone:
without tags, without aliases, and only as far as `LARGEST_HEAD`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from openflywheel.reading.faults import BadFile

LARGEST_HEAD = 256 * 1024
HEAD = re.compile(r"\ufeff?\s*---[ \t]*\r?\n(.*?)\n---[ \t]*(\r?\n|$)", re.DOTALL)
GLOB = re.compile(r"(\*\*/|\*\*|\*|\?)")
MEANS = {"**/": r"(?:.*/)?", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}


@dataclass(frozen=True)
class Configuration:
    """Files that belong together: of the split named train where there is one, else of all."""

    name: str
    patterns: tuple[str, ...]

    def holds(self, path: str) -> bool:
        """Whether the file at `path`, seen from the card, is one of them."""
        return any(_as_expression(pattern).fullmatch(path) for pattern in self.patterns)


def configurations(card: bytes, *, name: str) -> list[Configuration]:
    """What the card `name` lists, the default first; `BadFile` when its head cannot be read."""
    head = _head(card, name)
    listed = head.get("configs") if isinstance(head, Mapping) else None
    entries = listed if isinstance(listed, list) else []
    return [
        Configuration(_name(entry), tuple(_patterns(entry)))
        # Those of one rank stay in the order of the card.
        for entry in sorted((one for one in entries if isinstance(one, Mapping)), key=_rank)
    ]


def _head(card: bytes, name: str) -> Any:
    """What stands between the first two lines of dashes; None where no such lines are."""
    text = card[:LARGEST_HEAD].decode(errors="replace")
    found = HEAD.match(text)
    if found is None:
        if len(card) > LARGEST_HEAD and text.lstrip("\ufeff \r\n").startswith("---"):
            most = LARGEST_HEAD // 1024
            raise BadFile(f"{name}: its head is longer than {most} kB; shorten it")
        return None
    try:
        return yaml.load(found[1], Loader=_Texts)  # noqa: S506 (it builds nothing but texts)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 2}" if mark else ""
        detail = f"{name}{where}: the head of the card is not plain YAML"
        raise BadFile(f"{detail}; mend it, or leave the card out") from error


class _Texts(yaml.BaseLoader):
    """YAML whose scalars all stay texts, and in which nothing stands for something else."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias")
        return super().compose_node(parent, index)


def _rank(entry: Mapping[str, Any]) -> int:
    if str(entry.get("default", "")).lower() == "true":
        return 0
    return 1 if _name(entry) == "default" else 2


def _name(entry: Mapping[str, Any]) -> str:
    return str(entry.get("config_name", "default"))


def _patterns(entry: Mapping[str, Any]) -> Iterator[str]:
    """Where the files of a configuration lie, as patterns that are seen from the card."""
    folder = str(entry.get("data_dir") or "").strip("/")
    files = [(split, path.removeprefix("./")) for split, path in _files(entry.get("data_files"))]
    for_training = [path for split, path in files if split == "train"]
    for path in for_training or [path for _, path in files] or ["**"]:
        yield f"{folder}/{path}" if folder else path


def _files(said: Any, split: str = "") -> Iterator[tuple[str, str]]:
    """Split and pattern of what `data_files` says in any of the forms that it may have."""
    if isinstance(said, str):
        yield split, said
    elif isinstance(said, list):
        for one in said:
            yield from _files(one, split)
    elif isinstance(said, Mapping) and "path" in said:
        yield from _files(said["path"], str(said.get("split", "")))
    elif isinstance(said, Mapping):
        for name, one in said.items():
            yield from _files(one, str(name))


def _as_expression(pattern: str) -> re.Pattern[str]:
    return re.compile("".join(MEANS.get(part, re.escape(part)) for part in GLOB.split(pattern)))
