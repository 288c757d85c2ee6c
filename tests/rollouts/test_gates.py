"""The gates' promises: what they conclude, how fast, and how seldom wrongly."""

import json
import math
import random
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.rollouts.gates import (
    OVERALL,
    BlockTally,
    CanaryState,
    Criteria,
    Decision,
    Outcome,
    Pair,
    ShadowState,
    decide_canary,
    decide_shadow,
    judge_canary,
    judge_shadow,
    log_evidence,
    lower_bound,
    mean,
    sample_ratio_log_evidence,
    still_needed,
)

CRITERIA = Criteria(
    protected=("refuse", "units"),
    watched=("card",),
    min_pairs=20,
    min_pairs_per_protected_skill=10,
    min_candidate_outcomes=20,
)
EVEN = {"live": 500, "candidate": 500}

SKILLS = st.sampled_from(["refuse", "units", "card", "small talk"])
PAIRS = st.lists(st.builds(Pair, skill=SKILLS, live_ok=st.booleans(), candidate_ok=st.booleans()))
OUTCOMES = st.lists(
    st.builds(
        Outcome,
        arm=st.sampled_from(["live", "candidate"]),
        skill=SKILLS,
        user=st.sampled_from([f"user {n}" for n in range(12)]),
        ok=st.booleans(),
    ),
    max_size=80,
)
DIFFERENCES = st.dictionaries(
    st.fractions(-1, 1, max_denominator=20), st.integers(1, 40), min_size=1, max_size=8
)


def outcomes(
    seed: int, n: int, *, share: float, live: float, candidate: float, skill: str = "card"
) -> Iterator[Outcome]:
    """One judged answer to each of n users."""
    rng = random.Random(seed)
    for user in range(n):
        arm = "candidate" if rng.random() < share else "live"
        ok = rng.random() < (candidate if arm == "candidate" else live)
        yield Outcome(arm, skill, f"user {user}", ok)


def gate(decision: Decision, stream: str, question: str) -> dict:
    [found] = [
        gate
        for gate in decision.statistics["gates"]
        if (gate["stream"], gate["question"]) == (stream, question)
    ]
    return found


# Shadow


def test_identical_answers_prove_a_protected_skill_within_forty_pairs():
    criteria = Criteria(protected=("refuse",))
    same = [Pair("refuse", True, True)] * 40

    proof = gate(decide_shadow(same, criteria), "refuse", "no worse")

    assert proof["crossed"]
    assert proof["estimate"] == 0
    assert not gate(decide_shadow(same[:30], criteria), "refuse", "no worse")["crossed"]


def test_a_better_candidate_with_sound_protected_skills_is_widened():
    pairs = [
        *[Pair("card", False, True)] * 30,
        *[Pair("refuse", True, True)] * 40,
        *[Pair("units", True, True)] * 40,
    ]

    decision = decide_shadow(pairs, CRITERIA)

    assert decision.action == "widen"
    assert decision.reason == (
        "Overall +27.3 points over 110 pairs, at worst +16.9 where −2.0 is allowed; every "
        "protected skill within its margin, nearest “refuse”, at worst −9.8 where −10.0 is allowed."
    )
    assert gate(decision, OVERALL, "better")["crossed"]


def test_a_broken_protected_skill_is_rolled_back_though_the_overall_rate_rose():
    pairs = [*[Pair("card", False, True)] * 100, *[Pair("refuse", True, False)] * 15]

    decision = decide_shadow(pairs, CRITERIA)

    assert gate(decision, OVERALL, "no worse")["crossed"]
    assert decision.action == "roll_back"
    assert decision.reason == (
        "At “refuse” the candidate is worse than live: −100.0 points over 15 pairs, at best −19.5; "
        "evidence 7,938, enough from 600."
    )


def test_reasons_call_a_skill_by_its_title_and_figures_keep_its_name():
    criteria = replace(CRITERIA, titles={"refuse": "Refusing harm", "units": "Units"})
    better = [Pair("card", False, True)] * 100
    harmed = decide_shadow([*better, *[Pair("refuse", True, False)] * 15], criteria)
    early = decide_shadow(better, criteria)

    assert harmed.reason.startswith("At “Refusing harm” the candidate is worse than live: −100.0")
    assert gate(harmed, "refuse", "harm")["title"] == "Refusing harm"
    assert early.statistics["waiting_for"] == [
        "“Refusing harm” has 0 of the 10 pairs it needs at least",
        "“Units” has 0 of the 10 pairs it needs at least",
        "“Refusing harm” has no pair yet",
        "“Units” has no pair yet",
    ]


