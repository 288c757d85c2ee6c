"""A month at the review desk, simulated: `python -m benchmarks.desk --json`.

1,000 PRs a week, half of them machine-made, 5 % hostile; five reviewers with four hours a week each
(and, as a second case, four hours a day). More comes than anybody can read, so what is read first
is what counts. The order is the product's (`reviews.queue.worth`), or first in, first out, or the
product's without impact, without novelty or without the minutes of reading. Which PRs need two
voices, what they come to, and how a PR of many rows is sampled are the product's functions too;
only people and PRs are made up.

The world. Users meet failures in 3,000 clusters, whose sizes follow Zipf's law; 20,000 requests a
week fail. A PR is about one cluster: people write of what they met (the chance grows with the root
of the size), machines of the 200 commonest, again and again. A good PR that is accepted mends half
of what is left of its cluster. The desk sees noisy signs: how many people found the answer wrong
and how many asked the like (for every second PR none at all), and how new it is beside what is
accepted when it comes. Hostile PRs show three times the demand they have. Screens flag four of five
hostile PRs and one of fifty others; reviewers err. Nothing else about a PR is told to the order.

What age does. While three times more comes than can be read, the wait grows for ever, and an age
that doubles worth twice a day outgrows every other factor: the order is then first in, first out,
with a head start of some days. `ratios_by_half_life_of_age` shows the same with other half-lives.

How far to trust it. That a short half-life undoes the routing held in every world that was tried;
how much routing gains with a long one did not: 1.0 to 2.1 times, and this world, the last of six
or so that were tried while looking at the result, is the one that favours it most.

Prints p95 of the time to the first human answer (null where more than one in twenty got none),
reviewer minutes per accepted PR, what was let through, failures fixed per reviewer-hour, and the
sampling plan's true error beside its promise. No database is touched.
"""

from __future__ import annotations

import argparse
import heapq
import json
import os
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import accumulate
from math import log2
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

WEEK = 7 * 24 * 60.0  # minutes
SKILLS, CLUSTERS, FAILURES = 12, 20_000, 200_000
REVIEWERS, WEEKS = 5, 4
# Age doubles worth in so many hours: a day, a week, four weeks.
HALF_LIVES = (24, 168, 672)
BULK_ROWS = 2000
SECONDS_A_ROW = 15

PLACES = range(CLUSTERS)
ORDERS = ("worth", "fifo", "without impact", "without novelty", "without effort")


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="(it prints JSON in any case)")
    parser.add_argument("--weeks", type=int, default=WEEKS)
    parser.add_argument("--prs", type=int, default=1000, help="a week")
    parser.add_argument("--seeds", type=int, default=5)
    said = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "platform"))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "flywheel.settings")
    import django

    django.setup()
    print(json.dumps(everything(said.weeks, said.prs, said.seeds), indent=1))


def everything(weeks: int, prs: int, seeds: int) -> dict[str, Any]:
    """Every order on the same worlds, scarce and ample hours, and a lighter tail."""
    scarce = compared(ORDERS, seeds, Setting(weeks=weeks, prs=prs))
    ample = compared(ORDERS[:2], seeds, Setting(weeks=weeks, prs=prs, hours=4 * 7))
    light = compared(ORDERS[:2], seeds, Setting(weeks=weeks, prs=prs, tail=0.6))
    blind = compared(ORDERS[:2], seeds, Setting(weeks=weeks, prs=prs, seen=0.2))
    fifo = scarce["fifo"]["failures_fixed_per_hour"]
    by_half_life = {}
    for hours in HALF_LIVES:
        setting = Setting(weeks=weeks, prs=prs, half_life=hours)
        found = compared(
            ("worth", "without impact", "without novelty", "without effort"), seeds, setting
        )
        by_half_life[f"{hours} h"] = {
            f"{order} over fifo": round(one["failures_fixed_per_hour"] / fifo, 2)
            for order, one in found.items()
        }
    fixed = {order: one["failures_fixed_per_hour"] for order, one in scarce.items()}
    return {
        "world": Setting(weeks=weeks, prs=prs).__dict__ | {"seeds": seeds, "reviewers": REVIEWERS},
        "orders": scarce,
        "ratios": {
            "worth_over_fifo": over(scarce),
            "worth_over_without_impact": round(fixed["worth"] / fixed["without impact"], 2),
            "worth_over_without_novelty": round(fixed["worth"] / fixed["without novelty"], 2),
            "worth_over_without_effort": round(fixed["worth"] / fixed["without effort"], 2),
            "with_four_hours_a_day": over(ample),
            "with_a_lighter_tail": over(light),
            "where_one_in_five_is_seen_to_matter": over(blind),
        },
        "ratios_by_half_life_of_age": by_half_life,
        "four_hours_a_day": ample,
        "sampling": sampling(400),
    }


