"""The rollout's statistics: may a candidate be shown to more people, or must it be taken back?

Everything here is anytime-valid: the gates may be asked after every answer, for as long as one
likes, and the promised error rates hold, because each question is answered by an *e-process*, the
wealth of a gambler who bets against the claim in question and cannot expect to win if it is true.
The error rates hold for each stage apart. Over a rollout they add up at worst.

Both kinds of stage boil down to differences X in [-1, 1], candidate minus live:

    criteria        what a candidate has to show, fixed before it exists
    evidence        how strongly differences speak against a claim: the bet
    shadow          differences where both versions answer the same request
    canary          differences where each request is answered by one of them
    sample_ratio    whether users are split between the two as intended
    questions       what a stage asks of the overall rate and of each skill
    decisions       hold, widen, roll back or pause
    sentences       why, in words
"""

from apps.rollouts.gates.canary import (
    LONGEST_RECORD,
    LONGEST_RUN,
    NEWCOMER,
    Arm,
    BlockTally,
    CanaryState,
    Outcome,
)
from apps.rollouts.gates.criteria import OVERALL, Criteria
from apps.rollouts.gates.decisions import (
    Decision,
    decide_canary,
    decide_shadow,
    judge_canary,
    judge_shadow,
)
from apps.rollouts.gates.evidence import (
    SPLIT,
    STAKES,
    log_evidence,
    lower_bound,
    mean,
    still_needed,
)
from apps.rollouts.gates.sample_ratio import sample_ratio_log_evidence
from apps.rollouts.gates.sentences import with_unjudged
from apps.rollouts.gates.shadow import Pair, ShadowState

__all__ = [
    "LONGEST_RECORD",
    "LONGEST_RUN",
    "NEWCOMER",
    "OVERALL",
    "SPLIT",
    "STAKES",
    "Arm",
    "BlockTally",
    "CanaryState",
    "Criteria",
    "Decision",
    "Outcome",
    "Pair",
    "ShadowState",
    "decide_canary",
    "decide_shadow",
    "judge_canary",
    "judge_shadow",
    "log_evidence",
    "lower_bound",
    "mean",
    "sample_ratio_log_evidence",
    "still_needed",
    "with_unjudged",
]
