"""The rollout's statistics: may a candidate be shown to more people, or must it be taken back?

Everything here is anytime-valid: the gates may be asked after every answer, for as long as one
likes, and the promised error rates hold, because each question is answered by an *e-process*, the
wealth of a gambler who bets against the claim in question and cannot expect to win if it is true.

The differences. Both kinds of stage boil down to differences X in [-1, 1], candidate minus live:

* In shadow, both versions answer the same request, and X is candidate_ok - live_ok.
* In canary, each request is answered by one version. The stream is cut in *matched blocks*: a run
  of one arm and the first outcome of the other, all in one skill. X is the block's mean of the
  candidate minus its mean of live. Where a block ends depends on assignment, never on how its own
  answers were judged, so between equal builds X has mean zero at any hour, share of traffic and
  drift of the questions; and since like is compared with like, skills that differ add no noise.

The bet. Against the claim "X has mean at most m", stake a fixed share c of the wealth on an asset
that pays (1 + X) / (1 + m): a fair price if the claim holds, so the wealth is a non-negative
supermartingale, and by Ville's inequality it ever reaches 1/alpha with probability alpha at most.
We average over the shares in `STAKES`. With constant shares the order of the differences does not
matter, so *how often each difference was seen* is all a state has to keep, and the same table
answers each question (harm: is the mean below 0? non-inferiority: is it above -margin?) and gives
the bounds: the lower bound is the largest m that has been refuted.

    Ville, Étude critique de la notion de collectif, 1939.
    Waudby-Smith & Ramdas, Estimating means of bounded random variables by betting, JRSS B, 2023.
    Grünwald, de Heide & Koolen, Safe testing, JRSS B, 2024.
    Turner, Ly & Grünwald, Generic E-variables for exact sequential k-sample tests that allow for
    optional stopping, 2021 (blocks of two arms).
    Lindon & Malek, Anytime-valid inference for multinomial count data, NeurIPS 2022 (sample ratio).

What the promises rest on, and what they leave out:

* Users are sticky, so answers to one user resemble each other. The first judged outcome of each
  user in a stream (overall; again in each skill) stands for the user, and non-inferiority and the
  estimates rest on these alone. A returning user still says whether there is *harm*: matched with
  users of the other arm who have the very same record of outcomes so far, the next outcome has mean
  difference zero between equal builds, however alike a user's outcomes are. (Not more than that: a
  record already tells part of what the build did, so the difference shrinks towards zero, and a
  margin would be too easy.) After `LONGEST_RECORD` outcomes a user has said enough.
* The outcome that closes a block is a little later than the rest of it. If a skill's live rate
  falls by D in all during a stage, that can lift the logarithm of an e-value by at most c * D for
  each record, however many blocks there are (`benchmarks/gates.py` measures it: not noticeable).
* In the overall stream each skill weighs as much as it has blocks, which is its share of the
  traffic but for the few answers still unmatched. Equal builds do not depend on that at all.
* The error rates hold for each stage apart. Over a rollout they add up at worst.
"""

from __future__ import annotations

import base64
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Arm = Literal["live", "candidate"]
Action = Literal["hold", "widen", "roll_back", "pause"]
Differences = Mapping[Fraction, int]

OVERALL = "overall"
SHADOW = 0  # the share of traffic, in percent, that names the shadow stage

# Shares of the wealth and how the first coin is split among them. Large shares conclude fast where
# the difference is plain (an identical skill, a broken one), small ones where it is a few points.
STAKES: NDArray[np.float64] = np.array([0.95, 0.5, 0.25, 0.125, 0.0625, 0.03125])
SPLIT: NDArray[np.float64] = np.array([0.35, 0.2, 0.15, 0.15, 0.1, 0.05])

# The longest run of one arm that a block averages: its latest outcomes, nearest to the one they
# are compared with. Twenty leave 5 % of the variance and bound the number of distinct differences.
LONGEST_RUN = 20

