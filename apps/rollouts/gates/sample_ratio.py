"""Whether users are split between the arms as the stage intends.

Lindon & Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from apps.rollouts.gates.canary import Arm

# How firmly the sample ratio test expects a broken split to lie near the intended one.
RATIO_PRIOR = 100.0


def sample_ratio_log_evidence(assigned: Mapping[Arm, int], percent: float) -> float:
    """Logarithm of the e-value against "users are split `percent` to the candidate".

    Beta-binomial over binomial, the sequential multinomial test of Lindon & Malek (2022) for two
    arms. `assigned` counts distinct users, since a sticky user is assigned once.
    """
    share = percent / 100
    live, candidate = assigned["live"], assigned["candidate"]
    if not 0 < share < 1:
        return math.inf if (live if share else candidate) else 0.0
    a, b = RATIO_PRIOR * share, RATIO_PRIOR * (1 - share)
    mixture = _log_beta(a + candidate, b + live) - _log_beta(a, b)
    return mixture - candidate * math.log(share) - live * math.log1p(-share)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
