"""Reviewers who favour each other, and reviewers who do not read. Pure; scipy is loaded when asked.

A signal is a reason to look, shown to maintainers alone. Both questions are asked of many people at
once, so the p-values go through Benjamini & Hochberg (Controlling the false discovery rate, 1995).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Any

# (reviewer, author, stratum, accepted): a stratum is a skill, say; people meet within it.
Decided = tuple[int, int, str, bool]
# (reviewer, item, seconds or None, accepted): an answer to a gold item that should be kept out.
Answered = tuple[int, int, float | None, bool]

# Nobody is called hasty on fewer answers than this.
FEWEST_ANSWERS = 5


@dataclass(frozen=True)
class Found:
    """One signal: who, how unlikely by chance (p), after all comparisons (q), and the facts."""

    who: tuple[int, ...]
    p: float
    q: float
    facts: dict[str, Any]


def favours(decided: Iterable[Decided], *, level: float) -> list[Found]:
    """Pairs that accepted each other's work more often than chance gives, at this FDR.

    For reviewer r and author a the expected number of acceptances is what r would have given, had
    r's decisions fallen on a's work as everybody else's of the same stratum did, and been as kind.
    So both ways of favouring show: to pick a friend's work, and to let it pass. The directions of a
    pair are independent (Poisson tails, joined by Fisher's method); one that never met counts 1.
    Around the pairs that stand out rings are grown, see `_grown`.
    """
    given, expected = _given_and_expected(decided)
    pairs = sorted({(min(r, a), max(r, a)) for r, a in given if r != a})
    if not pairs:
        return []
    p_values = _together(
        [(given.get((a, b), 0), expected.get((a, b), 0.0)) for a, b in pairs],
        [(given.get((b, a), 0), expected.get((b, a), 0.0)) for a, b in pairs],
    )
    # Pairs that never met are comparisons too: each reviewer could have favoured each author.
    possible = len({(min(way), max(way)) for way in expected})
    found = [
        Found(pair, p, q, _facts(pair, given, expected))
        for pair, p, q in zip(pairs, p_values, adjusted(p_values, possible), strict=True)
        if q <= level
    ]
    return found + _grown(found, given, expected, level)


def _grown(
    found: Sequence[Found],
    given: Mapping[tuple[int, int], int],
    expected: Mapping[tuple[int, int], float],
    level: float,
) -> list[Found]:
    """Whoever favours the members of a ring taken together, and is favoured by them.

    Each member of a ring meets each other one seldom, and all of them often. One question a person
    and ring, with Bonferroni's correction, is far fewer than one a pair; and what a person did with
    a ring's members was not looked at when the pairs among these were chosen.
    """
    people = sorted({person for way in expected for person in way})
    more: list[Found] = []
    for ring in _rings(found):
        while outside := [person for person in people if person not in ring]:
            ways_out = [_sum(given, expected, [(one, m) for m in ring]) for one in outside]
            ways_in = [_sum(given, expected, [(m, one) for m in ring]) for one in outside]
            p_values = _together(ways_out, ways_in)
            best = min(range(len(outside)), key=p_values.__getitem__)
            if (q := min(1.0, p_values[best] * len(people))) > level:
                break
            one = outside[best]
            friend = max(ring, key=lambda m: given.get((one, m), 0) + given.get((m, one), 0))
            pair = (min(one, friend), max(one, friend))
            facts = _facts(pair, given, expected) | {"ring": sorted(ring)}
            more.append(Found(pair, p_values[best], q, facts))
            ring.add(one)
    return more


def _rings(found: Sequence[Found]) -> list[set[int]]:
    """The connected groups of the pairs."""
    rings: list[set[int]] = []
    for signal in found:
        touched = [ring for ring in rings if ring & set(signal.who)]
        rings = [ring for ring in rings if ring not in touched]
        rings.append(set(signal.who).union(*touched))
    return rings


def _sum(
    given: Mapping[tuple[int, int], int],
    expected: Mapping[tuple[int, int], float],
    ways: Sequence[tuple[int, int]],
) -> tuple[int, float]:
    return sum(given.get(way, 0) for way in ways), sum(expected.get(way, 0.0) for way in ways)


def _together(out: Sequence[tuple[int, float]], back: Sequence[tuple[int, float]]) -> list[float]:
    """One p-value for each (count, expected) there and back."""
    import numpy as np
    from scipy.stats import chi2, poisson

    logs = 0.0
    for ways in (out, back):
        counts, means = np.array(ways, dtype=float).T
        logs = logs + np.log(np.maximum(poisson.sf(counts - 1, np.maximum(means, 1e-9)), 1e-300))
    return [float(p) for p in np.atleast_1d(chi2.sf(-2 * logs, 4))]


def _given_and_expected(
    decided: Iterable[Decided],
) -> tuple[Counter[tuple[int, int]], dict[tuple[int, int], float]]:
    """Acceptances by (reviewer, author), and how many chance would have given."""
    of_reviewer: Counter[tuple[str, int]] = Counter()
    in_stratum: Counter[str] = Counter()
    accepted_of: Counter[tuple[str, int]] = Counter()
    accepted_by: Counter[tuple[str, int, int]] = Counter()
    met: Counter[tuple[str, int, int]] = Counter()
    for reviewer, author, stratum, accepted in decided:
        of_reviewer[stratum, reviewer] += 1
        in_stratum[stratum] += 1
        met[stratum, reviewer, author] += 1
        if accepted:
            accepted_of[stratum, author] += 1
            accepted_by[stratum, reviewer, author] += 1
    given: Counter[tuple[int, int]] = Counter()
    expected: dict[tuple[int, int], float] = defaultdict(float)
    reviewers = defaultdict(list)
    for stratum, reviewer in of_reviewer:
        reviewers[stratum].append(reviewer)
    authors = defaultdict(set)
    for stratum, _, author in met:
        authors[stratum].add(author)
    for stratum, found in authors.items():
        for author in found:
            for reviewer in reviewers[stratum]:
                if reviewer == author:
                    continue
                mine = of_reviewer[stratum, reviewer]
                others = in_stratum[stratum] - mine
                theirs = accepted_of[stratum, author] - accepted_by[stratum, reviewer, author]
                given[reviewer, author] += accepted_by[stratum, reviewer, author]
                # Half an acceptance keeps an author whom nobody else accepts from being impossible.
                expected[reviewer, author] += mine * (theirs + 0.5) / (others + 1)
    return +given, expected


def _facts(
    pair: tuple[int, int],
    given: Mapping[tuple[int, int], int],
    expected: Mapping[tuple[int, int], float],
) -> dict[str, Any]:
    a, b = pair
    return {
        "accepted": [given.get((a, b), 0), given.get((b, a), 0)],
        "expected": [round(expected.get((a, b), 0.0), 2), round(expected.get((b, a), 0.0), 2)],
    }


def stamps(
    answered: Iterable[Answered],
    *,
    level: float,
    fewest: int = FEWEST_ANSWERS,
) -> list[Found]:
    """Reviewers who let bad gold items pass more often than their peers, or judge them too fast.

    Acceptances against the peers' rate, and answers faster than nine of ten of the peers' against
    one in ten, each by a binomial tail; both joined by Fisher's method.
    """
    by_reviewer: dict[int, list[Answered]] = defaultdict(list)
    for answer in answered:
        by_reviewer[answer[0]].append(answer)
    people = [who for who, said in by_reviewer.items() if len(said) >= fewest]
    if not people:
        return []
    from scipy.stats import binom, chi2

    p_values, facts = [], []
    for who in people:
        mine = by_reviewer[who]
        peers = [answer for other, said in by_reviewer.items() if other != who for answer in said]
        let_in = sum(accepted for *_, accepted in mine)
        rate = (sum(accepted for *_, accepted in peers) + 0.5) / (len(peers) + 1)
        quick, timed = _quick(mine, peers)
        kind = float(binom.sf(let_in - 1, len(mine), rate))
        hasty = float(binom.sf(quick - 1, timed, 0.1)) if timed else 1.0
        p_values.append(_fisher(kind, hasty, chi2))
        facts.append(
            {
                "let_in": let_in,
                "of": len(mine),
                "peers": round(rate, 3),
                "quick": quick,
                "timed": timed,
            }
        )
    return [
        Found((who,), p, q, fact)
        for who, p, q, fact in zip(
            people, p_values, adjusted(p_values, len(p_values)), facts, strict=True
        )
        if q <= level
    ]


def _quick(mine: Sequence[Answered], peers: Sequence[Answered]) -> tuple[int, int]:
    """How many of my timed answers were faster than nine of ten of the peers', and of how many."""
    times = sorted(seconds for _, _, seconds, _ in peers if seconds is not None)
    own = [seconds for _, _, seconds, _ in mine if seconds is not None]
    if len(times) < 10 or not own:
        return 0, 0
    fast = times[len(times) // 10]
    return sum(seconds < fast for seconds in own), len(own)


def _fisher(p: float, q: float, chi2: Any) -> float:
    """One p-value of two independent ones (Fisher 1925); conservative where they are discrete."""
    return float(chi2.sf(-2 * (log(max(p, 1e-300)) + log(max(q, 1e-300))), 4))


def adjusted(p_values: Sequence[float], comparisons: int) -> list[float]:
    """Benjamini-Hochberg: the smallest false discovery rate at which each would be called one."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__, reverse=True)
    q_values, least = [1.0] * len(p_values), 1.0
    for place, index in enumerate(order):
        rank = len(p_values) - place
        least = min(least, p_values[index] * comparisons / rank)
        q_values[index] = least
    return q_values
