"""Rows that say nothing: keyboard mash, echoes, endless repetition."""

import re
import zlib
from collections import defaultdict
from collections.abc import Iterator

from training.screening.found import Found, Row, naming
from training.screening.reference import Reference
from training.screening.sheet import Sheet
from training.screening.text import normal

_LETTERS = re.compile(r"[^\W\d_]+")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiop", "yxcvbnm", "azertyuiop")
_RUNS = {
    keys[i : i + 4] for row in _KEYS for keys in (row, row[::-1]) for i in range(len(keys) - 3)
}
_ORDINARY = {"were", "poiu", "wert", "tree", "rewe", "quer", "prop", "oper", "ropr"}
_RUNS -= _ORDINARY
_LONGEST_WORD = 40

# A run of neighbouring keys, six consonants in a row, or no vowel at all.
_MASHED = re.compile("|".join(sorted(_RUNS)) + "|[^aeiouy]{6}|^[^aeiouy]+$")

WORDING = {
    "echo": ("the answer only repeats the prompt", "Write an answer of your own."),
    "mash": ("the text looks like random typing", "Write real words, or remove the row."),
    "repetition": ("the same piece is repeated over and over", "Keep the piece once."),
    "signs": ("there are hardly any letters or digits", "Write the text out in words."),
}


def find(sheet: Sheet, reference: Reference) -> Iterator[Found]:
    """Flag rows from which nothing can be learned, one finding for each kind of noise."""
    noisy: dict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(sheet.rows):
        if kind := noise(row):
            noisy[kind].append(index)
    for kind, rows in noisy.items():
        what, mend = WORDING[kind]
        yield Found(
            "noise",
            "flag",
            tuple(rows),
            f"{naming(rows).capitalize()}: {what}.",
            mend,
            {"kind": kind},
        )


def noise(row: Row) -> str | None:
    """Which kind of noise a row is, if any: "echo", "mash", "repetition" or "signs"."""
    if len(row.prompt) > 12 and normal(row.prompt) == normal(row.answer):
        return "echo"
    for text in (row.prompt, row.answer):
        if is_repetition(text):
            return "repetition"
        if is_signs(text):
            return "signs"
        if is_mash(text):
            return "mash"
    return None


def is_signs(text: str) -> bool:
    """Longer than a few signs, and hardly any of them letters or digits."""
    solid = "".join(text.split())
    return len(solid) >= 8 and sum(map(str.isalnum, solid)) < 0.2 * len(solid)


def is_repetition(text: str) -> bool:
    """So repetitive that it packs to a fraction of what ordinary text needs."""
    if len(text) < 60:
        return bool(re.fullmatch(r"(.{1,12}?)\1{5,}", text, re.DOTALL)) and text.isalpha()
    if len(text) < 200 and len(set(text.split())) > 6:
        return False
    raw = text[:20_000].encode("utf-8", "surrogatepass")
    return len(zlib.compress(raw, 1)) < 0.08 * len(raw) + 12


def is_mash(text: str) -> bool:
    """At least half of the letters stand in words that nobody could say or would type."""
    found = _LETTERS.findall(text.casefold())
    letters = sum(map(len, found))
    if letters < 6:
        return False
    return sum(len(word) for word in found if _unsayable(word)) >= 0.5 * letters


def _unsayable(word: str) -> bool:
    if len(word) < 5 or not word.isascii():
        return False
    return len(word) > _LONGEST_WORD or _MASHED.search(word) is not None
