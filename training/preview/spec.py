"""The contract of a preview: offers, cases to keep, and every number of the recipe. No torch.

A job asks about several offers at once, so that the model is loaded once and answers in batches.
What comes out of one offer does not depend on those beside it.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from training.errors import SpecRefused
from training.examples import Case
from training.spec import Example, LoraSettings, read_as

# Grows when the way of measuring changes, so that nothing measured before passes for the new.
EDITION = 1


@dataclass(frozen=True)
class PreviewSettings:
    """Measured on the starter model (docs/decisions/0017-evidence.md); `epochs` gives way to
    `most_steps` where an offer is large.

    Beside each epoch stand `replay_ratio` trusted rows for each row of the offer, as many as for
    `least_new` rows at the least. Of a row of more than `longest_row` tokens the oldest words are
    left out: the cost of reading grows with the square, and anybody may send one.
    """

    lora: LoraSettings = field(default_factory=LoraSettings)
    epochs: int = 16
    most_steps: int = 96
    learning_rate: float = 3e-3
    warmup: float = 0.1
    replay_ratio: float = 6.0
    earlier_ratio: float = 0.0
    least_new: int = 8
    pack_rows: int = 8
    pack_tokens: int = 96
    longest_answer: int = 256
    longest_row: int = 1024
    seed: int = 0
    threads: int = 1

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of the recipe and of the edition of its code."""
        told = json.dumps([EDITION, dataclasses.asdict(self)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


@dataclass(frozen=True)
class Offer:
    """The rows of one contribution, by a name of the caller's.

    `asked` are indices of `rows`: these questions are put to the model; with `learn`, all rows are
    learned. `places` are the caller's own numbers of the rows, by which it hears of them. `cases`
    are what the model knew before and should still know.
    """

    name: str
    rows: tuple[Example, ...]
    places: tuple[int, ...]
    asked: tuple[int, ...]
    learn: bool = True
    cases: tuple[Case, ...] = ()


@dataclass(frozen=True)
class PreviewJob:
    """Several offers to one model: a base, and the live adapter's folder where there is one."""

    base: str
    offers: tuple[Offer, ...]
    start_from: str | None = None
    reminders: tuple[Example, ...] = ()
    settings: PreviewSettings = field(default_factory=PreviewSettings)

    def to_json(self) -> str:
        """Canonical JSON."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, allow_nan=False)

    @classmethod
    def load(cls, path: Path) -> Self:
        """The job in the file at `path`; `SpecRefused` says what does not fit."""
        try:
            return read_as(cls, json.loads(path.read_text(encoding="utf-8")), "job")
        except (OSError, ValueError) as broken:
            raise SpecRefused(f"The job {path} cannot be read: {broken}.") from broken
