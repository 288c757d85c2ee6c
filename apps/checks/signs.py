"""Signs that a reader would not see, or would take for others: shown, wherever rows are shown."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from training.screening.invisible import parts


class Sign(NamedTuple):
    """A part of a text: `kind` is text, hidden or lookalike; `tells` names what is hidden."""

    kind: str
    text: str
    tells: str = ""

    @property
    def code(self) -> str:
        """The signs by their numbers, `U+202E`."""
        return " ".join(f"U+{ord(sign):04X}" for sign in self.text)


def reveal(text: str) -> Iterator[Sign]:
    """The parts of a text, with a name for each that hides."""
    for kind, part in parts(text):
        if kind == "hidden":
            names = (unicodedata.name(sign, "CONTROL CHARACTER").lower() for sign in part)
            yield Sign(kind, part, ", ".join(names))
        else:
            yield Sign(kind, part)


def deceives(text: str) -> bool:
    """Whether something in the text is hidden or looks like something else."""
    return any(kind != "text" for kind, _ in parts(text))