# Outcomes of one user that count in one stream; beyond, records are too rare to be matched.
LONGEST_RECORD = 5

# Differences before a rate of growth is worth telling.
FEWEST = 5

# How firmly the sample ratio test expects a broken split to lie near the intended one.
RATIO_PRIOR = 100.0


# What comes in


@dataclass(frozen=True)
class Pair:
    """One shadowed request, both answers judged. Identical answers get identical judgements."""

    skill: str
    live_ok: bool
    candidate_ok: bool


@dataclass(frozen=True)
class Outcome:
    """One judged canary answer; outcomes are given in the order in which the requests came."""

    arm: Arm
    skill: str
    user: str
    ok: bool


@dataclass(frozen=True)
class Criteria:
    """What a candidate has to show, fixed before it exists. Margins are points of success rate.

    alpha_harm          chance, per stage, that a candidate as good as live is rolled back; one half
                        guards the overall rate, the other is shared by the skills
    alpha_widen         chance, per stage, that a candidate worse by a margin is widened
    alpha_superiority   error rate of the one superiority test, on the overall rate, for the report
    srm_alpha           chance, per stage, that a sound split of users is called broken
    overall_margin      how much worse overall is still as good as live
    skill_margin        the same for a protected skill, unless `margins` names its own
    protected           skills that may not fall by their margin; rolled back when they fall at all
    watched             skills rolled back when they fall, without a proof needed to widen
    prove_skills_at     stages (percent; 0 is shadow) that must prove each protected skill apart
    """

    protected: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    overall_margin: float = 2.0
    skill_margin: float = 10.0
    alpha_harm: float = 0.01
    alpha_widen: float = 0.05
    alpha_superiority: float = 0.05
    srm_alpha: float = 0.001
    min_pairs: int = 50
    min_pairs_per_protected_skill: int = 20
    min_candidate_outcomes: int = 200
    prove_skills_at: tuple[int, ...] = (SHADOW,)

    def __post_init__(self) -> None:
        for name in ("alpha_harm", "alpha_widen", "alpha_superiority", "srm_alpha"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        for skill in (OVERALL, *self.protected):
            if not 0 < self.margin(skill) < 100:
                raise ValueError(f"the margin of {skill} must lie between 0 and 100 points")
        if strangers := sorted(set(self.margins) - set(self.protected)):
            raise ValueError(f"margins name skills that are not protected: {', '.join(strangers)}")
        if OVERALL in self.skills:
            raise ValueError(f"a skill cannot be called {OVERALL!r}: that is the rate of them all")
        if len(set(self.skills)) < len(self.skills):
            raise ValueError("a skill is named twice among the protected and watched skills")

    @property
    def skills(self) -> tuple[str, ...]:
        """Every skill whose harm is tested."""
        return (*self.protected, *self.watched)

    def margin(self, stream: str) -> float:
        """Points by which the stream may be worse and still count as as good as live."""
        if stream == OVERALL:
            return self.overall_margin
        return self.margins.get(stream, self.skill_margin)

    def harm_share(self, stream: str) -> float:
        """The stream's part of alpha_harm: half for the overall rate, half over the skills."""
        if not self.skills:
            return self.alpha_harm
        return self.alpha_harm / 2 / (1 if stream == OVERALL else len(self.skills))

    def to_json(self) -> dict[str, Any]:
        """The criteria as plain lists, dicts and numbers."""
        lists = {name: list(getattr(self, name)) for name in _TUPLES}
        return {**asdict(self), **lists, "margins": dict(self.margins)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Criteria:
        """What `to_json` wrote; TypeError for an unknown name, ValueError for a bad value."""
        values: dict[str, Any] = {k: tuple(v) if k in _TUPLES else v for k, v in stored.items()}
        return cls(**values)


_TUPLES = ("protected", "watched", "prove_skills_at")


# What comes out


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
    question: Literal["harm", "no worse", "better"]
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


@dataclass(frozen=True)
class Decision:
    """What the rollout should do now, a sentence that says why, and the numbers behind it.

    `statistics` is JSON: "gates" (a list of `Gate` as dicts), "more_answers" (int; None where the
    rate leads nowhere), "waiting_for" (sentences) and in canary "sample_ratio".
    """

    action: Action
    reason: str
    statistics: dict[str, Any]


# The betting


def log_evidence(differences: Differences, above: float) -> float:
    """Logarithm of the e-value against "the mean difference is at most `above`" (-1 < above < 1).

    The mixture of constant-share betting processes of the module's head (Waudby-Smith & Ramdas
    2023, section 4; the averaged wealth is an e-process because an average of e-processes is one).
    """
    return float(np.logaddexp.reduce(np.log(SPLIT) + _log_wealths(differences, above)))


def mirrored(differences: Differences) -> Differences:
    """Live minus candidate: evidence for harm is evidence for the mirrored difference."""
    return {-difference: count for difference, count in differences.items()}


def lower_bound(differences: Differences, alpha: float) -> float:
    """The largest mean refuted at 1/alpha: a lower confidence sequence, valid at all times."""
    low, high = -1.0, mean(differences)
    if high is None or high == low:
        return low
    for _ in range(40):
        middle = (low + high) / 2
        if log_evidence(differences, middle) >= -math.log(alpha):
            low = middle
        else:
            high = middle
    return low


def mean(differences: Differences) -> float | None:
    """The mean difference; None while there is none."""
    n = sum(differences.values())
    return float(sum(d * count for d, count in differences.items()) / n) if n else None


def still_needed(differences: Differences, above: float, alpha: float) -> int | None:
    """About how many more differences like those seen until 1/alpha.

    Each stake has grown at its own rate so far; the first to arrive is the estimate. None if none
    grows, or while there are fewer than `FEWEST` differences to tell a rate from.
    """
    n = sum(differences.values())
    if log_evidence(differences, above) >= -math.log(alpha):
        return 0
    if n < FEWEST:
        return None
    log_wealths = _log_wealths(differences, above)
    missing = -math.log(alpha) - np.log(SPLIT) - log_wealths
    rates = log_wealths / n
    steps = [gap / rate for gap, rate in zip(missing, rates, strict=True) if rate > 1e-9]
    return max(1, math.ceil(min(steps))) if steps else None


def _log_wealths(differences: Differences, above: float) -> NDArray[np.float64]:
    """Log wealth of each share in `STAKES` after all the differences."""
    values = np.array([float(d) for d in differences], dtype=np.float64)
    counts = np.array(list(differences.values()), dtype=np.float64)
    payoffs = (1 + values) / (1 + above)
    growth: NDArray[np.float64] = np.log1p(np.outer(STAKES, payoffs - 1)) @ counts
    return growth


def sample_ratio_log_evidence(assigned: Mapping[Arm, int], percent: float) -> float:
    """Logarithm of the e-value against "users are split `percent` to the candidate".

    Beta-binomial over binomial, the sequential multinomial test of Lindon & Malek (2022) for two
    arms. `assigned` counts distinct users, since a sticky user is assigned once.
    """
    share = percent / 100
    live, candidate = assigned["live"], assigned["candidate"]
    if not 0 < share < 1:
        return math.inf if (live if share else candidate) else 0.0
    a, b = RATIO_PRIOR * share, RATIO_PRIOR * (1 - share)
    mixture = _log_beta(a + candidate, b + live) - _log_beta(a, b)
    return mixture - candidate * math.log(share) - live * math.log1p(-share)


def _log_beta(a: float, b: float) -> float:
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)


# Shadow: both answers of one request


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


# Canary: each request answered by one of them


NEWCOMER = 1  # the record of a user not yet judged: a leading 1 with no outcomes behind it


@dataclass(frozen=True)
class BlockTally:
    """One canary stream, cut in matched blocks, each of one skill and one record.

    A record is a user's outcomes so far in this stream, as bits behind a leading 1; `newcomers` are
    the differences of those who had none, `returning` those of all others. `runs` holds,
    for each skill and record, the latest outcomes of the one arm that its open block has seen.
    """

    newcomers: Differences = field(default_factory=dict)
    returning: Differences = field(default_factory=dict)
    live: tuple[int, int] = (0, 0)  # newcomers: right, judged
    candidate: tuple[int, int] = (0, 0)
    answers: int = 0  # all that counted, returning users' too
    runs: Mapping[tuple[str, int], tuple[Arm, tuple[bool, ...]]] = field(default_factory=dict)
    records: Mapping[int, int] = field(default_factory=dict)  # by digest of the user

    def update(self, outcomes: Iterable[Outcome]) -> BlockTally:
        """The stream after these outcomes too."""
        newcomers, returning = Counter(self.newcomers), Counter(self.returning)
        tallies = {"live": list(self.live), "candidate": list(self.candidate)}
        answers, runs, records = self.answers, dict(self.runs), dict(self.records)
        for outcome in outcomes:
            user = _digest(outcome.user)
            record = records.get(user, NEWCOMER)
            if record.bit_length() > LONGEST_RECORD:
                continue
            records[user] = 2 * record + outcome.ok
            answers += 1
            if record == NEWCOMER:
                tallies[outcome.arm][0] += outcome.ok
                tallies[outcome.arm][1] += 1
            kind = outcome.skill, record
            run_of, run = runs.get(kind, (outcome.arm, ()))
            if run_of == outcome.arm:
                runs[kind] = run_of, (*run[1 - LONGEST_RUN :], outcome.ok)
                continue
            del runs[kind]
            difference = outcome.ok - Fraction(sum(run), len(run))
            differences = newcomers if record == NEWCOMER else returning
            differences[difference if outcome.arm == "candidate" else -difference] += 1
        return BlockTally(
            newcomers=dict(newcomers),
            returning=dict(returning),
            live=(tallies["live"][0], tallies["live"][1]),
            candidate=(tallies["candidate"][0], tallies["candidate"][1]),
            answers=answers,
            runs=runs,
            records=records,
        )

    @property
    def differences(self) -> Differences:
        """The newcomers' differences: what the versions' success rates differ by."""
        return self.newcomers

    @property
    def signs_of_harm(self) -> Differences:
        """Returning users' differences too: their mean has the same sign, if not the same size."""
        return Counter(self.newcomers) + Counter(self.returning)

    @property
    def rates(self) -> tuple[float, float] | None:
        """Success rates of live and candidate in points; None until both have an outcome."""
        if not (self.live[1] and self.candidate[1]):
            return None
        return 100 * self.live[0] / self.live[1], 100 * self.candidate[0] / self.candidate[1]

    def to_json(self) -> dict[str, Any]:
        users = sorted(self.records)
        digests = np.array(users, dtype="<u8").tobytes()
        records = np.array([self.records[user] for user in users], dtype="<u1").tobytes()
        return {
            "newcomers": {str(d): count for d, count in sorted(self.newcomers.items())},
            "returning": {str(d): count for d, count in sorted(self.returning.items())},
            "live": list(self.live),
            "candidate": list(self.candidate),
            "answers": self.answers,
            "runs": [[*kind, arm, list(run)] for kind, (arm, run) in sorted(self.runs.items())],
            "users": base64.b64encode(digests).decode(),
            "records": base64.b64encode(records).decode(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> BlockTally:
        digests = np.frombuffer(base64.b64decode(stored["users"]), dtype="<u8").tolist()
        records = np.frombuffer(base64.b64decode(stored["records"]), dtype="<u1").tolist()
        return cls(
            newcomers={Fraction(d): count for d, count in stored["newcomers"].items()},
            returning={Fraction(d): count for d, count in stored["returning"].items()},
            live=(stored["live"][0], stored["live"][1]),
            candidate=(stored["candidate"][0], stored["candidate"][1]),
            answers=stored["answers"],
            runs={(skill, record): (arm, tuple(run)) for skill, record, arm, run in stored["runs"]},
            records=dict(zip(digests, records, strict=True)),
        )


def _digest(user: str) -> int:
    """64 bits of a user's name: states hold no names, and all are of one size."""
    return int.from_bytes(hashlib.blake2b(user.encode(), digest_size=8).digest(), "little")


@dataclass(frozen=True)
class CanaryState:
    """What the gates remember of one canary stage: the overall stream, and one for each skill.

    Begin a new one for each stage: evidence gathered at 1 % does not widen past 5 %.
    """

    overall: BlockTally = field(default_factory=BlockTally)
    skills: Mapping[str, BlockTally] = field(default_factory=dict)

    def update(self, outcomes: Iterable[Outcome]) -> CanaryState:
        """The state after these outcomes too.

        Give them in the order in which they were judged (or any other that does not look at `ok`),
        so that a late judgement is simply a later outcome.
        """
        arrived = list(outcomes)
        by_skill: dict[str, list[Outcome]] = {}
        for outcome in arrived:
            by_skill.setdefault(outcome.skill, []).append(outcome)
        skills = {
            skill: self.skills.get(skill, BlockTally()).update(these)
            for skill, these in by_skill.items()
        }
        return CanaryState(self.overall.update(arrived), {**self.skills, **skills})

    def stream(self, name: str) -> BlockTally:
        """One skill's blocks, or "overall", which is cut for itself."""
        return self.overall if name == OVERALL else self.skills.get(name, BlockTally())

    def to_json(self) -> dict[str, Any]:
        """The state as plain lists, dicts and numbers, about 40 bytes for each judged user."""
        skills = {skill: blocks.to_json() for skill, blocks in sorted(self.skills.items())}
        return {"overall": self.overall.to_json(), "skills": skills}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> CanaryState:
        """What `to_json` wrote."""
        skills = {skill: BlockTally.from_json(blocks) for skill, blocks in stored["skills"].items()}
        return cls(BlockTally.from_json(stored["overall"]), skills)


# The decisions


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
    gates = _gates(state, criteria, SHADOW)
    short = [_too_few(OVERALL, state.stream(OVERALL).answers, criteria.min_pairs, "pairs")]
    for skill in criteria.protected:
        pairs, least = state.stream(skill).answers, criteria.min_pairs_per_protected_skill
        short.append(_too_few(skill, pairs, least, "pairs"))
    return _decide(gates, [s for s in short if s], {}, "pair")


def judge_canary(
    state: CanaryState, criteria: Criteria, percent: float, assigned: Mapping[Arm, int]
) -> Decision:
    """Roll back on proven harm, pause on a broken split of users, else widen or hold.

    `assigned` counts the distinct users that the stage gave to each arm, judged or not. Harm goes
    first: whatever broke the split, nobody is worse off with the live version.
    """
    gates = _gates(state, criteria, percent)
    candidates = state.stream(OVERALL).candidate[1]
    least = criteria.min_candidate_outcomes
    short = _too_few(OVERALL, candidates, least, "judged users of the candidate")
    ratio = {
        "percent": percent,
        "assigned": dict(assigned),
        "e_value": _finite(sample_ratio_log_evidence(assigned, percent)),
        "threshold": 1 / criteria.srm_alpha,
    }
    return _decide(gates, [short] if short else [], ratio, "matched block")


def _gates(state: ShadowState | CanaryState, criteria: Criteria, percent: float) -> list[Gate]:
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
    question: Literal["harm", "no worse", "better"],
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
        question=question,
        margin=margin,
        e_value=_finite(log_e),
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


def _finite(log_e: float) -> float:
    """The e-value itself, cut at 1e300: JSON knows no infinity."""
    return math.exp(min(log_e, math.log(1e300)))


def _too_few(stream: str, have: int, least: int, what: str) -> str:
    return (
        f"{stream} has {have:,} of the {least:,} {what} it needs at least" if have < least else ""
    )


def _decide(gates: list[Gate], short: list[str], ratio: dict[str, Any], unit: str) -> Decision:
    """Harm, then the sample ratio, then what is still to be proven."""
    harmed = [gate for gate in gates if gate.question == "harm" and gate.crossed]
    unproven = [gate for gate in gates if gate.question == "no worse" and not gate.crossed]
    waits = [gate.more for gate in unproven]
    known = [wait for wait in waits if wait is not None]
    more = max(known, default=0) if len(known) == len(waits) else None
    statistics: dict[str, Any] = {
        "gates": [asdict(gate) for gate in gates],
        "waiting_for": [*short, *(_open_sentence(gate, unit) for gate in unproven)],
        "more_answers": more,
    }
    if ratio:
        statistics["sample_ratio"] = ratio
    if harmed:
        worst = max(harmed, key=lambda gate: gate.e_value / gate.threshold)
        return Decision("roll_back", _harm_sentence(worst, unit), statistics)
    if ratio and ratio["e_value"] >= ratio["threshold"]:
        return Decision("pause", _ratio_sentence(ratio), statistics)
    if short or unproven:
        return Decision("hold", _hold_sentence(short, unproven, more, unit), statistics)
    return Decision("widen", _widen_sentence(gates, unit), statistics)


# The sentences


def _harm_sentence(gate: Gate, unit: str) -> str:
    whose = "Overall the candidate" if gate.stream == OVERALL else f"The candidate's {gate.stream}"
    return (
        f"{whose} is worse than live: {_points(gate.estimate)} points over {_count(gate.n, unit)}, "
        f"at best {_points(gate.upper)}; evidence {_number(gate.e_value)}, enough from "
        f"{_number(gate.threshold)}."
    )


def _widen_sentence(gates: list[Gate], unit: str) -> str:
    overall, *skills = [gate for gate in gates if gate.question == "no worse"]
    sentence = (
        f"Overall {_points(overall.estimate)} points over {_count(overall.n, unit)}, at worst "
        f"{_points(overall.lower)} where {_points(-overall.margin)} is allowed"
    )
    if skills:
        nearest = min(skills, key=lambda gate: gate.lower + gate.margin)
        sentence += (
            f"; every protected skill within its margin, nearest {nearest.stream}, at worst "
            f"{_points(nearest.lower)} where {_points(-nearest.margin)} is allowed"
        )
    return sentence + "."


def _hold_sentence(short: list[str], unproven: list[Gate], more: int | None, unit: str) -> str:
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
    return f"Cannot conclude yet, {eta}: {_open_sentence(slowest, unit)}{others}."


def _open_sentence(gate: Gate, unit: str) -> str:
    if gate.n == 0:
        return f"{gate.stream} has no {unit} yet"
    return (
        f"{gate.stream} {_points(gate.estimate)} points over {_count(gate.n, unit)}, at worst "
        f"{_points(gate.lower)} where {_points(-gate.margin)} is allowed (evidence "
        f"{_number(gate.e_value)} of {_number(gate.threshold)})"
    )


def _ratio_sentence(ratio: dict[str, Any]) -> str:
    live, candidate = ratio["assigned"]["live"], ratio["assigned"]["candidate"]
    share = 100 * candidate / (live + candidate)
    return (
        f"The split of users is broken: {candidate:,} of {live + candidate:,} ({share:.2f} %) got "
        f"the candidate where {ratio['percent']:g} % should; evidence "
        f"{_number(ratio['e_value'])}, enough from {_number(ratio['threshold'])}."
    )


def _points(value: float | None) -> str:
    """Signed, one decimal, with a true minus."""
    return f"{round(value or 0, 1) + 0.0:+.1f}".replace("-", "−")


def _count(n: int, unit: str) -> str:
    return f"{n:,} {unit}" + ("" if n == 1 else "s")


def _number(e_value: float) -> str:
    if e_value >= 1e6:
        return "over a million"
    return f"{e_value:,.0f}" if e_value >= 100 else f"{e_value:.3g}"
