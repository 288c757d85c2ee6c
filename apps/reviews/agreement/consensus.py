"""What several voices come to: Dawid-Skene's posterior, and Krippendorff's alpha with its interval.

Pure; numpy and crowd-kit are loaded when something is reckoned, which web processes never do.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Said = tuple[int, int, str]

# Imagined answers by which everybody begins as a decent reviewer: of each verdict that is right,
# so many say so and one says each of the others. Without them two voices would make certainties.
RIGHT_BEFOREHAND = 4
# Half a voice begins with half the evidence: odds of 2 to 1 for what it says, where a whole one has
# 4 to 1 (the square root; evidence adds up in logarithms).
WRONG_BEFOREHAND = {False: 1, True: 2}
DRAWS = 1000


def posteriors(
    said: Iterable[Said],
    known: Mapping[int, str],
    verdicts: Sequence[str],
    *,
    halves: Collection[int] = (),
) -> dict[int, dict[str, float]]:
    """The probability of each verdict for each item, from (item, reviewer, verdict).

    `known` holds the right verdicts of gold items, which say how far each reviewer is to be
    trusted; `halves` are those of them whose voice is half a one. Dawid & Skene, Maximum
    likelihood estimation of observer error-rates using the EM algorithm, 1979; here with a prior,
    see above.
    """
    voices = list(said)
    if not voices:
        return {}
    import pandas as pd
    from crowdkit.aggregation import DawidSkene

    people = sorted({reviewer for _, reviewer, _ in voices})
    imagined, truths = _imagined({one: one in halves for one in people}, verdicts)
    table = pd.DataFrame(
        [(f"i{item}", reviewer, verdict) for item, reviewer, verdict in voices] + imagined,
        columns=["task", "worker", "label"],
    )
    asked = {f"i{item}" for item, _, _ in voices}
    truths |= {f"i{item}": verdict for item, verdict in known.items() if f"i{item}" in asked}
    with warnings.catch_warnings():
        # Of pandas, about what crowd-kit will have to change for its next version.
        warnings.simplefilter("ignore", DeprecationWarning)
        found = DawidSkene(n_iter=50).fit_predict_proba(table, pd.Series(truths, name="label"))
    return {
        int(task[1:]): {name: round(float(p), 4) for name, p in row.items()}
        for task, row in found.loc[sorted(asked)].iterrows()
    }


def _imagined(
    reviewers: Mapping[int, bool], verdicts: Sequence[str]
) -> tuple[list[tuple[str, int, str]], dict[str, str]]:
    answers: list[tuple[str, int, str]] = []
    truths: dict[str, str] = {}
    for reviewer, half in reviewers.items():
        for right in verdicts:
            wrong = [verdict for verdict in verdicts if verdict != right]
            given = [right] * RIGHT_BEFOREHAND + wrong * WRONG_BEFOREHAND[half]
            for number, verdict in enumerate(given):
                task = f"p{reviewer}-{right}-{number}"
                answers.append((task, reviewer, verdict))
                truths[task] = right
    return answers, truths


@dataclass(frozen=True)
class Agreement:
    """Alpha with its 95 % bootstrap interval; None where it does not exist."""

    alpha: float | None
    low: float | None
    high: float | None
    items: int
    voices: int


def agreement(said: Iterable[Said], *, seed: int = 0, draws: int = DRAWS) -> Agreement:
    """Krippendorff's alpha for verdicts as names; items with one voice say nothing.

    1 is perfect agreement, 0 what chance gives. It does not exist where all said one and the same
    of everything. The interval is the percentile bootstrap over items, of the draws in which alpha
    exists. Krippendorff, Content analysis, 4th ed. 2018, ch. 12.
    """
    import numpy as np

    by_item: dict[int, Counter[str]] = {}
    for item, _, verdict in said:
        by_item.setdefault(item, Counter())[verdict] += 1
    units = [counts for counts in by_item.values() if counts.total() >= 2]
    voices = sum(counts.total() for counts in units)
    names = sorted({verdict for counts in units for verdict in counts})
    if not units:
        return Agreement(None, None, None, 0, 0)
    table_UC = np.array([[counts[name] for name in names] for counts in units], dtype=float)
    whole = _alphas(table_UC, np.ones((1, len(units))))[0]
    weights_BU = np.random.default_rng(seed).multinomial(
        len(units), np.full(len(units), 1 / len(units)), size=draws
    )
    drawn = _alphas(table_UC, weights_BU)
    drawn = drawn[~np.isnan(drawn)]
    if np.isnan(whole):
        return Agreement(None, None, None, len(units), voices)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Agreement(float(whole), float(low), float(high), len(units), voices)


def _alphas(table_UC: Any, weights_BU: Any) -> Any:
    """Alpha under each line of weights (B draws, U units, C verdicts); NaN where there is none."""
    import numpy as np

    sizes_U = table_UC.sum(axis=1)
    within_U = (sizes_U**2 - (table_UC**2).sum(axis=1)) / (sizes_U - 1)
    totals_BC = weights_BU @ table_UC
    all_B = totals_BC.sum(axis=1)
    expected_B = all_B**2 - (totals_BC**2).sum(axis=1)
    observed_B = weights_BU @ within_U
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(expected_B > 0, 1 - (all_B - 1) * observed_B / expected_B, np.nan)
