"""Reads what a build learns from and is measured on, and lays out the order of learning. No torch.

Files are JSON lines. Each is checked against the digest in the specification before its first row
is believed, and a row that does not fit is refused with its number.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from training.errors import DataRefused
from training.spec import BuildSpec, Example, Kind, Source, Turn, sha256_of

Read = TypeVar("Read")

ANSWER_KEYS: dict[str, tuple[str, ...]] = {
    "sft": ("completion",),
    "pair": ("chosen", "rejected"),
    "rating": ("completion",),
}


@dataclass(frozen=True)
class Case:
    """One question of a hidden hold-out with its only right answer."""

    skill: str
    prompt: str
    expected: str


@dataclass(frozen=True)
class Lessons:
    """What a build learns from: contributed rows, trusted rows, rows that were learned before."""

    examples: tuple[Example, ...]
    replay: tuple[Example, ...] = ()
    earlier: tuple[Example, ...] = ()

    def of(self, kind: Kind) -> tuple[Example, ...]:
        """The contributed rows of one kind."""
        return tuple(example for example in self.examples if example.kind == kind)


def read_lessons(spec: BuildSpec) -> Lessons:
    """The rows the specification names; trusted rows give way where a contribution says otherwise.

    Raises DataRefused when a file is missing, changed since the specification, or malformed, and
    when there is nothing to learn.
    """
    examples = read_manifest(spec.manifest, spec.manifest_sha256)
    if not examples:
        raise DataRefused(f"The manifest {spec.manifest} is empty: there is nothing to learn.")
    pool: list[Example] = []
    if spec.replay is not None:
        pool = _read(spec.replay, spec.replay_sha256, "replay pool", _replay_row)
    earlier: list[Example] = []
    if spec.earlier is not None:
        earlier = read_manifest(spec.earlier, spec.earlier_sha256)
    told = {asked_of(example) for example in examples}
    return Lessons(
        tuple(examples),
        tuple(row for row in pool if asked_of(row) not in told),
        tuple(row for row in earlier if row.kind == "sft" and asked_of(row) not in told),
    )


def read_manifest(path: str, sha256: str | None) -> list[Example]:
    """The contributed rows of a manifest."""
    return _read(path, sha256, "manifest", _manifest_row)


def read_holdout(path: str | Path, sha256: str | None) -> list[Case]:
    """The cases of a hold-out; an empty one is refused, since it would let everything pass."""
    cases = _read(str(path), sha256, "hold-out", _holdout_row)
    if not cases:
        raise DataRefused(f"The hold-out {path} is empty: nothing could be measured.")
    return cases


class Pace(Protocol):
    """How often rows are repeated, and what is repeated beside them; see `spec.BuildSpec`."""

    @property
    def seed(self) -> int: ...
    @property
    def epochs(self) -> int: ...
    @property
    def replay_ratio(self) -> float: ...
    @property
    def earlier_ratio(self) -> float: ...
    @property
    def least_new(self) -> int: ...


def course(lessons: Lessons, spec: Pace) -> list[Example]:
    """Every row of the supervised phase, in the order of learning.

    An epoch holds each contributed row once, and its share of trusted and earlier rows, shuffled
    together. Those are fresh: a pool is walked through before any of its rows comes again.
    """
    rng = random.Random(spec.seed)
    contributed = lessons.of("sft")
    reminders = [
        (_in_turn(lessons.replay, rng), spec.replay_ratio),
        (_in_turn(lessons.earlier, rng), spec.earlier_ratio),
    ]
    as_many = max(len(contributed), spec.least_new)
    rows: list[Example] = []
    for _ in range(spec.epochs):
        epoch = list(contributed)
        for rows_in_turn, ratio in reminders:
            epoch += itertools.islice(rows_in_turn, round(ratio * as_many))
        rng.shuffle(epoch)
        rows += epoch
    return rows


def by_skill(rows: Sequence[Any], each: int) -> list[Any]:
    """The first `each` rows of every skill, in their order."""
    taken: dict[str, int] = {}
    kept = []
    for row in rows:
        taken[row.skill] = taken.get(row.skill, 0) + 1
        if taken[row.skill] <= each:
            kept.append(row)
    return kept


def _in_turn(pool: Sequence[Example], rng: random.Random) -> Iterator[Example]:
    while pool:
        yield from rng.sample(pool, len(pool))


def asked_of(row: Example | Case) -> tuple[str, ...]:
    """What was asked, whatever its case and spacing; earlier turns make it another question."""
    earlier = row.context if isinstance(row, Example) else ()
    said = (*(turn.content for turn in earlier), row.prompt)
    return tuple(" ".join(text.casefold().split()) for text in said)


def _read(path: str, sha256: str | None, what: str, row: Callable[[Any], Read]) -> list[Read]:
    file = Path(path)
    if not file.is_file():
        raise DataRefused(f"The {what} {path} does not exist.")
    if sha256 is not None and sha256_of(file) != sha256:
        raise DataRefused(f"The {what} {path} has changed since the build was specified.")
    rows = []
    with file.open(encoding="utf-8", errors="strict") as stream:
        number = 0
        try:
            for number, text in enumerate(stream, start=1):  # noqa: B007  (the refusal names it)
                if text.strip():
                    rows.append(row(json.loads(text)))
        except (KeyError, TypeError, ValueError) as broken:
            raise DataRefused(
                f"Line {number} of the {what} {path} is refused: {broken}."
            ) from broken
    return rows


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} must be a text")
    return value


def _manifest_row(row: dict[str, Any]) -> Example:
    kind = row.get("kind", "sft")
    if kind not in ANSWER_KEYS:
        raise ValueError(f"kind must be one of {', '.join(ANSWER_KEYS)}")
    if kind == "rating" and not isinstance(row.get("label"), bool):
        raise ValueError("label must be true or false")
    source = row.get("source")
    return Example(
        skill=_text(row, "skill"),
        kind=cast(Kind, kind),
        prompt=_text(row, "prompt"),
        label=row.get("label") if kind == "rating" else None,
        source=Source(**source) if source is not None else None,
        context=tuple(Turn(**turn) for turn in row.get("context", ())),
        **{key: _text(row, key) for key in ANSWER_KEYS[kind]},
    )


def _replay_row(row: dict[str, Any]) -> Example:
    return Example(_text(row, "skill"), "sft", _text(row, "prompt"), _text(row, "completion"))


def _holdout_row(row: dict[str, Any]) -> Case:
    return Case(_text(row, "skill"), _text(row, "prompt"), _text(row, "expected").strip())