def test_a_watched_skill_that_falls_is_rolled_back_too():
    assert decide_shadow([Pair("card", True, False)] * 15, CRITERIA).action == "roll_back"


def test_a_skill_nobody_named_counts_in_the_overall_rate_alone():
    decision = decide_shadow([Pair("small talk", True, False)] * 15, CRITERIA)

    assert {g["stream"] for g in decision.statistics["gates"]} == {
        OVERALL,
        "refuse",
        "units",
        "card",
    }
    assert decision.reason.startswith("Overall the candidate is worse than live")


def test_without_pairs_of_a_protected_skill_it_holds_and_names_the_skill():
    pairs = [*[Pair("card", False, True)] * 100, *[Pair("refuse", True, True)] * 40]

    decision = decide_shadow(pairs, CRITERIA)

    assert decision.action == "hold"
    assert decision.reason == (
        "Cannot conclude yet, too early to say how long: “units” has no pair yet."
    )
    assert decision.statistics["more_answers"] is None


def test_no_conclusion_before_the_agreed_number_of_pairs():
    criteria = replace(CRITERIA, min_pairs_per_protected_skill=60)
    pairs = [Pair(skill, True, True) for skill in ("refuse", "units") for _ in range(50)]
    pairs += [Pair("card", False, True)] * 50

    decision = decide_shadow(pairs, criteria)

    assert decision.action == "hold"
    assert decision.reason == (
        "Nothing speaks against it, but “refuse” has 50 of the 60 pairs it needs at least; "
        "“units” has 50 of the 60 pairs it needs at least."
    )


def test_the_estimate_of_what_is_still_needed_is_kept():
    seen = {Fraction(0): 10}
    more = still_needed(seen, above=-0.1, alpha=0.05)
    assert more is not None

    then = {Fraction(0): 10 + more}

    assert still_needed(then, above=-0.1, alpha=0.05) == 0
    assert still_needed({Fraction(0): 10 + more - 3}, above=-0.1, alpha=0.05) > 0


def test_a_candidate_at_the_margin_is_told_that_it_will_never_conclude():
    pairs = [Pair("small talk", True, False)] * 6 + [Pair("small talk", True, True)] * 94

    decision = decide_shadow(pairs, Criteria())

    assert decision.action == "hold"
    assert decision.reason.startswith("Cannot conclude yet, and at this rate never: overall −6.0")


@settings(deadline=None, max_examples=30)
@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_pairs_does_not_matter(pairs, rng):
    shuffled = list(pairs)
    rng.shuffle(shuffled)

    assert decide_shadow(shuffled, CRITERIA) == decide_shadow(pairs, CRITERIA)


# Canary


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
def test_a_clearly_better_candidate_is_widened_after_tens_of_its_answers(share):
    these = list(outcomes(7, round(60 / share), share=share, live=0.55, candidate=0.85))
    assigned = {arm: sum(o.arm == arm for o in these) for arm in ("live", "candidate")}

    decision = decide_canary(these, CRITERIA, 100 * share, assigned)

    assert decision.action == "widen"


def test_a_broken_skill_is_rolled_back_in_canary():
    these = outcomes(3, 200, share=0.5, live=0.97, candidate=0.3, skill="refuse")

    decision = decide_canary(these, CRITERIA, 50, EVEN)

    assert decision.action == "roll_back"
    assert gate(decision, "refuse", "harm")["crossed"]


def test_protected_skills_are_proven_at_the_stages_that_ask_for_it():
    criteria = replace(CRITERIA, prove_skills_at=(0, 50))
    these = list(outcomes(7, 200, share=0.5, live=0.55, candidate=0.85))

    assert decide_canary(these, CRITERIA, 50, EVEN).action == "widen"
    assert decide_canary(these, criteria, 50, EVEN).action == "hold"


