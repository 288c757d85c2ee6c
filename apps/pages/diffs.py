"""What changed between two texts, word by word."""

import re
from difflib import SequenceMatcher
from typing import NamedTuple

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
# Beyond this many words the comparison costs more than it tells; whole texts are shown instead.
WORDS_COMPARED = 4000


class Piece(NamedTuple):
    """A run of text: `kept` in both, `gone` from the first, or `new` in the second."""

    kind: str
    text: str


def compare(before: str, after: str) -> tuple[list[Piece], list[Piece]]:
    """The pieces of both texts, in order; joined again they give the texts unchanged."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    if len(old) + len(new) > WORDS_COMPARED:
        return [Piece("gone", before)], [Piece("new", after)]
    left: list[Piece] = []
    right: list[Piece] = []
    for tag, i, j, k, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if i < j:
            left.append(Piece("kept" if tag == "equal" else "gone", "".join(old[i:j])))
        if k < m:
            right.append(Piece("kept" if tag == "equal" else "new", "".join(new[k:m])))
    return left, right
