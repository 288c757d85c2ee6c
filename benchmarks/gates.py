"""How often the rollout's gates are wrong, and how soon they are right, in simulated rollouts.

    python -m benchmarks.gates [--json] [--runs N]

Success is .80 and swings by five points a day. Where it says "users", requests come from a crowd in
which each user has a rate of their own (intra-class correlation .25, five requests each: design
effect 2) and stays in one arm, with hourly looks; else each answer is another user's. Beside the
gates stands the rule they replace, a z-test at .05 at each look, on the very same requests.
"""

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from apps.rollouts.gates import (
    LONGEST_RECORD,
    LONGEST_RUN,
    NEWCOMER,
    SPLIT,
    STAKES,
    BlockTally,
    Criteria,
    Outcome,
    log_evidence,
)

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

CRITERIA = Criteria(
    protected=tuple(f"protected {n}" for n in range(8)),
    watched=tuple(f"watched {n}" for n in range(5)),
)
SUCCESS, SWING, CORRELATION, REQUESTS_EACH = 0.80, 0.05, 0.25, 5


def evidence_after_each(differences: Floats, above: float) -> Floats:
    """`gates.log_evidence` after each difference in turn."""
    payoffs = (1 + differences) / (1 + above)
    wealths = np.cumsum(np.log1p(np.outer(payoffs - 1, STAKES)), axis=0)
    evidence: Floats = np.logaddexp.reduce(wealths + np.log(SPLIT), axis=1)
    return evidence


# Requests of a crowd


@dataclass(frozen=True)
class Stream:
    """Judged requests in order: who asked, which arm answered, was it right, in which hour."""

    users: Ints
    candidate: Bools
    ok: Bools
    hours: Ints