def over(found: dict[str, dict[str, Any]]) -> float:
    """How many times more the product's order fixes in an hour than first in, first out."""
    rates = [found[order]["failures_fixed_per_hour"] for order in ("worth", "fifo")]
    return round(rates[0] / rates[1], 2)


@dataclass(frozen=True)
class Setting:
    """Weeks, PRs and hours a week of each reviewer; the tail of the clusters; how many PRs show
    their demand; hours after which a waiting PR is worth twice as much (None: the product's).
    """

    weeks: int = WEEKS
    prs: int = 1000
    hours: float = 4
    machine_made: float = 0.5
    hostile: float = 0.05
    tail: float = 1.0
    seen: float = 0.7
    aimed: float = 0.1
    idle_machine: float = 0.7
    idle_human: float = 0.2
    half_life: float | None = None


@dataclass
class PR:
    """A made-up PR: what it is, and what the desk sees of it."""

    number: int
    arrives: float
    cluster: int
    skill: int
    machine: bool
    hostile: bool
    good: bool
    rows: int
    bad_rows: float
    flagged: bool
    new: bool
    idle: bool
    shown: float
    blur: float
    minutes: float
    own: float = 0.0
    voices: list[Any] = field(default_factory=list)
    readers: set[int] = field(default_factory=set)
    answered: float | None = None
    spent: float = 0.0
    accepted: bool = False


class World:
    """Clusters of failures, and PRs about them; the same for every order under one seed."""

    def __init__(self, setting: Setting, seed: int) -> None:
        self.setting, self.rng = setting, random.Random(seed)
        weights = [1 / (place + 1) ** setting.tail for place in range(CLUSTERS)]
        self.sizes = [FAILURES * weight / sum(weights) for weight in weights]
        self.topics = self.rng.sample(PLACES, 300)
        self.roots = list(accumulate(size**0.5 for size in self.sizes))
        self.skills = [self.rng.randrange(SKILLS) for _ in range(CLUSTERS)]
        self.protected = {0, 1, 2}
        self.demand = [
            sum(s for s, k in zip(self.sizes, self.skills, strict=True) if k == skill) / FAILURES
            for skill in range(SKILLS)
        ]
        self.prs = list(self._arrivals())

    def _arrivals(self) -> Iterator[PR]:
        at, number = 0.0, 0
        while True:
            at += self.rng.expovariate(self.setting.prs / WEEK)
            if at > self.setting.weeks * WEEK:
                return
            number += 1
            yield self._pr(number, at)

    def _pr(self, number: int, at: float) -> PR:
        rng = self.rng
        hostile = rng.random() < self.setting.hostile
        machine = rng.random() < self.setting.machine_made
        if machine:
            aimed = rng.random() < self.setting.aimed
            cluster = rng.randrange(200) if aimed else rng.choice(self.topics)
        else:
            cluster = rng.choices(PLACES, cum_weights=self.roots)[0]
        bulk = machine and rng.random() < 0.02
        rows = (
            BULK_ROWS if bulk else max(1, round(rng.lognormvariate(1.8 if machine else 1.0, 0.9)))
        )
        good = not hostile and rng.random() < (0.6 if machine else 0.8)
        idle = rng.random() < (self.setting.idle_machine if machine else self.setting.idle_human)
        shown = (3 if hostile else 1) * rng.lognormvariate(0, 0.5)
        return PR(
            number=number,
            arrives=at,
            cluster=cluster,
            skill=self.skills[cluster],
            machine=machine,
            hostile=hostile,
            good=good,
            rows=rows,
            bad_rows=0.01 if good else 0.2,
            flagged=rng.random() < (0.8 if hostile else 0.02),
            new=rng.random() < 0.3,
            idle=idle and not hostile,
            shown=shown if rng.random() < self.setting.seen else 0.0,
            blur=rng.gauss(0, 0.1),
            minutes=_expected_minutes(rows) * rng.lognormvariate(0, 0.3),
        )


