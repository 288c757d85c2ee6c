"""Intervals of shares, in plain Python: web processes show them without loading scipy."""

from __future__ import annotations

import math
from statistics import NormalDist


def wilson(hits: int, of: int, confidence: float = 0.95) -> tuple[float, float] | None:
    """The Wilson score interval of a share; None where nothing was counted.

    Wilson, Probable inference, the law of succession, and statistical inference, JASA 1927.
    """
    if not of:
        return None
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, weight = hits / of, z * z / of
    middle = (share + weight / 2) / (1 + weight)
    half = z / (1 + weight) * math.sqrt(share * (1 - share) / of + weight / (4 * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def upper_bound(hits: int, of: int, alpha: float) -> float:
    """The one-sided Clopper-Pearson bound: shares above it would give so few hits rarely.

    The share p with P(Bin(of, p) <= hits) = alpha, by bisection; 1.0 where all are hits.
    Clopper & Pearson, The use of confidence or fiducial limits, Biometrika 1934.
    """
    if hits >= of:
        return 1.0
    low, high = hits / of, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if at_most(hits, of, middle) > alpha else (low, middle)
    return high


def at_most(hits: int, of: int, share: float) -> float:
    """P(Bin(of, share) <= hits); `hits` is small, so the sum is short."""
    if share <= 0:
        return 1.0
    if share >= 1:
        return float(hits >= of)
    term = of * math.log1p(-share)
    odds = math.log(share) - math.log1p(-share)
    total = math.exp(term)
    for k in range(1, hits + 1):
        term += math.log((of - k + 1) / k) + odds
        total += math.exp(term)
    return min(1.0, total)