def crowd(
    rng: np.random.Generator, *, percent: float, hours: int, per_hour: int, effect: float
) -> Stream:
    """Requests of sticky users with rates of their own, under the daily swing.

    The candidate's `effect` (at most 0) spoils right answers, so that it is felt at any rate.
    """
    n = hours * per_hour
    population = max(1, n // REQUESTS_EACH)
    strength = 1 / CORRELATION - 1
    own_rate = rng.beta(SUCCESS * strength, (1 - SUCCESS) * strength, population)
    in_candidate = rng.random(population) < percent / 100
    users = rng.integers(population, size=n)
    hour = np.arange(n) / per_hour
    rate = own_rate[users] + SWING * np.sin(2 * np.pi * hour / 24)
    candidate = in_candidate[users]
    spoiled = candidate & (rng.random(n) < -effect / SUCCESS)
    ok = (rng.random(n) < rate) & ~spoiled
    return Stream(users, candidate, ok, hour.astype(np.int64))


def records(stream: Stream) -> Ints:
    """Each request's record of its user before it, as in `gates.BlockTally`; 0 once it is full."""
    order = np.argsort(stream.users, kind="stable")
    users, ok = stream.users[order], stream.ok[order]
    first = np.flatnonzero(np.r_[True, users[1:] != users[:-1]])
    rank = np.arange(len(users)) - np.repeat(first, np.diff(np.r_[first, len(users)]))
    found = np.zeros(len(users), dtype=np.int64)
    found[rank == 0] = NEWCOMER
    for place in range(1, LONGEST_RECORD):
        here = np.flatnonzero(rank == place)
        found[here] = 2 * found[here - 1] + ok[here - 1]
    in_order = np.empty_like(found)
    in_order[order] = found
    return in_order


def blocks(candidate: Bools, ok: Bools) -> Iterator[tuple[int, float]]:
    """Matched blocks of one record: the place that closes each, and its difference."""
    right = np.r_[0, np.cumsum(ok)]
    start = 0
    changes: list[int] = (np.flatnonzero(candidate[1:] != candidate[:-1]) + 1).tolist()
    for change in changes:
        if change <= start:
            continue
        low = max(start, change - LONGEST_RUN)
        difference = ok[change] - (right[change] - right[low]) / (change - low)
        yield change, float(difference if candidate[change] else -difference)
        start = change + 1


def matched(stream: Stream) -> tuple[Ints, Floats, Bools]:
    """Hour, difference and "of newcomers" of each block of a stream, in the order of closing."""
    record = records(stream)
    found: list[tuple[int, float, bool]] = []
    for one in range(NEWCOMER, 2**LONGEST_RECORD):
        places = np.flatnonzero(record == one)
        for close, difference in blocks(stream.candidate[places], stream.ok[places]):
            found.append((int(places[close]), difference, one == NEWCOMER))
    found.sort()
    closes = np.array([place for place, _, _ in found], dtype=np.int64)
    differences = np.array([difference for _, difference, _ in found])
    return stream.hours[closes], differences, np.array([new for _, _, new in found], dtype=bool)


def at_looks(hours: Ints, evidence: Floats, looks: int) -> Floats:
    """The evidence at the end of each hour."""
    seen = np.searchsorted(hours, np.arange(looks), side="right")
    at_ends: Floats = np.concatenate([[0.0], evidence])[seen]
    return at_ends


def harmed_at(stream: Stream, looks: int) -> int | None:
    """The first hour at whose end the gates roll back for the overall rate."""
    hours, differences, _ = matched(stream)
    evidence = at_looks(hours, evidence_after_each(-differences, 0.0), looks)
    crossed = evidence >= -np.log(CRITERIA.harm_share("overall"))
    return int(crossed.argmax()) + 1 if crossed.any() else None


def z_test_alarms(streams: list[Stream]) -> bool:
    """Whether "candidate below live at .05" is ever seen at an hourly look, on pooled requests."""
    candidate = np.concatenate([s.candidate for s in streams])
    ok = np.concatenate([s.ok for s in streams])
    ends = np.cumsum(np.concatenate([np.bincount(s.hours) for s in streams])) - 1
    n_c, n_l = np.cumsum(candidate)[ends], np.cumsum(~candidate)[ends]
    p_c = np.cumsum(candidate & ok)[ends] / np.maximum(n_c, 1)
    p_l = np.cumsum(~candidate & ok)[ends] / np.maximum(n_l, 1)
    variance = p_c * (1 - p_c) / np.maximum(n_c, 1) + p_l * (1 - p_l) / np.maximum(n_l, 1)
    return bool(((p_c - p_l < -1.96 * np.sqrt(variance)) & (variance > 0)).any())


# Newcomers alone


def newcomers(
    rng: np.random.Generator,
    n: int,
    *,
    percent: float,
    per_hour: int,
    live: float,
    candidate: float,
) -> tuple[Floats, Ints]:
    """Differences of n matched blocks, and how many candidate answers there were by each."""
    share = percent / 100
    run_is_candidate = rng.random(n) < share
    length = rng.geometric(np.where(run_is_candidate, 1 - share, share))
    drift = SWING * np.sin(2 * np.pi * np.cumsum(length + 1) / per_hour / 24)
    averaged = np.minimum(length, LONGEST_RUN)
    run_rate = np.clip(np.where(run_is_candidate, candidate, live) + drift, 0, 1)
    close_rate = np.clip(np.where(run_is_candidate, live, candidate) + drift, 0, 1)
    difference = (rng.random(n) < close_rate) - rng.binomial(averaged, run_rate) / averaged
    answers = np.cumsum(np.where(run_is_candidate, length, 1))
    return np.where(run_is_candidate, -difference, difference), answers


def first(crossed: Bools) -> int | None:
    """How many steps until it is first true."""
    return int(crossed.argmax()) + 1 if crossed.any() else None


def widened_after(differences: Floats, answers: Ints, *, least: int) -> int | None:
    """Candidate answers until the overall rate is proven no worse; None if it never is."""
    evidence = evidence_after_each(differences, -CRITERIA.overall_margin / 100)
    crossed = (evidence >= -np.log(CRITERIA.alpha_widen)) & (answers >= least)
    place = first(crossed)
    return int(answers[place - 1]) if place else None


# The questions


def identical_builds(rng: np.random.Generator, runs: int) -> dict[str, object]:
    """Equal builds over 120 hours at 1, 5 and 50 %, 40 each: how many are ever rolled back?"""
    gates = z_pooled = z_apart = 0
    for _ in range(runs):
        stages = [
            crowd(rng, percent=p, hours=40, per_hour=2000, effect=0.0) for p in (1.0, 5.0, 50.0)
        ]
        gates += any(harmed_at(stage, 40) is not None for stage in stages)
        z_apart += any(z_test_alarms([stage]) for stage in stages)
        z_pooled += z_test_alarms(stages)
    return {
        "runs": runs,
        "gates_percent": 100 * gates / runs,
        "z_test_each_hour_percent": 100 * z_apart / runs,
        "z_test_each_hour_pooled_over_stages_percent": 100 * z_pooled / runs,
    }


def drop_caught(rng: np.random.Generator, runs: int) -> dict[str, object]:
    """A build 3 points worse, 10,000 requests an hour, users: hours until it is rolled back."""
    found: dict[str, object] = {"runs": runs}
    for percent, hours in ((1.0, 72), (5.0, 24), (50.0, 6)):
        waits = [
            harmed_at(
                crowd(rng, percent=percent, hours=hours, per_hour=10_000, effect=-0.03), hours
            )
            for _ in range(runs)
        ]
        found[f"{percent:g}_percent_hours"] = quantiles(waits, runs)
    return found


def worse_build_widened(rng: np.random.Generator, runs: int) -> dict[str, object]:
    """A build 3 points worse at 1 %, a look at every answer for 5,000: is it ever widened?"""
    widened = dict.fromkeys((20, CRITERIA.min_candidate_outcomes), 0)
    for _ in range(runs):
        these = newcomers(rng, 5000, percent=1, per_hour=10_000, live=0.8, candidate=0.77)
        for least in widened:
            widened[least] += widened_after(*these, least=least) is not None
    return {
        "runs": runs,
        **{f"least_{least}_percent": 100 * n / runs for least, n in widened.items()},
    }


def equal_build_widened(rng: np.random.Generator, runs: int) -> dict[str, object]:
    """An equal build at 1 % (about 100 candidate answers an hour): answers until it is widened."""
    waits = [
        widened_after(
            *newcomers(rng, 10_000, percent=1, per_hour=10_000, live=0.8, candidate=0.8),
            least=CRITERIA.min_candidate_outcomes,
        )
        for _ in range(runs)
    ]
    within = sum(wait is not None and wait <= 4800 for wait in waits)
    answers = quantiles(waits, runs)
    return {"runs": runs, "candidate_answers": answers, "within_4800_percent": 100 * within / runs}


def small_rollout(rng: np.random.Generator, runs: int) -> dict[str, object]:
    """The sizes of a demo: a plainly better candidate, sound skills, a broken skill."""
    harm = -np.log(CRITERIA.harm_share("protected 0"))
    proof = -np.log(CRITERIA.alpha_widen)

    def pairs(worse: float, better: float) -> Floats:
        drawn = rng.choice([-1.0, 0.0, 1.0], size=2000, p=[worse, 1 - worse - better, better])
        return np.asarray(drawn, dtype=np.float64)

    def proven(margin: float, worse: float, better: float) -> int | None:
        return first(evidence_after_each(pairs(worse, better), -margin / 100) >= proof)

    def better_canary(percent: float) -> int | None:
        drawn = newcomers(rng, 2000, percent=percent, per_hour=10**9, live=0.6, candidate=0.85)
        return widened_after(*drawn, least=0)

    def alarmed(drop: float) -> int | None:
        return first(evidence_after_each(-pairs(drop, 0), 0.0) >= harm)

    def many(ask: Callable[[], int | None]) -> dict[str, float | None]:
        return quantiles([ask() for _ in range(runs)], runs)

    return {
        "runs": runs,
        "identical_skill_margin_10_pairs": proven(10, 0, 0),
        "identical_overall_margin_2_pairs": proven(2, 0, 0),
        "sound_skill_1_percent_flips_each_way_pairs": many(lambda: proven(10, 0.01, 0.01)),
        "25_points_better_shadow_pairs": many(lambda: proven(2, 0.02, 0.27)),
        "25_points_better_1_percent_candidate_answers": many(lambda: better_canary(1)),
        "25_points_better_5_percent_candidate_answers": many(lambda: better_canary(5)),
        "25_points_better_50_percent_candidate_answers": many(lambda: better_canary(50)),
        "skill_drop_50_points_pairs": many(lambda: alarmed(0.5)),
        "skill_drop_75_points_pairs": many(lambda: alarmed(0.75)),
        "skill_drop_100_points_pairs": many(lambda: alarmed(1.0)),
        "3_points_worse_6_percent_discordant_shadow_pairs": many(lambda: overall_alarm(rng)),
    }


def overall_alarm(rng: np.random.Generator) -> int | None:
    """Shadow pairs until a build 3 points worse overall, 6 % discordant, is rolled back."""
    drawn = rng.choice([-1.0, 0.0, 1.0], size=6000, p=[0.045, 0.94, 0.015])
    threshold = -np.log(CRITERIA.harm_share("overall"))
    return first(evidence_after_each(-drawn, 0.0) >= threshold)


def skills_that_differ(rng: np.random.Generator, runs: int) -> dict[str, object]:
    """Two skills in three at .95, one at .50 (overall .80), 1 %: does matching by skill pay?

    The same answers with and without the match: candidate answers until an equal build is widened,
    and until one 3 points worse in each skill is rolled back.
    """
    harm = -np.log(CRITERIA.harm_share("overall"))
    found: dict[str, object] = {"runs": runs}
    for matched_by_skill in (True, False):
        equal: list[int | None] = []
        worse: list[int | None] = []
        for _ in range(runs):
            for waits, effect in ((equal, 0.0), (worse, -0.03)):
                live = np.where(rng.random(8000) < 2 / 3, 0.95, 0.5)
                others = live if matched_by_skill else np.full(8000, 0.8)
                run = rng.binomial(LONGEST_RUN, others) / LONGEST_RUN
                differences = (rng.random(8000) < live + effect) - run
                if effect:
                    waits.append(first(evidence_after_each(-differences, 0.0) >= harm))
                else:
                    waits.append(widened_after(differences, np.arange(1, 8001), least=0))
        name = "matched" if matched_by_skill else "unmatched"
        found[f"equal_build_widened_{name}"] = quantiles(equal, runs)
        found[f"3_points_worse_caught_{name}"] = quantiles(worse, runs)
    return found


def quantiles(waits: list[int | None], runs: int) -> dict[str, float | None]:
    """Median and 90th percentile, None where that many never concluded; and who did."""
    done = sorted(wait for wait in waits if wait is not None)
    never = [None] * (runs - len(done))
    ordered: list[int | None] = [*done, *never]
    return {
        "median": ordered[runs // 2],
        "p90": ordered[min(runs - 1, int(0.9 * runs))],
        "concluded_percent": 100 * len(done) / runs,
    }


def agrees_with_the_gates(rng: np.random.Generator) -> bool:
    """Whether this file's fast blocks and evidence are those of `apps.rollouts.gates`."""
    stream = crowd(rng, percent=20, hours=2, per_hour=1500, effect=-0.1)
    tally = BlockTally().update(
        Outcome("candidate" if arm else "live", "", str(user), bool(ok))
        for user, arm, ok in zip(stream.users, stream.candidate, stream.ok, strict=True)
    )
    _, differences, new = matched(stream)

    def table(these: Floats) -> Counter[Fraction]:
        return Counter(Fraction(d).limit_denominator(LONGEST_RUN) for d in these)

    same_blocks = (table(differences[new]), table(differences[~new])) == (
        tally.newcomers,
        tally.returning,
    )
    evidence = evidence_after_each(differences, -0.02)[-1]
    return same_blocks and bool(np.isclose(evidence, log_evidence(tally.signs_of_harm, -0.02)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--runs", type=int, default=100, help="runs of the slowest simulation")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = np.random.default_rng(asked.seed)
    began = time.perf_counter()
    if not agrees_with_the_gates(rng):
        raise SystemExit("the simulation's blocks are not those of apps.rollouts.gates")
    found = {
        "identical_builds_rolled_back": identical_builds(rng, asked.runs),
        "drop_of_3_points_caught": drop_caught(rng, max(1, asked.runs // 5)),
        "build_3_points_worse_widened_past_1_percent": worse_build_widened(rng, 10 * asked.runs),
        "equal_build_widened_past_1_percent": equal_build_widened(rng, 2 * asked.runs),
        "skills_that_differ_at_1_percent": skills_that_differ(rng, asked.runs),
        "small_rollout": small_rollout(rng, 4 * asked.runs),
    }
    found["seconds"] = {"wall": round(time.perf_counter() - began, 1)}
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    for question, answers in found.items():
        print(question.replace("_", " "))
        for name, value in answers.items():
            print(f"    {name.replace('_', ' '):58} {value}")


if __name__ == "__main__":
    main()