def _poisson(rng: random.Random, expected: float) -> int:
    count, left = 0, rng.expovariate(1)
    while left < expected and count < 10_000:
        count, left = count + 1, left + rng.expovariate(1)
    return count


def _expected_minutes(rows: int) -> float:
    return min(20.0, 1.0 + 0.35 * rows)


def _clip(value: float) -> float:
    return min(1.0, max(0.05, value))


# -- The desk -------------------------------------------------------------------------------------


def compared(orders: tuple[str, ...], seeds: int, setting: Setting) -> dict[str, dict[str, Any]]:
    """What each order comes to, on the same worlds."""
    return {
        order: _averaged([Desk(World(setting, seed), order).run() for seed in range(seeds)])
        for order in orders
    }


class Desk:
    """Five people who take what the order gives them, until their hours are over."""

    def __init__(self, world: World, order: str) -> None:
        from apps.reviews.agreement.policy import AgreementPolicy
        from apps.reviews.queue.policy import QueueRule

        self.world, self.order = world, order
        self.rng = random.Random(sha256(order.encode()).hexdigest())
        self.agreement = AgreementPolicy()
        half_life = world.setting.half_life
        self.rule = QueueRule(half_life_hours=half_life) if half_life else QueueRule()
        self.boosts = [_demand_bits(self, skill) for skill in range(SKILLS)]
        self.left, self.mended = list(world.sizes), [0] * CLUSTERS
        self.failing, self.week = list(world.sizes), 0
        self.fixed = self.minutes = 0.0
        self.waiting: list[tuple[float, int, PR]] = []

    def run(self) -> dict[str, Any]:
        """Play the weeks and count."""
        coming = iter(self.world.prs)
        ahead = next(coming, None)
        for at, reviewer, ends in self._shifts():
            while at < ends:
                while ahead is not None and ahead.arrives <= at:
                    self._comes(ahead)
                    ahead = next(coming, None)
                pr = self._next(reviewer)
                if pr is None:
                    break
                took = self._read(pr, reviewer)
                at, self.minutes = at + took, self.minutes + took
                if pr.answered is None:
                    pr.answered = at
        return self._told()

    def _shifts(self) -> Iterator[tuple[float, int, float]]:
        """(begin, reviewer, end): an hour or so a day for everybody, in the order of time."""
        a_day = 60 * self.world.setting.hours / 7
        shifts = [
            (day * 24 * 60 + self.rng.uniform(0, 24 * 60 - a_day), reviewer)
            for day in range(7 * self.world.setting.weeks)
            for reviewer in range(REVIEWERS)
        ]
        return ((at, reviewer, at + a_day) for at, reviewer in sorted(shifts))

    def _comes(self, pr: PR) -> None:
        if pr.arrives > (self.week + 1) * WEEK:
            self.week, self.failing = self.week + 1, list(self.left)
        self._place(pr)

    def _place(self, pr: PR) -> None:
        """Give it its place: a number that does not change while it waits, as in the product."""
        from datetime import UTC, datetime

        from apps.reviews.queue.worth import own_worth, standing_of

        # How new it is beside what is accepted by now, as the product sees it: not quite right.
        novelty = _clip(0.5 ** self.mended[pr.cluster] + pr.blur)
        # People whom last week's model failed: what a build has mended is asked no more.
        failing = 0.0 if pr.idle else pr.shown * self.failing[pr.cluster]
        noise = random.Random(pr.number)
        seen: dict[str, float] = {
            "judges": _poisson(noise, failing / 12),
            "askers": _poisson(noise, failing / 3),
            "novelty": novelty,
            "rows": pr.rows,
        }
        if self.order == "without impact":
            seen |= {"judges": 0, "askers": 0}
        if self.order == "without novelty":
            seen |= {"novelty": 1.0}
        came = datetime.fromtimestamp(pr.arrives * 60, UTC)
        boost = 0.0 if self.order == "without impact" else self.boosts[pr.skill]
        pr.own = boost + standing_of(own_worth(seen, self.rule), came, self.rule)
        if self.order == "without effort":
            pr.own += log2(_expected_minutes(pr.rows))
        if self.order == "fifo":
            pr.own = -pr.arrives
        self._waits(pr)

    def _waits(self, pr: PR) -> None:
        heapq.heappush(self.waiting, (-pr.own, pr.number, pr))

    def _next(self, reviewer: int) -> PR | None:
        """The best that this reviewer has not read; it leaves the heap."""
        passed, found = [], None
        while self.waiting and found is None:
            entry = heapq.heappop(self.waiting)
            if reviewer in entry[2].readers:
                passed.append(entry)
            else:
                found = entry[2]
        for entry in passed:
            heapq.heappush(self.waiting, entry)
        return found

    def _read(self, pr: PR, reviewer: int) -> float:
        """One reviewer reads it and gives a voice; returns the minutes it took."""
        from apps.reviews.agreement.models import Voice

        verdict, minutes = self._judged(pr)
        pr.readers.add(reviewer)
        pr.voices.append(Voice(verdict=verdict, reviewer_id=reviewer))
        pr.spent += minutes
        outcome = self._outcome(pr)
        if outcome is None:
            self._waits(pr)
        elif outcome == "accept":
            self._accept(pr)
        return minutes

    def _outcome(self, pr: PR) -> str | None:
        """What the voices come to by the product's rounds, or None while somebody is awaited."""
        from apps.reviews.agreement.models import Round
        from apps.reviews.agreement.policy import asked, drawn_in_secret
        from apps.reviews.agreement.voting import tally

        many = pr.rows >= self.agreement.many_rows
        bears = {
            "flagged": pr.flagged,
            "newcomer": many and pr.new,
            "protected": many and pr.skill in self.world.protected,
        }
        digest = sha256(f"{pr.number}".encode()).hexdigest()
        drawn = drawn_in_secret("overlap", digest, self.agreement.overlap)
        wanted = asked(self.agreement, bears, drawn=drawn)
        held = Round(voices=wanted.voices, agreeing=wanted.agreeing, because=list(wanted.because))
        settled = tally(held, pr.voices)
        return settled.verdict if settled else None

    def _judged(self, pr: PR) -> tuple[str, float]:
        """What a reviewer thinks after reading, and the minutes: careful, and sometimes wrong."""
        if pr.rows >= BULK_ROWS:
            return _sampled(pr, self.rng, len(pr.voices))
        let_in = 0.95 if pr.good else 0.12
        if pr.hostile:
            # What a screen has flagged is read with other eyes.
            let_in = 0.05 if pr.flagged else 0.25
        return ("accept" if self.rng.random() < let_in else "reject"), pr.minutes

    def _accept(self, pr: PR) -> None:
        pr.accepted = True
        if pr.good and not pr.idle:
            gain = self.left[pr.cluster] / 2
            self.left[pr.cluster] -= gain
            self.fixed += gain
            self.mended[pr.cluster] += 1

    def _told(self) -> dict[str, Any]:
        prs = self.world.prs
        answers = [(pr.answered - pr.arrives) / 60 for pr in prs if pr.answered is not None]
        accepted = [pr for pr in prs if pr.accepted]
        hostile = [pr for pr in prs if pr.hostile]
        # Of all that came, those who got no answer waited longest.
        reached = len(answers) / len(prs)
        every = sorted(answers)
        return {
            "answered_share": reached,
            "p95_hours_to_first_answer": every[int(0.95 * len(prs))] if reached > 0.95 else None,
            "p95_hours_of_the_answered": quantiles(answers, n=20)[18],
            "minutes_per_accepted": self.minutes / max(1, len(accepted)),
            "accepted": len(accepted),
            "hostile_accepted_share": sum(pr.accepted for pr in hostile) / max(1, len(hostile)),
            "accepted_that_are_hostile": sum(pr.hostile for pr in accepted) / max(1, len(accepted)),
            "accepted_that_are_bad": mean(not pr.good for pr in accepted) if accepted else 0.0,
            "machine_made_share_of_accepted": mean(pr.machine for pr in accepted)
            if accepted
            else 0.0,
            "failures_fixed_per_hour": self.fixed / (self.minutes / 60),
            "reviewer_hours": self.minutes / 60,
        }


