"""The questions that a stage puts to each stream of differences."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from apps.rollouts.gates.canary import CanaryState
from apps.rollouts.gates.criteria import OVERALL, Criteria
from apps.rollouts.gates.evidence import log_evidence, lower_bound, mean, mirrored, still_needed
from apps.rollouts.gates.shadow import ShadowState

Question = Literal["harm", "no worse", "better"]


@dataclass(frozen=True)
class Gate:
    """One question put to one stream, with everything a person needs to check the answer.

    `n` counts differences: pairs in shadow; matched blocks in canary, of newcomers, and for harm of
    returning users too. Rates, estimate and bounds are points of success rate. `lower` holds at all
    times with confidence 1 - alpha_widen: "no worse" is crossed exactly when it reaches -margin.
    `upper` holds with confidence 1 - the stream's share of alpha_harm: "harm" is crossed exactly
    when it reaches 0. `more` is about how many more judged answers, of all skills, it takes at this
    rate; None where there is no rate yet or it leads elsewhere.
    """

    stream: str
    title: str
    question: Question
    margin: float
    e_value: float
    threshold: float
    crossed: bool
    n: int
    live: float | None
    candidate: float | None
    estimate: float | None
    lower: float
    upper: float
    more: int | None


def gates_of(state: ShadowState | CanaryState, criteria: Criteria, percent: float) -> list[Gate]:
    """Every question of the stage, the deciding ones first."""
    proven = (OVERALL, *(criteria.protected if percent in criteria.prove_skills_at else ()))
    alpha = criteria.alpha_widen
    return [
        *(_gate(state, criteria, s, "harm", criteria.harm_share(s)) for s in _streams(criteria)),
        *(_gate(state, criteria, s, "no worse", alpha) for s in proven),
        _gate(state, criteria, OVERALL, "better", criteria.alpha_superiority),
    ]


def _streams(criteria: Criteria) -> tuple[str, ...]:
    return (OVERALL, *criteria.skills)


def _gate(
    state: ShadowState | CanaryState,
    criteria: Criteria,
    name: str,
    question: Question,
    alpha: float,
) -> Gate:
    """Put one question to one stream."""
    stream, everything = state.stream(name), state.stream(OVERALL).answers
    harm = question == "harm"
    differences = stream.signs_of_harm if harm else stream.differences
    asked = mirrored(differences) if harm else differences
    margin = criteria.margin(name) if question == "no worse" else 0.0
    log_e = log_evidence(asked, -margin / 100)
    more = still_needed(asked, -margin / 100, alpha)
    n, rates, estimate = sum(differences.values()), stream.rates, mean(differences)
    upper = -lower_bound(mirrored(differences), criteria.harm_share(name))
    return Gate(
        stream=name,
        title=criteria.title(name),
        question=question,
        margin=margin,
        e_value=finite(log_e),
        threshold=1 / alpha,
        crossed=log_e >= -math.log(alpha),
        n=n,
        live=rates[0] if rates else None,
        candidate=rates[1] if rates else None,
        estimate=None if estimate is None else 100 * estimate,
        lower=100 * lower_bound(differences, criteria.alpha_widen),
        upper=100 * upper,
        more=math.ceil(more * everything / n) if more and n else more,
    )


def finite(log_e: float) -> float:
    """The e-value itself, cut at 1e300: JSON knows no infinity."""
    return math.exp(min(log_e, math.log(1e300)))
