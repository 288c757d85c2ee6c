"""Text as the screens read it: normalised, cut into words, and hashed n-gram by n-gram.

Shapes: T is the number of words of all texts together, N the number of texts.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Numbers = NDArray[np.int64]

# Scripts written without spaces are read sign by sign; "_" counts as part of a word.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+(?:['’][^\W{_UNSPACED}]+)*|[^\w\s]")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def normal(text: str) -> str:
    """The text without differences that nobody sees: NFKC, no case, single spaces."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def digest(text: str) -> bytes:
    """16 bytes that are equal for texts that look equal (lone surrogates allowed)."""
    return blake2b(normal(text).encode("utf-8", "surrogatepass"), digest_size=16).digest()


def words(text: str) -> list[str]:
    """The words and single signs of a text, without case, in order."""
    return _WORD.findall(text.casefold())


def spans(text: str) -> list[tuple[int, int]]:
    """Where each of the words of `text` begins and ends in it."""
    return [match.span() for match in _WORD.finditer(text)]


@lru_cache(maxsize=1 << 17)
def word_hash(word: str) -> int:
    """64 bits for a word, the same in every process."""
    return int.from_bytes(
        blake2b(word.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little"
    )


@dataclass(frozen=True, slots=True)
class Words:
    """Many texts as one row of word hashes: `flat` (T), `starts` (N + 1), and the words."""

    texts: tuple[tuple[str, ...], ...]
    flat: Hashes
    starts: Numbers

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Words":
        return cls.cut([words(text) for text in texts])

    @classmethod
    def cut(cls, texts: Sequence[Sequence[str]]) -> "Words":
        """The same for texts that are already cut into words."""
        flat = np.fromiter((word_hash(word) for text in texts for word in text), dtype=np.uint64)
        starts = np.zeros(len(texts) + 1, dtype=np.int64)
        np.cumsum([len(text) for text in texts], out=starts[1:])
        return cls(tuple(tuple(text) for text in texts), flat, starts)

    @classmethod
    def joined(cls, parts: "Sequence[Words]") -> "Words":
        """The texts of several sets behind each other."""
        starts = np.zeros(sum(map(len, parts)) + 1, dtype=np.int64)
        np.cumsum(np.concatenate([np.diff(part.starts) for part in parts]), out=starts[1:])
        texts = tuple(text for part in parts for text in part.texts)
        return cls(texts, np.concatenate([part.flat for part in parts]), starts)

    def picked(self, rows: Numbers) -> "Words":
        """Some of the texts, in the given order."""
        return self.without(rows, np.zeros(len(rows), dtype=np.int64), 0)

    def without(self, rows: Numbers, at: Numbers, size: int) -> "Words":
        """Some of the texts, each without the `size` words that begin at word `at`."""
        texts = tuple(
            (*self.texts[row][:place], *self.texts[row][place + size :])
            for row, place in zip(rows, at, strict=True)
        )
        sizes = np.diff(self.starts)[rows]
        starts = np.zeros(len(rows) + 1, dtype=np.int64)
        np.cumsum(sizes, out=starts[1:])
        owner = np.repeat(np.arange(len(rows)), sizes)
        place = np.arange(starts[-1]) - starts[owner]
        kept = (place < at[owner]) | (place >= at[owner] + size)
        flat = self.flat[self.starts[rows][owner] + place][kept]
        np.cumsum(sizes - size, out=starts[1:])
        return Words(texts, flat, starts)

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self) -> Numbers:
        """For each word, the text it stands in (T)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), np.diff(self.starts))

    def ngrams(self, n: int) -> tuple[Hashes, Numbers, Numbers]:
        """All n-grams that stay inside one text: hashes, the text and the position of each."""
        rows = self.rows()
        count = len(self.flat) - n + 1
        if count <= 0:
            return np.empty(0, np.uint64), np.empty(0, np.int64), np.empty(0, np.int64)
        hashes = mixed([self.flat[offset : offset + count] for offset in range(n)])
        inside = np.flatnonzero(rows[:count] == rows[n - 1 :])
        return hashes[inside], rows[inside], inside - self.starts[rows[inside]]


def mixed(parts: Sequence[Hashes]) -> Hashes:
    """One hash for each column of word hashes; the hash of that n-gram."""
    hashes = np.full(len(parts[0]), len(parts), dtype=np.uint64)
    for part in parts:
        hashes = (hashes ^ part) * _MULTIPLIER
        hashes ^= hashes >> np.uint64(29)
    return hashes


def document_counts(hashes: Hashes, rows: Numbers) -> tuple[Hashes, Numbers]:
    """Each distinct hash (sorted) with the number of different rows it occurs in."""
    if not len(hashes):
        return hashes, np.empty(0, np.int64)
    order = np.lexsort((rows, hashes))
    hashes, rows = hashes[order], rows[order]
    new = np.ones(len(hashes), dtype=bool)
    new[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
    distinct, counts = np.unique(hashes[new], return_counts=True)
    return distinct, counts.astype(np.int64)


Value = TypeVar("Value", bound=np.generic)


def look_up(hashes: Hashes, known: Hashes, values: NDArray[Value]) -> NDArray[Value]:
    """The value of each hash by the sorted table `known`, 0 where it is not there."""
    found = np.zeros(len(hashes), dtype=values.dtype)
    if len(known):
        at = np.minimum(np.searchsorted(known, hashes), len(known) - 1)
        there = known[at] == hashes
        found[there] = values[at[there]]
    return found
