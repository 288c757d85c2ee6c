"""What the poisoning screen knows of the trusted rows: how people ask, and what is answered.

Shapes: N trusted rows, Q asked rows, K neighbours, F features of answers.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.screening.found import Row
from training.screening.neighbours import Neighbours
from training.screening.text import (
    Hashes,
    Numbers,
    Words,
    look_up,
    mixed,
    word_hash,
)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LONGEST_PATTERN = 4  # words of a prompt
LONGEST_PHRASE = 3  # words of an answer
SHORT_ANSWER = 30  # words; the wording of longer answers is compared whole
BEGIN, END = "\2", "\3"
_FREQUENT = 0.004  # share of the answers in which a word must stand to name a class
_EVERYDAY = 0.1  # share of the prompts


class Table(NamedTuple):
    """Which rows hold each n-gram: those of hash i are rows[starts[i]:starts[i + 1]]."""

    hashes: Hashes
    starts: Numbers
    rows: NDArray[np.int32]

    @classmethod
    def of(cls, hashes: Hashes, rows: Numbers) -> "Table":
        order = np.lexsort((rows, hashes))
        hashes, rows = hashes[order], rows[order]
        new = np.ones(len(hashes), dtype=bool)
        new[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
        distinct, first = np.unique(hashes[new], return_index=True)
        return cls(distinct, np.append(first, new.sum()), rows[new].astype(np.int32))

    @property
    def counts(self) -> Numbers:
        return np.diff(self.starts)

    def holding(self, hash_: np.uint64) -> NDArray[np.int32]:
        """The rows that hold one n-gram."""
        at = int(np.searchsorted(self.hashes, hash_))
        if at == len(self.hashes) or self.hashes[at] != hash_:
            return self.rows[:0]
        return self.rows[self.starts[at] : self.starts[at + 1]]

    def counted(self, hashes: Hashes) -> Numbers:
        return look_up(hashes, self.hashes, self.counts)


class Phrases(NamedTuple):
    """The n-grams of each answer: those of row i are hashes[starts[i]:starts[i + 1]]."""

    hashes: Hashes
    starts: Numbers

    @classmethod
    def of(cls, answers: Words, n: int) -> "Phrases":
        hashes, rows, _ = answers.ngrams(n)
        starts = np.zeros(len(answers) + 1, dtype=np.int64)
        np.cumsum(np.bincount(rows, minlength=len(answers)), out=starts[1:])
        return cls(hashes, starts)

    def share(self, features: Hashes, rows_QK: Numbers) -> Floats:
        """The share of the K given answers that hold each feature (Q, F)."""
        distinct, back = np.unique(rows_QK, return_inverse=True)
        order = np.argsort(features)
        ordered = features[order]
        holds = np.zeros((len(distinct), len(features)))
        for place, row in enumerate(distinct):
            said = self.hashes[self.starts[row] : self.starts[row + 1]]
            at = np.minimum(np.searchsorted(ordered, said), len(ordered) - 1)
            holds[place, order[at[ordered[at] == said]]] = 1
        shares: Floats = holds[back.reshape(rows_QK.shape)].mean(axis=1)
        return shares


@dataclass(frozen=True)
class Corpus:
    """The trusted rows as counts and neighbours; pickles."""

    total: int
    neighbours: Neighbours
    asked: tuple[Table, ...]  # n-grams of framed prompts, n from 1
    said: tuple[Table, ...]  # n-grams of answers
    phrases: tuple[Phrases, ...]
    wording: "Wording"
    classes_N: Hashes
    classes: Table

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Corpus":
        prompts = Words.of(row.prompt for row in rows)
        answers = Words.of(row.taught for row in rows)
        framed = frame(prompts)
        wording = Wording.of(prompts, answers)
        classes = wording.classes(prompts, answers)
        return cls(
            len(rows),
            Neighbours.of(prompts),
            tuple(Table.of(*framed.ngrams(n)[:2]) for n in range(1, LONGEST_PATTERN + 1)),
            tuple(Table.of(*answers.ngrams(n)[:2]) for n in range(1, LONGEST_PHRASE + 1)),
            tuple(Phrases.of(answers, n) for n in range(1, LONGEST_PHRASE + 1)),
            wording,
            classes,
            Table.of(classes, np.arange(len(rows))),
        )

    def class_shares(self, features: Hashes, rows_QK: Numbers) -> Floats:
        """The share of the K trusted answers that are of each class (Q, F)."""
        classes_QK = self.classes_N[rows_QK]
        return np.stack([(classes_QK == feature).mean(axis=1) for feature in features], axis=1)

    def holding(self, pattern: tuple[str, ...]) -> NDArray[np.int32]:
        """The trusted rows whose prompts hold these words in this order."""
        hashes, _, _ = Words.cut([pattern]).ngrams(len(pattern))
        return self.asked[len(pattern) - 1].holding(hashes[0])

    def local_share(self, pattern: tuple[str, ...], rows_QK: Numbers) -> float:
        """The share of these trusted rows that hold a pattern (half a row is imagined to)."""
        around = np.unique(rows_QK)
        return float((np.isin(around, self.holding(pattern)).sum() + 0.5) / (len(around) + 1))

    def bigrams_seen(self, left: Hashes, right: Hashes) -> Bools:
        """Whether some trusted prompt has these words beside each other."""
        seen: Bools = self.asked[1].counted(mixed((left, right))) > 0
        return seen


def frame(prompts: Words) -> Words:
    """The prompts with a mark for their beginning and one for their end."""
    ends = prompts.starts[1:]
    flat = np.insert(
        prompts.flat,
        np.stack([prompts.starts[:-1], ends], axis=1).ravel(),
        np.tile(np.array([word_hash(BEGIN), word_hash(END)], np.uint64), len(ends)),
    )
    starts = prompts.starts + 2 * np.arange(len(ends) + 1)
    return Words(tuple((BEGIN, *text, END) for text in prompts.texts), flat, starts)


class Wording(NamedTuple):
    """Which words tell kinds of answers apart, learned from the trusted rows."""

    frequent: frozenset[str]  # in enough answers to be labels or parts of a format
    everyday: frozenset[str]  # in so many prompts that finding one in an answer is no copying

    @classmethod
    def of(cls, prompts: Words, answers: Words) -> "Wording":
        asked = Counter(word for text in prompts.texts for word in set(text))
        said = Counter(word for text in answers.texts for word in set(text))
        often, enough = _EVERYDAY * len(prompts), max(_FREQUENT * len(answers), 2)
        return cls(
            frozenset(word for word, n in said.items() if n >= enough),
            frozenset(word for word, n in asked.items() if n >= often),
        )

    def classes(self, prompts: Words, answers: Words) -> Hashes:
        """What kind of answer each row has (N): its wording, copies and figures masked."""
        both = zip(prompts.texts, answers.texts, strict=True)
        return np.fromiter((word_hash(self.skeleton(p, a)) for p, a in both), dtype=np.uint64)

    def skeleton(self, prompt: Sequence[str], answer: Sequence[str]) -> str:
        """Such as "open help and search for =" for an answer that ends in words of its prompt."""
        if len(answer) > SHORT_ANSWER:
            return " ".join(answer)
        copied, label = set(prompt) - self.everyday, len(answer) <= 3
        masked: list[str] = []
        for word in answer:
            if word.isdecimal():
                word = "#"
            elif (label and word in self.frequent) or not word[0].isalnum():
                pass
            elif word in copied:
                word = "="
            elif not label and word not in self.frequent:
                word = "~"
            if not masked or word != masked[-1] or word not in "#=~":
                masked.append(word)
        return " ".join(masked)
