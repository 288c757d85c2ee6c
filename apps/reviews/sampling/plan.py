"""When to look, what passes, and in which order rows are drawn. Pure; no database.

The promise: *if a share of at least `limit` of the rows is bad, the PR passes with probability at
most `alpha`*, whatever the rows are and however often anybody looks. Two prices are paid for it.

Looking repeatedly. A 95 % bound that is looked at after every row falls short of its name (at ten
looks it lets through up to four times as much as it says). So the looks stand before the first row
is judged: at look k the PR passes with at most k - 1 bad rows, tested at its own share of alpha,
halved from look to look; the shares add up to alpha (the union bound, so nothing is assumed about
how the looks hang together). One look alone would need fewer rows; `Plan.price` says how many.

Coming back. Each revision of a PR is another attempt, with a sample of its own, since the author
has seen which rows were looked at; attempt j has alpha / (j (j + 1)), which adds up to alpha.

Refusing costs nothing: when more rows are bad than any look allows, no further row can help.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import count
from typing import Any, Literal

from apps.reviews.agreement.intervals import at_most, upper_bound

Verdict = Literal["goes on", "passed", "failed"]


@dataclass(frozen=True)
class Look:
    """After `sample` rows the PR passes if at most `bad` of them are bad, at level `alpha`."""

    sample: int
    bad: int
    alpha: float


@dataclass(frozen=True)
class Plan:
    """The looks at a PR of `rows` rows; see the module for what they promise."""

    rows: int
    limit: float
    alpha: float
    looks: tuple[Look, ...]

    @property
    def most(self) -> int:
        """The longest the sample can grow."""
        return self.looks[-1].sample

    @property
    def price(self) -> int:
        """Rows that the first look needs beyond what a single one would have needed."""
        return self.looks[0].sample - min(self.rows, smallest_sample(0, self.limit, self.alpha))

    def to_json(self) -> dict[str, Any]:
        """The plan as plain lists and numbers."""
        return asdict(self) | {"looks": [asdict(look) for look in self.looks]}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Plan:
        """What `to_json` wrote."""
        return cls(**stored | {"looks": tuple(Look(**look) for look in stored["looks"])})


@dataclass(frozen=True)
class Standing:
    """Where a sample stands: the verdict, what was judged, and the bound that may be stated.

    `bound` is the Clopper-Pearson bound of the last look that was reached (None before the first),
    at that look's level: together the bounds of all looks hold with the plan's confidence.
    """

    verdict: Verdict
    judged: int
    bad: int
    bound: float | None
    next_look: int | None


def plan(rows: int, *, limit: float, alpha: float, most_bad: int = 3, attempt: int = 1) -> Plan:
    """The looks at a PR with so many rows; the last allows `most_bad` bad ones among those drawn.

    A look that would need as many rows as there are is the last: then every row is known.
    """
    spent = alpha / (attempt * (attempt + 1))
    looks: list[Look] = []
    for bad in range(most_bad + 1):
        share = spent / 2 ** min(bad + 1, most_bad)
        sample = smallest_sample(bad, limit, share)
        if sample >= rows:
            looks.append(Look(rows, _most_of_all(rows, limit), 0.0))
            break
        looks.append(Look(sample, bad, share))
    return Plan(rows, limit, spent, tuple(looks))


@lru_cache(maxsize=256)
def smallest_sample(bad: int, limit: float, alpha: float) -> int:
    """The fewest rows with which `bad` bad ones still keep the upper bound under the limit."""
    if not 0 < limit < 1 or not 0 < alpha < 1:
        raise ValueError("limit and alpha lie between 0 and 1")
    return next(n for n in count(bad + 1) if at_most(bad, n, limit) < alpha)


def _most_of_all(rows: int, limit: float) -> int:
    """How many of all rows may be bad where every one is known: fewer than the limit's share."""
    return max(bad for bad in range(rows + 1) if bad < limit * rows) if limit * rows > 0 else 0


def standing(plan: Plan, bad_ones: Sequence[bool]) -> Standing:
    """What the judged rows (in the order drawn; True: bad) come to under the plan."""
    judged, bound = len(bad_ones), None
    for look in plan.looks:
        if judged < look.sample:
            break
        bad = sum(bad_ones[: look.sample])
        bound = (
            bad / plan.rows
            if look.sample == plan.rows
            else upper_bound(bad, look.sample, look.alpha)
        )
        if bad <= look.bad:
            return Standing("passed", look.sample, bad, bound, None)
    bad = sum(bad_ones)
    # No look that is left allows so many.
    if judged >= plan.most or bad > plan.looks[-1].bad:
        return Standing("failed", judged, bad, bound, None)
    ahead = [look for look in plan.looks if look.sample > judged and bad <= look.bad]
    return Standing("goes on", judged, bad, bound, ahead[0].sample)


def drawn(strata: Sequence[str], seed: bytes) -> list[int]:
    """All positions in the order in which they are drawn; `strata[i]` is the stratum of row i.

    Each row gets a key that is uniform on (0, 1): its rank in a shuffle of its stratum, less one
    uniform number of the stratum, over the stratum's size. The first n rows of that order are a
    sample in which every row is as likely as any other, and in which each stratum has its share,
    rounded up or down by chance; so they spread better than n rows at random and are bad no more
    wildly than the binomial says (Hoeffding, On the distribution of the number of successes in
    independent trials, 1956); the tests try it where the bad ones hide in one small stratum.
    """
    sizes = Counter(strata)
    offset = {name: _uniform(seed, f"stratum|{name}") for name in sizes}
    shuffled = sorted(range(len(strata)), key=lambda place: _uniform(seed, f"row|{place}"))
    ranks: Counter[str] = Counter()
    keys: dict[int, float] = {}
    for place in shuffled:
        name = strata[place]
        ranks[name] += 1
        keys[place] = (ranks[name] - offset[name]) / sizes[name]
    return sorted(shuffled, key=keys.__getitem__)


def _uniform(seed: bytes, what: str) -> float:
    return int.from_bytes(hmac.digest(seed, what.encode(), "sha256")[:7], "big") / 2**56
