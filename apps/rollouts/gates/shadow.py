"""The shadow stage: both versions answer the same request, in pairs.

X, the difference, is candidate_ok - live_ok.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from apps.rollouts.gates.criteria import OVERALL
from apps.rollouts.gates.evidence import Differences


@dataclass(frozen=True)
class Pair:
    """One shadowed request, both answers judged. Identical answers get identical judgements."""

    skill: str
    live_ok: bool
    candidate_ok: bool


@dataclass(frozen=True)
class PairTally:
    """The 2×2 table of one skill's pairs."""

    both: int = 0
    only_live: int = 0
    only_candidate: int = 0
    neither: int = 0

    def __add__(self, other: PairTally) -> PairTally:
        return PairTally(
            self.both + other.both,
            self.only_live + other.only_live,
            self.only_candidate + other.only_candidate,
            self.neither + other.neither,
        )

    @property
    def answers(self) -> int:
        return self.both + self.only_live + self.only_candidate + self.neither

    @property
    def differences(self) -> Differences:
        seen = {-1: self.only_live, 0: self.both + self.neither, 1: self.only_candidate}
        return {Fraction(d): count for d, count in seen.items() if count}

    @property
    def signs_of_harm(self) -> Differences:
        """The same: in shadow every pair is compared within one request."""
        return self.differences

    @property
    def rates(self) -> tuple[float, float] | None:
        """Success rates of live and candidate in points; None before the first pair."""
        if not self.answers:
            return None
        live, candidate = self.both + self.only_live, self.both + self.only_candidate
        return 100 * live / self.answers, 100 * candidate / self.answers


_CELLS = {
    (True, True): PairTally(both=1),
    (True, False): PairTally(only_live=1),
    (False, True): PairTally(only_candidate=1),
    (False, False): PairTally(neither=1),
}


@dataclass(frozen=True)
class ShadowState:
    """What the gates remember of a shadow stage: a 2×2 table for each skill."""

    skills: Mapping[str, PairTally] = field(default_factory=dict)

    def update(self, pairs: Iterable[Pair]) -> ShadowState:
        """The state after these pairs too."""
        cells = Counter((pair.skill, pair.live_ok, pair.candidate_ok) for pair in pairs)
        skills = dict(self.skills)
        for (skill, live_ok, candidate_ok), count in cells.items():
            one = _CELLS[live_ok, candidate_ok]
            many = PairTally(*(count * cell for cell in _cells(one)))
            skills[skill] = skills.get(skill, PairTally()) + many
        return ShadowState(skills)

    def stream(self, name: str) -> PairTally:
        """One skill's table, or the sum of all of them for "overall"."""
        if name == OVERALL:
            return sum(self.skills.values(), PairTally())
        return self.skills.get(name, PairTally())

    def to_json(self) -> dict[str, Any]:
        return {"skills": {skill: list(_cells(t)) for skill, t in sorted(self.skills.items())}}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> ShadowState:
        return cls({skill: PairTally(*cells) for skill, cells in stored["skills"].items()})


def _cells(tally: PairTally) -> tuple[int, int, int, int]:
    return tally.both, tally.only_live, tally.only_candidate, tally.neither