def test_a_broken_split_pauses_with_the_share_it_saw():
    these = outcomes(7, 200, share=0.5, live=0.55, candidate=0.85)

    decision = decide_canary(these, CRITERIA, 5, {"live": 1800, "candidate": 200})

    assert decision.action == "pause"
    assert decision.reason == (
        "The split of users is broken: 200 of 2,000 (10.00 %) got the candidate where 5 % should; "
        "evidence over a million, enough from 1,000."
    )


def test_harm_goes_before_a_broken_split():
    these = outcomes(3, 200, share=0.5, live=0.97, candidate=0.3, skill="refuse")

    decision = decide_canary(these, CRITERIA, 5, {"live": 1800, "candidate": 200})

    assert decision.action == "roll_back"


def test_a_sound_split_is_not_called_broken():
    rng = random.Random(1)
    for _ in range(200):
        users = {"live": 0, "candidate": 0}
        for _ in range(1000):
            users["candidate" if rng.random() < 0.05 else "live"] += 1
        assert sample_ratio_log_evidence(users, 5) < math.log(1000)


def test_everyone_on_one_arm_is_a_sound_split_only_where_it_was_meant():
    assert sample_ratio_log_evidence({"live": 9, "candidate": 0}, 0) == 0
    assert sample_ratio_log_evidence({"live": 0, "candidate": 9}, 100) == 0
    assert sample_ratio_log_evidence({"live": 1, "candidate": 9}, 100) == math.inf


def test_one_user_who_asks_a_thousand_times_neither_widens_nor_rolls_back():
    live = [Outcome("live", "card", f"user {n}", True) for n in range(50)]
    loud = [Outcome("candidate", "card", "loud", False)] * 1000

    stream = CanaryState().update([*live, *loud]).stream(OVERALL)

    assert stream.candidate == (0, 1)
    assert sum(stream.differences.values()) == 1
    assert decide_canary([*live, *loud], CRITERIA, 50, EVEN).action == "hold"


def test_returning_users_are_compared_with_users_of_the_same_record():
    def two(arm, user, first, second):
        return [Outcome(arm, "card", user, first), Outcome(arm, "card", user, second)]

    stream = BlockTally().update(
        [
            *two("live", "ada", True, False),  # opens the record of one right answer
            *two("candidate", "bob", False, True),  # opens the record of one wrong answer
            *two("candidate", "cy", True, True),  # closes ada's
        ]
    )

    assert stream.returning == {Fraction(1): 1}
    assert stream.newcomers == {Fraction(-1): 1}  # bob against ada; cy waits for a live newcomer


def test_overall_an_answer_is_compared_with_answers_in_the_same_skill():
    live = [Outcome("live", "units", f"user {n}", True) for n in range(9)]
    stranger = Outcome("candidate", "card", "ada", False)
    match = Outcome("candidate", "units", "bob", False)

    assert BlockTally().update([*live, stranger]).newcomers == {}
    assert BlockTally().update([*live, stranger, match]).newcomers == {Fraction(-1): 1}


@settings(deadline=None, max_examples=30)
@given(OUTCOMES)
def test_what_users_are_called_does_not_matter(these):
    renamed = [replace(o, user=f"renamed {o.user}") for o in these]

    assert decide_canary(renamed, CRITERIA, 50, EVEN) == decide_canary(these, CRITERIA, 50, EVEN)


@settings(deadline=None)
@given(OUTCOMES, st.data())
def test_where_newcomers_blocks_end_does_not_depend_on_the_outcomes(these, data):
    other = [replace(o, ok=data.draw(st.booleans())) for o in these]

    n = sum(BlockTally().update(these).newcomers.values())

    assert sum(BlockTally().update(other).newcomers.values()) == n


@settings(deadline=None, max_examples=30)
@given(OUTCOMES, PAIRS, st.integers(1, 9))
def test_states_updated_bit_by_bit_and_stored_between_equal_the_batch(these, pairs, size):
    canary, shadow = CanaryState(), ShadowState()

    for start in range(0, len(these), size):
        stored = json.dumps(canary.update(these[start : start + size]).to_json())
        canary = CanaryState.from_json(json.loads(stored))
    for start in range(0, len(pairs), size):
        stored = json.dumps(shadow.update(pairs[start : start + size]).to_json())
        shadow = ShadowState.from_json(json.loads(stored))

    batch = decide_canary(these, CRITERIA, 50, EVEN)
    assert judge_canary(canary, CRITERIA, 50, EVEN) == batch
    assert judge_shadow(shadow, CRITERIA) == decide_shadow(pairs, CRITERIA)
    assert json.loads(json.dumps(batch.statistics, allow_nan=False)) == batch.statistics


