"""Compares a candidate with the live version, skill by skill, on the same hidden questions.

An answer is right when it equals the expected one, surrounding space aside. Both versions answer
every question, so the difference is paired; its interval is Newcombe's method 10 (R. G. Newcombe,
Statistics in Medicine 17, 1998, 2635-2650), the square-and-add interval built on Wilson's.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from training.examples import Case, read_holdout
from training.spec import SkillRule

Answers = Callable[[Sequence[str]], list[str]]
Z95 = 1.959963984540054


@dataclass(frozen=True)
class Difference:
    """Percent right before and after, and the interval of after - before in points."""

    before: float
    after: float
    low: float
    high: float
    cases: int

    @property
    def gain(self) -> float:
        """Points gained; negative for a loss."""
        return self.after - self.before


@dataclass(frozen=True)
class SkillResult(Difference):
    """One skill's difference under its rule."""

    protected: bool = False
    margin: float = 5.0
    title: str = ""


@dataclass(frozen=True)
class Comparison:
    """What a candidate changed, and every reason it may not go on."""

    skills: Mapping[str, SkillResult]
    overall: Difference
    reasons: tuple[str, ...]
    probes: tuple[dict[str, Any], ...] = field(default=())

    @property
    def verdict(self) -> str:
        """`fit`, or `refused` when there is a reason."""
        return "refused" if self.reasons else "fit"

    def as_report(self) -> dict[str, Any]:
        """The comparison's share of report.json, figures rounded to a hundredth of a point."""
        overall = _rounded(self.overall)
        overall["gain"] = round(self.overall.gain, 2)
        return {
            "skills": {name: _rounded(result) for name, result in self.skills.items()},
            "overall": overall,
            "probes": list(self.probes),
            "verdict": self.verdict,
            "reasons": list(self.reasons),
        }


def paired_difference(
    before: Sequence[bool], after: Sequence[bool], *, z: float = Z95
) -> Difference:
    """The paired difference of two lists of outcomes on the same cases, with its interval.

    `z` is the normal quantile of the interval, 1.96 for 95 %. No cases is no knowledge: -100..100.
    """
    n = len(before)
    if n == 0:
        return Difference(0.0, 0.0, -100.0, 100.0, 0)
    both = sum(b and a for b, a in zip(before, after, strict=True))
    lost, won = sum(before) - both, sum(after) - both
    neither = n - both - lost - won
    low_b, high_b = _wilson(sum(before), n, z)
    low_a, high_a = _wilson(sum(after), n, z)
    p_b, p_a = sum(before) / n, sum(after) / n
    phi = _correlation(both, lost, won, neither)
    under = _square_and_add(p_a - low_a, high_b - p_b, phi)
    over = _square_and_add(high_a - p_a, p_b - low_b, phi)
    gain = p_a - p_b
    return Difference(
        100 * p_b,
        100 * p_a,
        100 * max(-1.0, gain - under),
        100 * min(1.0, gain + over),
        n,
    )


def compare(
    cases: Sequence[Case],
    *,
    before: Answers,
    after: Answers,
    rules: Mapping[str, SkillRule],
) -> Comparison:
    """Ask both versions every case and judge the candidate by the rules fixed beforehand."""
    prompts = [case.prompt for case in cases]
    right_before = _right(before(prompts), cases)
    right_after = _right(after(prompts), cases)
    skills: dict[str, SkillResult] = {}
    for name in sorted({case.skill for case in cases} | set(rules)):
        mine = [i for i, case in enumerate(cases) if case.skill == name]
        found = paired_difference([right_before[i] for i in mine], [right_after[i] for i in mine])
        skills[name] = SkillResult(**asdict(found), **asdict(rules.get(name, SkillRule())))
    overall = paired_difference(right_before, right_after)
    return Comparison(skills, overall, tuple(reasons_against(skills, overall)))


def reasons_against(skills: Mapping[str, SkillResult], overall: Difference) -> list[str]:
    """Each reason a candidate is refused, as a sentence.

    A protected skill must be shown not to have fallen beyond its margin (non-inferiority, the lower
    bound of the interval), and the whole must be shown to have gained.
    """
    reasons = []
    for name, skill in skills.items():
        if not skill.protected:
            continue
        called = f"“{skill.title or name}”"
        if not skill.cases:
            reasons.append(f"{called} is protected, but the hold-out has no case that measures it.")
        elif skill.low < -skill.margin:
            reasons.append(
                f"{called} is protected and went from {skill.before:.1f} % to {skill.after:.1f} % "
                f"right; it may have lost {-skill.low:.1f} points, and the margin is "
                f"{skill.margin:g}."
            )
    if overall.low <= 0:
        reasons.append(
            f"Over all skills the change is {overall.gain:+.1f} points, between {overall.low:+.1f} "
            f"and {overall.high:+.1f}: that is no shown improvement."
        )
    return reasons


def compare_folders(
    base: str, *, before: Path | None, after: Path | None, holdout: Path
) -> dict[str, Any]:
    """Compare two adapters of one base, or an adapter with the bare base, on a hold-out."""
    from training import artifacts, lora
    from training.generating import answers

    model, chat = lora.load_base(base)
    digest = lora.base_digest(base)

    def version(folder: Path | None) -> Answers:
        chosen = model
        if folder is not None:
            adapter = artifacts.verify(folder, base_sha256=digest)
            weights = artifacts.read_weights(adapter)
            chosen = lora.merged(model, weights, rank=adapter.rank, alpha=adapter.alpha)
        return lambda prompts: answers(chosen, chat, prompts, max_new=40)

    cases = read_holdout(holdout, None)
    return compare(cases, before=version(before), after=version(after), rules={}).as_report()


def _right(given: Sequence[str], cases: Sequence[Case]) -> list[bool]:
    return [text.strip() == case.expected for text, case in zip(given, cases, strict=True)]


def _wilson(right: int, n: int, z: float) -> tuple[float, float]:
    p = right / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def _correlation(both: int, lost: int, won: int, neither: int) -> float:
    """Newcombe's phi, with the continuity correction that method 10 adds to positive ones."""
    n = both + lost + won + neither
    product = both * neither - lost * won
    scale = math.sqrt(
        float((both + lost) * (won + neither)) * float((both + won) * (lost + neither))
    )
    if scale == 0:
        return 0.0
    return (max(product - n / 2, 0.0) if product > 0 else product) / scale


def _square_and_add(one: float, other: float, phi: float) -> float:
    return math.sqrt(max(0.0, one * one - 2 * phi * one * other + other * other))


def _rounded(found: Difference) -> dict[str, Any]:
    figures = asdict(found)
    return {k: round(v, 2) if isinstance(v, float) else v for k, v in figures.items()}