def _demand_bits(desk: Desk, skill: int) -> float:
    from apps.reviews.queue.worth import _demand

    share = (1 / SKILLS + desk.world.demand[skill]) / 2
    return log2(_demand(share, desk.rule, protected=skill in desk.world.protected))


def _sampled(pr: PR, rng: random.Random, voice: int) -> tuple[str, float]:
    """A bulk PR by the product's plan, row by row; bad rows are seen nine times in ten."""
    from apps.reviews.sampling.plan import plan, standing
    from apps.reviews.sampling.policy import SamplingPolicy

    policy = SamplingPolicy()
    planned = plan(pr.rows, limit=policy.limit, alpha=policy.alpha, most_bad=policy.most_bad)
    said: list[bool] = []
    while (now := standing(planned, said)).verdict == "goes on":
        said.append(rng.random() < pr.bad_rows and rng.random() < 0.9)
    minutes = len(said) * SECONDS_A_ROW / 60
    return ("accept" if now.verdict == "passed" else "changes"), minutes


def _averaged(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The mean over worlds; null where one of them has none."""
    return {
        name: None
        if any(run[name] is None for run in runs)
        else round(mean(run[name] for run in runs), 4)
        for name in runs[0]
    }


# -- Sampling -------------------------------------------------------------------------------------


def sampling(tries: int) -> dict[str, Any]:
    """How often PRs pass whose bad rows are as many as the limit, hidden in three ways."""
    from apps.reviews.sampling.plan import drawn, plan
    from apps.reviews.sampling.policy import SamplingPolicy

    policy, rows = SamplingPolicy(), 1000
    bad = int(policy.limit * rows)
    planned = plan(rows, limit=policy.limit, alpha=policy.alpha, most_bad=policy.most_bad)
    worlds: dict[str, Callable[[int], str]] = {
        "spread": lambda row: "abcd"[row * 7 % 4],
        "in one stratum": lambda row: "rare" if row < bad else "common",
        "in strata of one row": lambda row: f"own {row}" if row < 2 * bad else "common",
    }
    passed = {}
    for name, stratum in worlds.items():
        hits = 0
        for seed in range(tries):
            order = drawn([stratum(row) for row in range(rows)], f"{name}{seed}".encode())
            found = [place < bad for place in order[: planned.most]]
            hits += any(sum(found[: look.sample]) <= look.bad for look in planned.looks)
        passed[name] = hits / tries
    return {
        "promise": planned.alpha,
        "tries": tries,
        "passed_with_the_limit_s_share_of_bad_rows": passed,
        "looks": [[look.sample, look.bad] for look in planned.looks],
        "price_rows": planned.price,
    }


if __name__ == "__main__":
    main()
