"""The trusted rows most like a prompt, by TF-IDF over words (figures count as one word).

Shapes: N trusted rows, Q asked prompts, K neighbours of each, V words.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training.screening.text import Hashes, Numbers, Words, document_counts, look_up, word_hash

Floats = NDArray[np.floating]

FIGURE = np.uint64(word_hash("0"))
NEIGHBOURS = 10
_AT_HOME = 0.85  # a few rows on one subject may be a little more like each other


def plain(words: Words) -> Hashes:
    """The word hashes (T) with every figure made the same."""
    figures = np.fromiter(
        (word.isdecimal() for text in words.texts for word in text),
        dtype=bool,
        count=len(words.flat),
    )
    return np.where(figures, FIGURE, words.flat)


@dataclass(frozen=True, slots=True)
class Near:
    """For each asked prompt (Q) its nearest trusted rows (Q, K), and how familiar it is (Q).

    Familiar is a conformal p-value: the share of trusted rows that are less like the other
    trusted rows (each measured against how alike those are among themselves) than this prompt.
    """

    rows_QK: Numbers
    familiar_Q: Floats
    closest_Q: Floats  # how alike the three nearest are, on average

    def part(self, rows: slice) -> "Near":
        """The same for some of the asked prompts."""
        return Near(self.rows_QK[rows], self.familiar_Q[rows], self.closest_Q[rows])


@dataclass(frozen=True)
class Neighbours:
    """Trusted prompts that can be asked for the ones most like a new prompt."""

    vocabulary: Hashes  # V, sorted
    weight_V: Floats
    unknown: float  # what a word weighs that no trusted row has
    matrix_VN: sparse.csr_array
    own_N: Floats  # how alike each trusted row and its own nearest others are
    ordinary_N: Floats  # the same against its neighbours' own, sorted

    @classmethod
    def of(cls, words: Words) -> "Neighbours":
        """Indexed, and compared among themselves: the cost grows with the square of N."""
        asking = cls.indexed(words)
        total = len(words)
        rows_NK, alike_NK = asking._nearest(asking.vectors(words), apart=True)
        asking = replace(asking, own_N=alike_NK.mean(axis=1) if total > 1 else np.ones(total))
        return replace(asking, ordinary_N=np.sort(asking._relative(rows_NK, alike_NK)))

    @classmethod
    def indexed(cls, words: Words) -> "Neighbours":
        """Able to find what is nearest, and nothing more: a fraction of the cost."""
        vocabulary, counts = document_counts(plain(words), words.rows())
        total = len(words)
        weight = np.log((total + 1) / (counts + 0.5)).astype(np.float32)
        empty = sparse.csr_array((len(vocabulary), 0), dtype=np.float32)
        blank = cls(
            vocabulary, weight, float(np.log((total + 1) / 0.5)), empty, weight[:0], weight[:0]
        )
        return replace(blank, matrix_VN=sparse.csr_array(blank.vectors(words).T))

    def nearest(self, words: Words, *, most: int) -> Numbers:
        """The rows (Q, K up to `most`) most like each asked text, the most alike first."""
        rows_QK, alike_QK = self._nearest(self.vectors(words), most=most)
        order_QK = np.argsort(-alike_QK, axis=1, kind="stable")
        ordered: Numbers = np.take_along_axis(rows_QK, order_QK, axis=1)
        return ordered

    def vectors(self, words: Words) -> sparse.csr_array:
        """Unit TF-IDF vectors (Q, V); unknown words make them shorter than 1."""
        hashes, rows, value = self._weighed(words)
        at = np.searchsorted(self.vocabulary, hashes)
        at[at == len(self.vocabulary)] = 0
        known = self.vocabulary[at] == hashes if len(self.vocabulary) else np.zeros(len(at), bool)
        shape = (len(words), len(self.vocabulary))
        return sparse.csr_array((value[known], (rows[known], at[known])), shape=shape)

    def _weighed(self, words: Words) -> tuple[Hashes, Numbers, NDArray[np.float32]]:
        """Each distinct word of each text: its hash, its text and its share of the unit vector."""
        hashes, rows = plain(words), words.rows()
        order = np.lexsort((hashes, rows))
        hashes, rows = hashes[order], rows[order]
        new = np.ones(len(hashes), dtype=bool)
        new[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
        often = np.diff(np.append(np.flatnonzero(new), len(hashes)))
        hashes, rows = hashes[new], rows[new]
        weight = look_up(hashes, self.vocabulary, self.weight_V).astype(np.float64)
        weight[weight == 0] = self.unknown
        weight *= 1 + np.log(often)
        norm = np.sqrt(np.bincount(rows, weight**2, minlength=len(words)))
        return hashes, rows, (weight / np.maximum(norm[rows], 1e-9)).astype(np.float32)

    def near(self, words: Words) -> Near:
        """The K nearest trusted rows of each prompt (K is smaller where there are fewer rows)."""
        rows_QK, alike_QK = self._nearest(self.vectors(words))
        relative_Q = self._relative(rows_QK, alike_QK)
        below = np.searchsorted(self.ordinary_N, relative_Q, side="right")
        return Near(rows_QK, (below + 1) / (len(self.ordinary_N) + 1), _closest(alike_QK))

    def at_home(self, near: Near, asked: Words, others: Words) -> NDArray[np.bool_]:
        """Whether each asked row (Q) is more like trusted rows than like others of its own set.

        `near` are the neighbours of `asked`; `others` are the rest of the set. Of one domain the
        many trusted rows nearly always hold something closer than the few others do (the
        nearest-neighbour two-sample test, Henze 1988).
        """
        everyone = Words.joined([asked, others])
        hashes, rows, value = self._weighed(everyone)
        vocabulary, at = np.unique(hashes, return_inverse=True)
        shape = (len(everyone), len(vocabulary))
        vectors = sparse.csr_array((value, (rows, at)), shape=shape)
        alike_QN = (vectors[: len(asked)] @ vectors.T).toarray()
        np.fill_diagonal(alike_QN, -1)
        at_home: NDArray[np.bool_] = near.closest_Q >= _AT_HOME * _closest(alike_QN)
        return at_home

    def _relative(self, rows_QK: Numbers, alike_QK: Floats) -> Floats:
        if not rows_QK.size:
            return np.zeros(len(rows_QK))
        relative: Floats = alike_QK.mean(axis=1) / np.maximum(
            self.own_N[rows_QK].mean(axis=1), 1e-6
        )
        return relative

    def _nearest(
        self,
        vectors: sparse.csr_array,
        *,
        most: int = NEIGHBOURS,
        apart: bool = False,
        chunk: int = 256,
    ) -> tuple[Numbers, Floats]:
        total = self.matrix_VN.shape[1]
        most = max(min(most, total - apart), 0)
        rows = np.empty((vectors.shape[0], most), np.int64)
        alike = np.empty((vectors.shape[0], most), np.float32)
        for start in range(0, vectors.shape[0] if most else 0, chunk):
            scores = (vectors[start : start + chunk] @ self.matrix_VN).toarray()
            if apart:  # the asked rows are the indexed ones: none is its own neighbour
                np.fill_diagonal(scores[:, start:], -1)
            best = np.argpartition(scores, total - most, axis=1)[:, total - most :]
            rows[start : start + chunk] = best
            alike[start : start + chunk] = np.take_along_axis(scores, best, axis=1)
        return rows, alike


def _closest(alike: Floats, most: int = 3) -> Floats:
    most = min(most, alike.shape[1])
    if not most:
        return np.zeros(len(alike))
    best: Floats = np.partition(alike, alike.shape[1] - most, axis=1)[:, -most:].mean(axis=1)
    return best
