"""What a rollout should do now: widen, hold, pause or roll back, by all the gates of its stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from apps.rollouts.gates import sentences
from apps.rollouts.gates.canary import Arm, CanaryState, Outcome
from apps.rollouts.gates.criteria import OVERALL, SHADOW, Criteria
from apps.rollouts.gates.questions import Gate, finite, gates_of
from apps.rollouts.gates.sample_ratio import sample_ratio_log_evidence
from apps.rollouts.gates.shadow import Pair, ShadowState

Action = Literal["hold", "widen", "roll_back", "pause"]


@dataclass(frozen=True)
class Decision:
    """What the rollout should do now, a sentence that says why, and the numbers behind it.

    `statistics` is JSON: "gates" (a list of `Gate` as dicts), "more_answers" (int; None where the
    rate leads nowhere), "waiting_for" (sentences) and in canary "sample_ratio".
    """

    action: Action
    reason: str
    statistics: dict[str, Any]


def decide_shadow(pairs: Iterable[Pair], criteria: Criteria) -> Decision:
    """Judge a shadow stage from all its pairs."""
    return judge_shadow(ShadowState().update(pairs), criteria)


def decide_canary(
    outcomes: Iterable[Outcome], criteria: Criteria, percent: float, assigned: Mapping[Arm, int]
) -> Decision:
    """Judge a canary stage from all its outcomes, in order; see `judge_canary`."""
    return judge_canary(CanaryState().update(outcomes), criteria, percent, assigned)


def judge_shadow(state: ShadowState, criteria: Criteria) -> Decision:
    """Roll back on proven harm, widen when everything is proven no worse, hold otherwise."""
    gates = gates_of(state, criteria, SHADOW)
    short = [sentences.too_few(OVERALL, state.stream(OVERALL).answers, criteria.min_pairs, "pairs")]
    for skill in criteria.protected:
        pairs, least = state.stream(skill).answers, criteria.min_pairs_per_protected_skill
        called = sentences.called(skill, criteria.title(skill))
        short.append(sentences.too_few(called, pairs, least, "pairs"))
    return _decide(gates, [s for s in short if s], {}, "pair")


def judge_canary(
    state: CanaryState, criteria: Criteria, percent: float, assigned: Mapping[Arm, int]
) -> Decision:
    """Roll back on proven harm, pause on a broken split of users, else widen or hold.

    `assigned` counts the distinct users that the stage gave to each arm, judged or not. Harm goes
    first: whatever broke the split, nobody is worse off with the live version.
    """
    gates = gates_of(state, criteria, percent)
    candidates = state.stream(OVERALL).candidate[1]
    least = criteria.min_candidate_outcomes
    short = sentences.too_few(OVERALL, candidates, least, "judged users of the candidate")
    ratio = {
        "percent": percent,
        "assigned": dict(assigned),
        "e_value": finite(sample_ratio_log_evidence(assigned, percent)),
        "threshold": 1 / criteria.srm_alpha,
    }
    return _decide(gates, [short] if short else [], ratio, "matched block")


def _decide(gates: list[Gate], short: list[str], ratio: dict[str, Any], unit: str) -> Decision:
    """Harm, then the sample ratio, then what is still to be proven."""
    harmed = [gate for gate in gates if gate.question == "harm" and gate.crossed]
    unproven = [gate for gate in gates if gate.question == "no worse" and not gate.crossed]
    waits = [gate.more for gate in unproven]
    known = [wait for wait in waits if wait is not None]
    more = max(known, default=0) if len(known) == len(waits) else None
    statistics: dict[str, Any] = {
        "gates": [asdict(gate) for gate in gates],
        "waiting_for": [*short, *(sentences.still_open(gate, unit) for gate in unproven)],
        "more_answers": more,
    }
    if ratio:
        statistics["sample_ratio"] = ratio
    if harmed:
        worst = max(harmed, key=lambda gate: gate.e_value / gate.threshold)
        return Decision("roll_back", sentences.harmed(worst, unit), statistics)
    if ratio and ratio["e_value"] >= ratio["threshold"]:
        return Decision("pause", sentences.broken_split(ratio), statistics)
    if short or unproven:
        return Decision("hold", sentences.hold(short, unproven, more, unit), statistics)
    return Decision("widen", sentences.widen(gates, unit), statistics)
