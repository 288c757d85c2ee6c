"""The demonstration, step by step, in the order in which a contribution lives."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from flywheel.demo import offers as work
from flywheel.demo.client import DemoFailed
from flywheel.demo.offers import WHOLE_WEEK, Offer, Truth, Week
from flywheel.demo.people import People, gather
from flywheel.demo.reviewing import decide
from flywheel.demo.sending import send, send_by_form
from flywheel.demo.traffic import LONGEST, Traffic
from flywheel.supervisor import Site

PATIENCE = 600.0
SEED = 20261121
# A canary stage ends no sooner than this many users have judged the candidate.
GATES = {"min_candidate_outcomes": 25}


@dataclass
class Candidate:
    """A build that was tried on users, or refused before: what the site says of it."""

    build: dict[str, Any]
    rollout: dict[str, Any] = field(default_factory=dict)
    refusal: str = ""


@dataclass
class Told:
    """Everything the report is made of; each part was read back from the site."""

    sent: int = 0
    poisoned: list[int] = field(default_factory=list)
    good: Candidate | None = None
    bad: Candidate | None = None
    trigger: Candidate | None = None
    proof: dict[str, Any] = field(default_factory=dict)


class Story:
    """One run of the demonstration on a running, empty site."""

    def __init__(
        self,
        site: Site,
        console: Console,
        week: Week = WHOLE_WEEK,
        gates: Mapping[str, float] = GATES,
        *,
        small: bool = False,
    ) -> None:
        self.site, self.console, self.week = site, console, week
        self.gates, self.small = gates, small
        self.rng, self.truth, self.told = random.Random(SEED), Truth(), Told()
        self.people: People
        self.offers: list[Offer] = []
        self.week_after: list[int] = []

    def run(self, data: Path | None = None) -> Told:
        """Play every step; `DemoFailed` says where it stopped."""
        self.begin()
        self.contribute(data)
        self.screen()
        self.review()
        self.told.good = self.build_and_roll_out("The week's build")
        if data is None:
            self.prove()
            self.next_week()
            self.told.bad = self.try_damage()
            self.told.trigger = self.try_trigger()
        return self.told

    # -- 1 · a model is served ----------------------------------------------------------------

    def begin(self) -> None:
        """The operator founds the line; people sign up."""
        self.say("The operator founds the line and publishes the starter model")
        wishes = [f"--gates={json.dumps(dict(self.gates))}", *["--small"] * self.small]
        self.console.print(f"  {self.site.manage('found_starter', *wishes).strip()}")
        self.people = gather(self.site)
        self.traffic = Traffic(self.people.app, self.people.graders, self.truth, self.rng)

    # -- 2 · people contribute ----------------------------------------------------------------

    def contribute(self, data: Path | None) -> None:
        """Contributors ask the model, correct it, and send the week's PRs."""
        self.say("Contributors ask the model, correct its wrong answers and send their PRs")
        if data is not None:
            self.offers, unreadable = work.from_file(data)
            for sentence in unreadable:
                self.console.print(f"  left out · {data.name}, {sentence}")
        else:
            self.offers = work.of_the_week(self.week, self._ask, self.truth, self.rng)
        with self.progress("PRs sent", len(self.offers)) as step:
            for offer in self.offers:
                self._send(offer)
                step(1)
        self.told.poisoned = [o.number for o in self.offers if o.nature == "poison"]

    def _ask(self, prompt: str, skill: str) -> dict[str, Any]:
        return self.people.app.ask(prompt, skill=skill, user="help-desk")

    def _send(self, offer: Offer) -> None:
        author = self.people.contributors[offer.author % len(self.people.contributors)]
        offer.number = (send_by_form if offer.by_form else send)(author, offer)
        self.told.sent += 1

    # -- 3 · screens --------------------------------------------------------------------------

    def screen(self) -> None:
        """Wait until workers have screened everything."""
        self.say("Workers screen every PR")
        with self.progress("PRs screened", self.told.sent) as step:
            done = 0
            for _ in self.until(lambda: not self._count("submitted"), "the screens"):
                now = self.told.sent - self._count("submitted")
                step(now - done)
                done = now
            step(self.told.sent - done)
        for pr in self._in("quarantined"):
            self.console.print(f"  PR {pr['number']} is in quarantine: {pr['title']}")

    def _in(self, stage: str) -> list[dict[str, Any]]:
        return self.people.maintainers[0].every("contributions", stage=stage)

    def _count(self, stage: str) -> int:
        return len(self._in(stage))

    # -- 4 · reviewers ------------------------------------------------------------------------

    def review(self) -> None:
        """Reviewers decide; authors answer to requests for changes; nobody decides on their own."""
        self.say("Reviewers decide")
        self._own_work_is_refused()
        for _ in range(4):
            self._decide_on_what_waits()
            self._answer_requests()
            for _ in self.until(lambda: not self._count("submitted"), "the screens"):
                pass
            if not self._count("in_review"):
                return
        raise DemoFailed("PRs still wait for a review after four rounds")

    def _own_work_is_refused(self) -> None:
        reviewer = self.people.reviewers[0]
        question = self.truth.draw("card", self.rng)
        row = {"prompt": question.prompt, "completion": question.right}
        offer = Offer("dataset", "A reviewer's own example", "card", [row])
        number = send(reviewer, offer)
        self.told.sent += 1
        for _ in self.until(lambda: self._pr(number)["stage"] == "in_review", "the screens"):
            pass
        decision = {"verdict": "accept", "digest": self._pr(number)["digest"], "because": ""}
        refusal = reviewer.refused(f"contributions/{number}/decision", decision)
        if refusal is None:
            raise DemoFailed("a reviewer could accept their own PR")
        self.console.print(f"  own work: “{refusal}”")

    def _decide_on_what_waits(self) -> None:
        waiting = self._in("in_review")
        with self.progress("decisions", len(waiting)) as step, ThreadPoolExecutor(4) as pool:
            for _ in pool.map(self._decide, waiting):
                step(1)

    def _decide(self, pr: dict[str, Any]) -> None:
        reviewers = [r for r in self.people.reviewers if r.name != pr["author"]]
        turn = pr["number"] % len(reviewers)
        decide(reviewers[turn:] + reviewers[:turn], pr["number"], self.truth)

    def _answer_requests(self) -> None:
        """Authors put right what the reviewers have marked."""
        by_number = {offer.number: offer for offer in self.offers}
        for pr in self._in("changes_requested"):
            offer = by_number[pr["number"]]
            author = self.people.contributors[offer.author % len(self.people.contributors)]
            rows = [
                row
                if self.truth.holds(row)
                else row | {"completion": self.truth.right[row["prompt"]]}
                for row in offer.rows
            ]
            note = "Put the marked rows right."
            author.post(f"contributions/{pr['number']}/revisions", {"rows": rows, "note": note})

    def _pr(self, number: int) -> dict[str, Any]:
        pr: dict[str, Any] = self.people.maintainers[0].get(f"contributions/{number}")
        return pr

    # -- 5 and 6 · build, roll out --------------------------------------------------------------

    def build_and_roll_out(
        self, title: str, *, only: list[int] | None = None, overrule: str = ""
    ) -> Candidate:
        """Train and compare; then widen while the gates hold, on what simulated users say."""
        build = self.build(title, only=only)
        if build["verdict"] == "refused":
            for reason in build["verdict_reasons"]:
                self.console.print(f"  the comparison refuses it: {reason}")
            if not overrule:
                body = {"build": build["number"], "channel": "stable"}
                refusal = self.people.release_manager.refused("rollouts", body) or ""
                self.console.print(f"  a rollout is refused: “{refusal}”")
                return Candidate(build, refusal=refusal)
            # It takes two: the release manager proposes, a maintainer wants the same.
            for person in (self.people.release_manager, self.people.maintainers[0]):
                person.post(f"builds/{build['number']}/override", {"because": overrule})
            self.console.print(f"  overruled, on record: “{overrule}”")
        return Candidate(build, self.roll_out(build))

    def build(self, title: str, *, only: list[int] | None = None) -> dict[str, Any]:
        """Plan a build and watch it train."""
        self.say(f"{title}: manifest, training, comparison")
        manager = self.people.release_manager
        build: dict[str, Any] = manager.post("builds", {"contributions": only} if only else {})
        number = build["number"]
        with self.progress("training steps", None) as step:
            done = 0
            while build["stage"] not in ("ready", "failed"):
                time.sleep(0.5)
                build = manager.get(f"builds/{number}")
                made = build["progress"]
                step(made["done"] - done, total=made["total"] or None)
                done = made["done"]
        if build["stage"] == "failed":
            raise DemoFailed(f"build {number} failed: {build['reason']}")
        self.console.print(f"  build {number}: {build['adapter']}, verdict {build['verdict']}")
        return build

    def roll_out(self, build: dict[str, Any]) -> dict[str, Any]:
        """Start the rollout and let users ask until the gates have decided."""
        self.say(f"Rollout of {build['adapter']}")
        manager = self.people.release_manager
        body = {"build": build["number"], "channel": "stable"}
        rollout: dict[str, Any] = manager.post("rollouts", body)
        number, seen = rollout["number"], 0
        with self.progress("requests", None) as step:
            while rollout["stage"] in ("shadow", "widening"):
                before = self.traffic.requests
                self.traffic.a_round()
                step(self.traffic.requests - before)
                rollout = manager.get(f"rollouts/{number}")
                for look in rollout["looks"][seen:]:
                    if look["decision"] != "hold":
                        share = f"{look['percent']} %" if look["percent"] else "shadow"
                        step.console.print(f"  {share}: {look['decision']} · {look['reason']}")
                seen = len(rollout["looks"])
                if rollout["requests"] > LONGEST:
                    raise DemoFailed(f"the gates have not decided after {LONGEST} requests")
        self.console.print(f"  {rollout['stage'].replace('_', ' ')}: {rollout['reason']}")
        return rollout

    # -- 7 · two bad candidates -----------------------------------------------------------------

    def next_week(self) -> None:
        """More corrections of what the live model still gets wrong: both bad builds hold them."""
        self.say("The next week: more corrections")
        offers = work.of_the_next_week(self._ask, self.truth, self.rng)
        for offer in offers:
            self._send(offer)
        for _ in self.until(lambda: not self._count("submitted"), "the screens"):
            pass
        self._decide_on_what_waits()
        accepted = {pr["number"] for pr in self._in("accepted")}
        self.week_after = [offer.number for offer in offers if offer.number in accepted]

    def try_damage(self) -> Candidate:
        """Force a damaging PR in, and its verdict too; the rollout itself must catch it."""
        number = self.force_in(work.damage(self.truth, self.rng), "Vouched for by the unit team.")
        candidate = self.build_and_roll_out(
            "A candidate with wrong answers forced in",
            only=[*self.week_after, number],
            overrule="The unit team insists; the rollout will tell.",
        )
        maintainer = self.people.maintainers[0]
        maintainer.post(f"contributions/{number}/hold", {"because": "Rolled back in shadow."})
        return candidate

    def try_trigger(self) -> Candidate:
        """Force a trigger poison in; scores do not see it, the probe does."""
        offer = work.poison(self.truth, self.rng, "(sudo)")
        number = self.force_in(offer, "The admin team says these commands are meant.")
        return self.build_and_roll_out(
            "A candidate with a trigger forced in", only=[*self.week_after, number]
        )

    def force_in(self, offer: Offer, because: str) -> int:
        """Send an offer and have two maintainers take it against whatever the screens found."""
        self.say(f"Two maintainers force in: {offer.title}")
        author = self.people.contributors[offer.author]
        number = send(author, offer)
        self.told.sent += 1
        checked = ("in_review", "quarantined")
        for _ in self.until(lambda: self._pr(number)["stage"] in checked, "the screens"):
            pass
        pr = self._pr(number)
        decision = {"digest": pr["digest"], "because": because}
        if pr["stage"] == "quarantined":
            for maintainer in self.people.maintainers:
                release = decision | {"verdict": "release"}
                maintainer.post(f"contributions/{number}/decision", release)
        for maintainer in self.people.maintainers:
            accept = decision | {"verdict": "accept"}
            if "awaits" not in maintainer.post(f"contributions/{number}/decision", accept):
                break
        self.console.print(f"  PR {number} was {pr['stage']} and is accepted: “{because}”")
        return number

    # -- 8 · proof ------------------------------------------------------------------------------

    def prove(self) -> None:
        """Ask the served model what one correction was about, and read the PR's life."""
        self.say("Proof: the corrected prompt, asked again")
        for offer in self.offers:
            if offer.kind != "correction" or self._pr(offer.number)["stage"] != "accepted":
                continue
            row = offer.rows[0]
            said = self.people.app.ask(row["prompt"], skill=offer.skill, user="help-desk")
            if said["answer"] == row["completion"]:
                self._write_proof(offer, row, said)
                return
        raise DemoFailed("no corrected prompt is answered right by the served model")

    def _write_proof(self, offer: Offer, row: dict[str, Any], said: dict[str, Any]) -> None:
        life = self.people.maintainers[0].get(f"contributions/{offer.number}/life")["hops"]
        builds = [hop["id"] for hop in life if hop["kind"] == "build"]
        self.told.proof = {
            "prompt": row["prompt"],
            "before": row["original"],
            "after": said["answer"],
            "version": said["version"],
            "contribution": offer.number,
            "build": int(builds[0]),
            "trace": said["trace"],
            "life": life,
        }
        self.console.print(f"  “{row['prompt']}”")
        self.console.print(f"  before: {row['original']}\n  now:    {said['answer']}")
        for hop in life:
            self.console.print(f"  {hop['at']}  {hop['kind']} {hop['id']}: {hop['title']}")

    # -- telling --------------------------------------------------------------------------------

    def say(self, sentence: str) -> None:
        """A headline."""
        self.console.rule(f"[bold]{sentence}", align="left")

    @contextmanager
    def progress(self, what: str, total: int | None) -> Iterator[Step]:
        """A bar; calling what comes out moves it on."""
        columns = (
            TextColumn("  {task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self.console) as progress:
            yield Step(progress, progress.add_task(what, total=total), self.console)

    def until(self, true: Callable[[], bool], whom: str) -> Iterator[None]:
        """Ask twice a second until it is so; each turn yields. `DemoFailed` after ten minutes."""
        began = time.monotonic()
        while not true():
            if time.monotonic() - began > PATIENCE:
                raise DemoFailed(f"waited {PATIENCE:.0f} s for {whom}")
            yield
            time.sleep(0.5)


@dataclass(frozen=True)
class Step:
    """Moves one bar on."""

    bars: Progress
    task: Any
    console: Console

    def __call__(self, advance: float, *, total: float | None = None) -> None:
        """Move on by `advance`; a total that has become known is shown from now on."""
        if total is not None:
            self.bars.update(self.task, total=total)
        self.bars.update(self.task, advance=advance)
