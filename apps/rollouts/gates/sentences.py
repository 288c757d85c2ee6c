"""The gates' reasons in words."""

from __future__ import annotations

import math
from typing import Any

from apps.rollouts.gates.criteria import OVERALL
from apps.rollouts.gates.evidence import FEWEST
from apps.rollouts.gates.questions import Gate


def harmed(gate: Gate, unit: str) -> str:
    """Why the candidate is taken back."""
    where = "Overall" if gate.stream == OVERALL else f"At {_of(gate)}"
    return (
        f"{where} the candidate is worse than live: {_points(gate.estimate)} points over "
        f"{_count(gate.n, unit)}, at best {_points(gate.upper)}; evidence "
        f"{_number(gate.e_value)}, enough from {_number(gate.threshold)}."
    )


def widen(gates: list[Gate], unit: str) -> str:
    """Why it may be shown to more people."""
    overall, *skills = [gate for gate in gates if gate.question == "no worse"]
    sentence = (
        f"Overall {_points(overall.estimate)} points over {_count(overall.n, unit)}, at worst "
        f"{_points(overall.lower)} where {_points(-overall.margin)} is allowed"
    )
    if skills:
        nearest = min(skills, key=lambda gate: gate.lower + gate.margin)
        sentence += (
            f"; every protected skill within its margin, nearest {_of(nearest)}, at worst "
            f"{_points(nearest.lower)} where {_points(-nearest.margin)} is allowed"
        )
    return sentence + "."


def hold(short: list[str], unproven: list[Gate], more: int | None, unit: str) -> str:
    """What is still open, and about how long it takes."""
    if not unproven:
        return f"Nothing speaks against it, but {'; '.join(short)}."
    slowest = max(unproven, key=lambda gate: math.inf if gate.more is None else gate.more)
    if slowest.n < FEWEST:
        eta = "too early to say how long"
    elif more is None:
        eta = "and at this rate never"
    else:
        eta = f"about {more:,} more judged answers at this rate"
    others = f" ({len(unproven) - 1} more open)" if len(unproven) > 1 else ""
    return f"Cannot conclude yet, {eta}: {still_open(slowest, unit)}{others}."


def still_open(gate: Gate, unit: str) -> str:
    """What one question has come to and what it waits for."""
    if gate.n == 0:
        return f"{_of(gate)} has no {unit} yet"
    return (
        f"{_of(gate)} {_points(gate.estimate)} points over {_count(gate.n, unit)}, at worst "
        f"{_points(gate.lower)} where {_points(-gate.margin)} is allowed (evidence "
        f"{_number(gate.e_value)} of {_number(gate.threshold)})"
    )


def too_few(name: str, have: int, least: int, what: str) -> str:
    """How much evidence is missing; empty where there is enough."""
    return f"{name} has {have:,} of the {least:,} {what} it needs at least" if have < least else ""


def broken_split(ratio: dict[str, Any]) -> str:
    """Why the split of users is not believed."""
    live, candidate = ratio["assigned"]["live"], ratio["assigned"]["candidate"]
    share = 100 * candidate / (live + candidate)
    return (
        f"The split of users is broken: {candidate:,} of {live + candidate:,} ({share:.2f} %) got "
        f"the candidate where {ratio['percent']:g} % should; evidence "
        f"{_number(ratio['e_value'])}, enough from {_number(ratio['threshold'])}."
    )


def with_unjudged(reason: str, unjudged: int, hours: float) -> str:
    """The reason, and how many pairs stand against the candidate because nobody judged them."""
    pairs = "One pair" if unjudged == 1 else f"{unjudged:,} pairs"
    counts = "counts" if unjudged == 1 else "count"
    return f"{reason} {pairs} that nobody judged within {hours:g} hours {counts} against it."


def called(stream: str, title: str) -> str:
    """A skill by its title, in quotes; the overall rate as it is."""
    return stream if stream == OVERALL else f"“{title}”"


def _of(gate: Gate) -> str:
    return called(gate.stream, gate.title)


def _points(value: float | None) -> str:
    """Signed, one decimal, with a true minus."""
    return f"{round(value or 0, 1) + 0.0:+.1f}".replace("-", "−")


def _count(n: int, unit: str) -> str:
    return f"{n:,} {unit}" + ("" if n == 1 else "s")


def _number(e_value: float) -> str:
    if e_value >= 1e6:
        return "over a million"
    return f"{e_value:,.0f}" if e_value >= 100 else f"{e_value:.3g}"
