"""The canary stages: each request is answered by one of the versions, in matched blocks.

The stream is cut in blocks: a run of one arm and the first outcome of the other, all in one skill.
The difference X is the block's mean of the candidate minus its mean of live. Where a block ends
depends on assignment, never on how its own answers were judged, so between equal builds X has mean
zero at any hour, share of traffic and drift of the questions; and since like is compared with like,
skills that differ add no noise.

What the promises rest on here, and what they leave out:

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

    Turner, Ly & Grünwald, Generic E-variables for exact sequential k-sample tests that allow for
    optional stopping, 2021 (blocks of two arms).
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal

import numpy as np

from apps.rollouts.gates.criteria import OVERALL
from apps.rollouts.gates.evidence import Differences

Arm = Literal["live", "candidate"]

# The longest run of one arm that a block averages: its latest outcomes, nearest to the one they
# are compared with. Twenty leave 5 % of the variance and bound the number of distinct differences.
LONGEST_RUN = 20

# Outcomes of one user that count in one stream; beyond, records are too rare to be matched.
LONGEST_RECORD = 5

NEWCOMER = 1  # the record of a user not yet judged: a leading 1 with no outcomes behind it


@dataclass(frozen=True)
class Outcome:
    """One judged canary answer; outcomes are given in the order in which the requests came."""

    arm: Arm
    skill: str
    user: str
    ok: bool


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
