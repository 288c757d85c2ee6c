"""Evidence that may be looked at after every answer: the wealth of a gambler who bets.

The bet. Against the claim "X has mean at most m", stake a fixed share c of the wealth on an asset
that pays (1 + X) / (1 + m): a fair price if the claim holds, so the wealth is a non-negative
supermartingale, and by Ville's inequality it ever reaches 1/alpha with probability alpha at most.
We average over the shares in `STAKES`. With constant shares the order of the differences does not
matter, so *how often each difference was seen* is all a state has to keep, and the same table
answers each question (harm: is the mean below 0? non-inferiority: is it above -margin?) and gives
the bounds: the lower bound is the largest m that has been refuted.

    Ville, Étude critique de la notion de collectif, 1939.
    Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting, JRSS B, 2023.
    Grünwald, de Heide & Koolen, Safe testing, JRSS B, 2024.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

Differences = Mapping[Fraction, int]

# Shares of the wealth and how the first coin is split among them. Large shares conclude fast where
# the difference is plain (an identical skill, a broken one), small ones where it is a few points.
STAKES: NDArray[np.float64] = np.array([0.95, 0.5, 0.25, 0.125, 0.0625, 0.03125])
SPLIT: NDArray[np.float64] = np.array([0.35, 0.2, 0.15, 0.15, 0.1, 0.05])

# Differences before a rate of growth is worth telling.
FEWEST = 5


def log_evidence(differences: Differences, above: float) -> float:
    """Logarithm of the e-value against "the mean difference is at most `above`" (-1 < above < 1).

    The mixture of constant-share betting processes of this file's head (Waudby-Smith & Ramdas
    2023, section 4; the averaged wealth is an e-process because an average of e-processes is one).
    """
    return float(np.logaddexp.reduce(np.log(SPLIT) + _log_wealths(differences, above)))


def mirrored(differences: Differences) -> Differences:
    """Live minus candidate: evidence for harm is evidence for the mirrored difference."""
    return {-difference: count for difference, count in differences.items()}


def lower_bound(differences: Differences, alpha: float) -> float:
    """The largest mean refuted at 1/alpha: a lower confidence sequence, valid at all times."""
    low, high = -1.0, mean(differences)
    if high is None or high == low:
        return low
    for _ in range(40):
        middle = (low + high) / 2
        if log_evidence(differences, middle) >= -math.log(alpha):
            low = middle
        else:
            high = middle
    return low


def mean(differences: Differences) -> float | None:
    """The mean difference; None while there is none."""
    n = sum(differences.values())
    return float(sum(d * count for d, count in differences.items()) / n) if n else None


def still_needed(differences: Differences, above: float, alpha: float) -> int | None:
    """About how many more differences like those seen until 1/alpha.

    Each stake has grown at its own rate so far; the first to arrive is the estimate. None if none
    grows, or while there are fewer than `FEWEST` differences to tell a rate from.
    """
    n = sum(differences.values())
    if log_evidence(differences, above) >= -math.log(alpha):
        return 0
    if n < FEWEST:
        return None
    log_wealths = _log_wealths(differences, above)
    missing = -math.log(alpha) - np.log(SPLIT) - log_wealths
    rates = log_wealths / n
    steps = [gap / rate for gap, rate in zip(missing, rates, strict=True) if rate > 1e-9]
    return max(1, math.ceil(min(steps))) if steps else None


def _log_wealths(differences: Differences, above: float) -> NDArray[np.float64]:
    """Log wealth of each share in `STAKES` after all the differences."""
    values = np.array([float(d) for d in differences], dtype=np.float64)
    counts = np.array(list(differences.values()), dtype=np.float64)
    # Sums of floats depend on their order, and a state that was stored comes back in another one.
    order = np.argsort(values)
    payoffs = (1 + values[order]) / (1 + above)
    growth: NDArray[np.float64] = np.log1p(np.outer(STAKES, payoffs - 1)) @ counts[order]
    return growth