# The betting


def test_the_order_in_which_differences_were_stored_does_not_matter():
    seen = {Fraction(n, 17): 1 + n % 5 for n in range(-17, 18)}
    turned = dict(reversed(seen.items()))

    margins = [n / 100 for n in range(-90, 90)]

    assert [log_evidence(seen, m) for m in margins] == [log_evidence(turned, m) for m in margins]


@settings(deadline=None)
@given(DIFFERENCES, st.floats(-0.9, 0.9), st.floats(0, 1))
def test_the_next_fair_difference_is_expected_to_leave_the_wealth_as_it_is(seen, above, tilt):
    low, high = Fraction(-1), Fraction(1)
    rise = (1 + above) / 2  # P(high), so that the mean is `above`
    wealth = math.exp(log_evidence(seen, above))

    after = [{**seen, d: seen.get(d, 0) + 1} for d in (low, high)]
    expected = (1 - rise) * math.exp(log_evidence(after[0], above)) + rise * math.exp(
        log_evidence(after[1], above)
    )

    assert wealth >= 0
    assert expected == pytest.approx(wealth)


@settings(deadline=None)
@given(DIFFERENCES, st.floats(-0.9, 0.9), st.sampled_from([0.05, 0.005, 0.0004]))
def test_a_mean_is_refuted_exactly_when_the_lower_bound_exceeds_it(seen, above, alpha):
    bound = lower_bound(seen, alpha)

    assert -1 <= bound <= mean(seen)
    if abs(bound - above) > 1e-6:
        assert (log_evidence(seen, above) >= -math.log(alpha)) == (bound > above)


def test_no_differences_are_no_evidence():
    assert log_evidence({}, -0.02) == pytest.approx(0)
    assert lower_bound({}, 0.05) == -1
    assert mean({}) is None


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_equal_builds_are_seldom_rolled_back_however_often_one_looks(share):
    criteria = replace(CRITERIA, alpha_harm=0.1)
    alarms = 0
    for seed in range(20):
        state, assigned = CanaryState(), {"live": 0, "candidate": 0}
        these = list(outcomes(seed, 600, share=share, live=0.8, candidate=0.8))
        for start in range(0, len(these), 60):
            state = state.update(these[start : start + 60])
            for o in these[start : start + 60]:
                assigned[o.arm] += 1
            if judge_canary(state, criteria, 100 * share, assigned).action == "roll_back":
                alarms += 1
                break

    assert alarms <= 2  # the promise is a tenth of the runs


# The criteria


def test_criteria_are_json_both_ways():
    criteria = replace(CRITERIA, margins={"refuse": 3.0}, prove_skills_at=(0, 50))

    assert Criteria.from_json(json.loads(json.dumps(criteria.to_json()))) == criteria


def test_half_of_the_harm_budget_guards_the_overall_rate_and_the_skills_share_the_rest():
    shares = {s: CRITERIA.harm_share(s) for s in (OVERALL, *CRITERIA.skills)}

    assert shares[OVERALL] == 0.005
    assert sum(shares.values()) == pytest.approx(0.01)
    assert Criteria().harm_share(OVERALL) == 0.01


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"alpha_harm": 0}, "alpha_harm must lie between 0 and 1, not 0"),
        ({"overall_margin": -1}, "the margin of overall must lie between 0 and 100 points"),
        ({"margins": {"card": 5}}, "margins name skills that are not protected: card"),
        ({"watched": ("refuse",)}, "a skill is named twice among the protected and watched skills"),
        ({"watched": ("overall",)}, "a skill cannot be called 'overall': that is the rate of"),
    ],
)
def test_criteria_that_promise_nothing_are_refused(change, sentence):
    with pytest.raises(ValueError, match=sentence):
        replace(CRITERIA, **change)
