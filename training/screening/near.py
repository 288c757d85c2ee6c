"""Near-duplicates: MinHash signatures of word 3-shingles, found by bands (Broder 1997; LSH).

Shapes: N texts, P = 128 permutations, B bands of P / B signature words each.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import rensa
from numpy.typing import NDArray

from training.screening.text import Hashes, Numbers, Words

Signatures: TypeAlias = NDArray[np.uint32]

PERMUTATIONS = 128
SHINGLE = 3
BANDS = 32
_SEED = 1
_CROWD = 64  # members of one bucket that are compared; templates fill buckets by the thousand


def signatures(words: Words) -> tuple[Signatures, NDArray[np.bool_]]:
    """MinHash signatures (N, P), and which texts are long enough to have one (N)."""
    hashes, rows, _ = words.ngrams(SHINGLE)
    counts = np.bincount(rows, minlength=len(words))
    if not len(words):
        return np.empty((0, PERMUTATIONS), np.uint32), np.empty(0, bool)
    offsets = np.zeros(len(words) + 1, dtype=np.uint64)
    np.cumsum(counts, out=offsets[1:])
    matrix = rensa.RMinHash.digest_matrix_from_flat_token_hashes(
        hashes, offsets, PERMUTATIONS, _SEED
    )
    return np.array(matrix.to_rows(), dtype=np.uint32), counts > 0


@dataclass(frozen=True, slots=True)
class Near:
    """A pair of texts that share about `similarity` of their shingles (Jaccard)."""

    query: int
    found: int
    similarity: float


@dataclass(frozen=True)
class NearIndex:
    """Texts that can be asked for near-duplicates; pickles, and grows by `adding`."""

    signatures_NP: Signatures
    long_N: NDArray[np.bool_]
    bands: int
    keys_BN: Hashes
    order_BN: Numbers

    @classmethod
    def of(cls, words: Words, *, bands: int = BANDS) -> "NearIndex":
        return cls.made(*signatures(words), bands=bands)

    @classmethod
    def made(cls, signed: Signatures, long: NDArray[np.bool_], *, bands: int) -> "NearIndex":
        keys = band_keys(signed, bands)
        order = np.argsort(keys, axis=1, kind="stable")
        return cls(signed, long, bands, np.take_along_axis(keys, order, axis=1), order)

    def adding(self, words: Words) -> "NearIndex":
        """A new index with more texts behind the ones it holds."""
        signed, long = signatures(words)
        return self.made(
            np.concatenate([self.signatures_NP, signed]),
            np.concatenate([self.long_N, long]),
            bands=self.bands,
        )

    def __len__(self) -> int:
        return len(self.long_N)

    def near(self, words: Words, *, at_least: float) -> list[Near]:
        """For every text its nearest text in the index, where they are similar enough."""
        return self.near_signed(*signatures(words), at_least=at_least)

    def near_signed(
        self, signed: Signatures, long: NDArray[np.bool_], *, at_least: float
    ) -> list[Near]:
        """The same for texts whose signatures are at hand."""
        best: dict[int, Near] = {}
        for queries, found in self.candidates(signed, long):
            similar = (signed[queries] == self.signatures_NP[found]).mean(axis=1)
            for at in np.flatnonzero(similar >= at_least):
                near = Near(int(queries[at]), int(found[at]), float(similar[at]))
                if near.query not in best or best[near.query].similarity < near.similarity:
                    best[near.query] = near
        return [best[query] for query in sorted(best)]

    def candidates(
        self, signed: Signatures, long: NDArray[np.bool_], *, chunk: int = 4096
    ) -> Iterator[tuple[Numbers, Numbers]]:
        """Distinct (query, indexed) pairs that share at least one band, chunk by chunk."""
        if not len(self):
            return
        for start in range(0, len(signed), chunk):
            part = signed[start : start + chunk]
            keys = band_keys(part, self.bands)
            pairs = [
                self._bucket_pairs(band, keys[band], long[start : start + chunk])
                for band in range(self.bands)
            ]
            both = np.unique(np.concatenate(pairs))
            yield both // len(self) + start, both % len(self)

    def _bucket_pairs(self, band: int, keys: Hashes, long: NDArray[np.bool_]) -> Numbers:
        known = self.keys_BN[band]
        left = np.searchsorted(known, keys, side="left")
        right = np.searchsorted(known, keys, side="right")
        sizes = np.where(long, np.minimum(right - left, _CROWD), 0)
        queries = np.repeat(np.arange(len(keys)), sizes)
        first = np.repeat(np.cumsum(sizes) - sizes, sizes)
        at = np.repeat(left, sizes) + np.arange(len(queries)) - first
        found = self.order_BN[band][at]
        pairs: Numbers = (queries * len(self) + found)[self.long_N[found]]
        return pairs


def band_keys(signed: Signatures, bands: int) -> Hashes:
    """One hash for each band of each signature (B, N)."""
    width = signed.shape[1] // bands
    keys = np.zeros((bands, len(signed)), dtype=np.uint64)
    for offset in range(width):
        keys = (keys ^ signed[:, offset : bands * width : width].T) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(31)
    return keys


def near_within(words: Words, *, at_least: float, bands: int = BANDS) -> list[Near]:
    """Near-duplicates inside one set of texts: each text with the most similar earlier one."""
    signed, long = signatures(words)
    index = NearIndex.made(signed, long, bands=bands)
    best: dict[int, Near] = {}
    for queries, found in index.candidates(signed, long):
        later = found < queries
        queries, found = queries[later], found[later]
        similar = (signed[queries] == signed[found]).mean(axis=1)
        for at in np.flatnonzero(similar >= at_least):
            near = Near(int(queries[at]), int(found[at]), float(similar[at]))
            if near.query not in best or best[near.query].similarity < near.similarity:
                best[near.query] = near
    return [best[query] for query in sorted(best)]
