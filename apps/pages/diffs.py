"""What changed between two texts, word by word."""

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import NamedTuple

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
# Beyond this many words the comparison costs more than it tells; whole texts are shown instead.
WORDS_COMPARED = 4000


class Piece(NamedTuple):
    """A run of text: `kept` in both, `gone` from the first, or `new` in the second."""

    kind: str
    text: str


def compare(before: str, after: str, *, spaces: bool = True) -> tuple[list[Piece], list[Piece]]:
    """The pieces of both texts, in order; joined again they give the texts unchanged.

    Without `spaces`, white space that merely differs counts as kept.
    """
    left: list[Piece] = []
    right: list[Piece] = []
    for kept, was, becomes in _runs(before, after, spaces):
        if was:
            left.append(Piece("kept" if kept else "gone", was))
        if becomes:
            right.append(Piece("kept" if kept else "new", becomes))
    return left, right


def unified(before: str, after: str, *, spaces: bool = True) -> list[Piece]:
    """One text with what is gone and what is new side by side in it."""
    pieces: list[Piece] = []
    for kept, was, becomes in _runs(before, after, spaces):
        told = [("kept", becomes)] if kept else [("gone", was), ("new", becomes)]
        pieces += [Piece(kind, text) for kind, text in told if text]
    return pieces


def _runs(before: str, after: str, spaces: bool) -> Iterator[tuple[bool, str, str]]:
    """Runs of both texts: whether they count as equal, the old and the new text."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    if len(old) + len(new) > WORDS_COMPARED:
        yield before == after, before, after
        return
    alike = [old, new] if spaces else [_blank(old), _blank(new)]
    for tag, i, j, k, m in SequenceMatcher(None, alike[0], alike[1], autojunk=False).get_opcodes():
        yield tag == "equal", "".join(old[i:j]), "".join(new[k:m])


def _blank(words: list[str]) -> list[str]:
    return [" " if word.isspace() else word for word in words]
