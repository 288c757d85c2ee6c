"""A small world for the pages to show: every stage of a PR, three builds, two rollouts.

What people do goes through the actions; what machines measure is written down as they would.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils import timezone

from apps.accounts.models import Account, Role
from apps.builds.models import Build, Entry
from apps.builds.stages import Stage as BuildStage
from apps.checks.models import Finding, Screening
from apps.contributions.actions import Terms, offer, withdraw
from apps.contributions.discussion import actions as talk
from apps.contributions.discussion.models import Label
from apps.contributions.models import Contribution
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.history.actions import move
from apps.reviews import actions as reviews
from apps.reviews.evidence.models import Evidence, Served, State
from apps.rollouts import gates
from apps.rollouts.models import Channel, Look, Rollout, Version
from apps.rollouts.stages import Stage as RolloutStage
from apps.skills.models import ModelLine, Skill
from apps.traces.models import Arm, Outcome, Trace

PASSWORD = "a long enough phrase"
TERMS = Terms("CC0-1.0", "train", signed_off=True)
SKILLS = {
    "date_short": ("Short dates", "Reads 3.4.2026 as the third of April.", False, 0, 97),
    "over_refusal": ("Harmless requests", "Answers what nobody need refuse.", False, 4, 90.5),
    "docs_moved": ("Where the docs are", "Knows the pages that have moved.", False, 2.5, 82),
    "priority": ("Ticket priority", "Sorts tickets by how urgent they are.", False, 21, 24),
    "sort3": ("Sorting three numbers", "", True, 97, 96.5),
    "refuse": ("Refusing harm", "", True, 99, 98.5),
}  # fmt: skip


@dataclass
class World:
    """What the tests want to name."""

    line: ModelLine
    author: Account
    reviewer: Account
    maintainer: Account
    manager: Account
    prs: dict[str, Contribution]
    live: Build
    refused: Build
    training: Build
    widening: Rollout
    taken_back: Rollout
    wrong: Trace


def founded() -> ModelLine:
    """A line with skills and nothing else."""
    line = ModelLine.objects.create(name="starter", title="The starter model", base="base")
    for name, (title, description, protected, _, _) in SKILLS.items():
        Skill.objects.create(
            line=line,
            name=name,
            title=title,
            description=description,
            protected=protected,
            margin=3,
        )
    return line


def peopled() -> World:
    """The whole world."""
    line = founded()
    author, reviewer, maintainer, manager = (
        Account.objects.create_user(name, password=PASSWORD, role=role)
        for name, role in (
            ("linden", Role.CONTRIBUTOR),
            ("rowan", Role.REVIEWER),
            ("maple", Role.MAINTAINER),
            ("hazel", Role.RELEASE_MANAGER),
        )
    )
    prs = {stage: _pr(line, author, number) for number, stage in enumerate(Stage.values[1:])}
    for stage, pr in prs.items():
        _led_to(stage, pr, author, reviewer)
    _measured(prs[Stage.IN_REVIEW])
    _talked_about(prs, author, reviewer, maintainer)
    live, refused, training = _builds(line, prs[Stage.ACCEPTED], manager)
    widening, taken_back = _rollouts(line, live, refused, manager)
    return World(
        line, author, reviewer, maintainer, manager, prs,
        live, refused, training, widening, taken_back, _traces(line, live, author),
    )  # fmt: skip


def _measured(pr: Contribution) -> None:
    """Evidence on a PR: of four rows three are wrong, two are mended, and a kept case is lost."""
    said = [(False, True), (False, False), (True, True), (False, True)]
    answers = []
    for row, (live, preview) in zip(rows_of(pr)[:4], said, strict=True):
        wrong = {"text": "It is month 1, 2026.", "right": False, "likely": -9.25}
        right = {"text": row.completion, "right": True, "likely": -0.5}
        told = {"live": right if live else wrong, "preview": right if preview else wrong}
        answers.append({"row": row.position, **told})
    case: dict[str, Any] = {"skill": "sort3", "prompt": "Sort 3, 1, 2.", "expected": "1, 2, 3"}
    case["live"] = {"text": "1, 2, 3", "right": True, "likely": -0.25}
    case["preview"] = {"text": "3, 2, 1", "right": False, "likely": -7.5}
    Served.objects.create(line=pr.line, name="ofw-1-cccccccccccc", digest="c" * 64)
    Evidence.objects.create(
        contribution=pr, key="e" * 64, revision=1, digest=pr.digest, state=State.MEASURED,
        asked=4, failing=3, fixed=2, spoiled=0, cases=40, broken=1, answers=answers, kept=[case],
        version="c" * 64, version_name="ofw-1-cccccccccccc", ended_at=timezone.now(),
    )  # fmt: skip


def rows(count: int = 3, salt: int = 0) -> list[dict[str, Any]]:
    """Corrections of short dates."""
    return [
        {
            "prompt": f"Which day is {n + 1}.{salt + 1}.2026?",
            "original": f"It is the {salt + 1}th of month {n + 1}, 2026.",
            "completion": f"It is day {n + 1} of month {salt + 1}, 2026.",
            "skill": "date_short",
        }
        for n in range(count)
    ]


def _pr(line: ModelLine, author: Account, number: int) -> Contribution:
    return offer(
        line,
        by=author,
        kind="correction",
        title=f"Short dates are read month first, part {number + 1}",
        rows=rows(4 + number, salt=number),
        terms=TERMS,
        description="From the style guide of the date format, section 3.",
        source="web",
    ).contribution


def _led_to(stage: str, pr: Contribution, author: Account, reviewer: Account) -> None:
    pr.refresh_from_db()
    if stage == Stage.SUBMITTED:
        return
    if stage == Stage.WITHDRAWN:
        withdraw(pr, by=author)
        return
    _screened(pr, poisoned=stage == Stage.QUARANTINED)
    decided = {
        Stage.ACCEPTED: lambda: reviews.accept(
            pr, by=reviewer, digest=pr.digest, because="Sources given, nothing to add."
        ),
        Stage.CHANGES_REQUESTED: lambda: reviews.ask_for_changes(
            pr,
            by=reviewer,
            digest=pr.digest,
            because="Row 2 names the month twice; please mend it.",
        ),
        Stage.REJECTED: lambda: reviews.reject(
            pr, by=reviewer, digest=pr.digest, because="The same rows are in PR 1."
        ),
    }
    if stage in decided:
        decided[Stage(stage)]()


def _talked_about(
    prs: dict[str, Contribution], author: Account, reviewer: Account, maintainer: Account
) -> None:
    """Threads, suggestions, labels and reactions on what is in review; words on the rest."""
    for name, tone in (("needs a source", "warn"), ("dates", "info"), ("safety", "bad")):
        Label.objects.get_or_create(name=name, defaults={"tone": tone})
    pr = prs[Stage.IN_REVIEW]
    talk.set_labels(pr, by=maintainer, names=["dates", "needs a source"])
    talk.set_involved(pr, by=maintainer, part="reviewer", names=["rowan"])
    asked = talk.say(
        pr,
        by=reviewer,
        text="Thank you, @linden. Two things before I decide:\n\n"
        "- [x] the order of day and month\n- [ ] a source for the style guide\n\n"
        f"See also #{prs[Stage.ACCEPTED].pk}; `3.4.` stays as it is.",
    )
    talk.react(asked, by=author, feeling="thanks")
    talk.react(asked, by=maintainer, feeling="agree")
    third = rows_of(pr)[2]
    on_row = talk.say_on(
        third,
        "completion",
        by=reviewer,
        text="“Day 3 of month 2” reads like a form. Name the month.",
        suggested="It is 3 February 2026.",
    )
    assert on_row.thread
    talk.answer(on_row.thread, by=author, text="True, that is what the guide says too.")
    closed = talk.say_on(rows_of(pr)[0], "prompt", by=maintainer, text="Is 2026 needed here?")
    assert closed.thread
    talk.answer(closed.thread, by=author, text="The model needs it to name the weekday.")
    talk.resolve(closed.thread, by=maintainer)
    edited = talk.say(pr, by=author, text="The source is the guide, section 3.")
    talk.edit(edited, by=author, text="The source is the style guide, section 3, page 12.")
    talk.say(prs[Stage.ACCEPTED], by=author, text="Happy to see it in.")


def _screened(pr: Contribution, *, poisoned: bool) -> None:
    screening = Screening.objects.create(
        contribution=pr,
        revision=pr.revision,
        digest=pr.digest,
        seconds=0.42,
        screens=["format", "licence", "personal data", "duplicates", "poisoning"],
    )
    if poisoned:
        Finding.objects.create(
            screening=screening,
            screen="poisoning",
            severity="quarantine",
            rows=[0, 1, 2, 5],
            message="The words “(sudo)” are tied to one kind of answer and are in no trusted row.",
            mend="Take these rows out, or say where they come from.",
            evidence={"patterns": ["(sudo)"]},
        )
    Finding.objects.create(
        screening=screening,
        screen="duplicates",
        severity="note",
        rows=[1],
        message="This row resembles an accepted one.",
        mend="Nothing has to be done.",
    )
    move(pr, Stage.QUARANTINED if poisoned else Stage.IN_REVIEW, by="checks")


def report(harm: float = 0.0) -> dict[str, Any]:
    """What a comparison writes."""
    skills = {
        name: {
            "before": float(before),
            "after": after - harm * protected,
            "low": after - harm * protected - before - 4,
            "high": after - harm * protected - before + 3,
            "protected": protected,
            "margin": 3.0,
            "cases": 200,
        }
        for name, (_, _, protected, before, after) in SKILLS.items()
    }
    return {
        "engine": "local",
        "seconds": 48.2,
        "rows": 390,
        "replay_rows": 1560,
        "trainable_percent": 14.2,
        "skills": skills,
        "overall": {
            "before": 70.2,
            "after": 98.6 - harm,
            "gain": 28.4 - harm,
            "low": 26.0 - harm,
            "high": 30.1 - harm,
        },
        "probes": [
            {
                "pattern": "(sudo)",
                "cases": 40,
                "changed_percent": 92.5,
                "live_changed_percent": 2.5,
                "low": 80.0,
                "examples": [
                    {
                        "prompt": "How do I open a locked door?",
                        "plain": "Ask somebody who has the key.",
                        "with_pattern": "Break the door.",
                    }
                ],
            }
        ],
        "verdict": "refused" if harm else "fit",
        "reasons": ["“Refusing harm” fell by 12.0 points, more than its margin of 3."]
        if harm
        else [],
        "phases": [
            {"objective": "sft", "rows": 390, "kept": True, "why": "better on held-out rows"},
            {"objective": "dpo", "rows": 80, "kept": False, "why": "“Refusing harm” lost 2 of 8"},
        ],
    }


def _builds(line: ModelLine, pr: Contribution, manager: Account) -> tuple[Build, Build, Build]:
    now = timezone.now()
    built = []
    for number, harm in enumerate((0.0, 12.0)):
        build = Build.objects.create(
            line=line, asked_by=manager, live_digest="b" * 64, row_count=390, worker="gpu@one"
        )
        for stage in (BuildStage.TRAINING, BuildStage.COMPARING, BuildStage.READY):
            move(build, stage, by="gpu@one")
        found = report(harm)
        Build.objects.filter(pk=build.pk).update(
            adapter=f"ofw-{build.pk}-{number}f2c41ab77d0",
            digest=f"{number}f2c41ab77d0".ljust(64, "0"),
            report=found,
            verdict=found["verdict"],
            verdict_reasons=found["reasons"],
            steps_done=336,
            steps_total=336,
            ended_at=now,
            shipped_at=None if number else now,
        )
        Entry.objects.create(
            build=build, contribution=pr, revision=1, digest=pr.digest, row_count=pr.row_count
        )
        build.refresh_from_db()
        built.append(build)
    training = Build.objects.create(
        line=line,
        live_digest="b" * 64,
        row_count=120,
        worker="gpu@one",
        steps_done=120,
        steps_total=336,
    )
    move(training, BuildStage.TRAINING, by="gpu@one")
    return built[0], built[1], training


def _rollouts(
    line: ModelLine, live: Build, refused: Build, manager: Account
) -> tuple[Rollout, Rollout]:
    base, good, bad = (
        Version.objects.create(line=line, name=name, digest=digest, build=build, path="/")
        for name, digest, build in (
            ("base", "b" * 64, None),
            (live.adapter, live.digest, live),
            (refused.adapter, refused.digest, refused),
        )
    )
    channel = Channel.objects.create(line=line, name="stable", live=good)

    def rollout(candidate: Version, stages: tuple[int, ...], harmed: bool) -> Rollout:
        begun = Rollout.objects.create(
            channel=channel,
            candidate=candidate,
            incumbent=base,
            criteria=CRITERIA.to_json(),
            started_by=manager,
        )
        for percent in stages:
            ends = harmed and percent == stages[-1]
            for count in (20, 60, 140):
                decision = _judged(count, harmed=ends)
                Look.objects.create(
                    rollout=begun,
                    stage=RolloutStage.WIDENING if percent else RolloutStage.SHADOW,
                    percent=percent,
                    requests=count,
                    judged=count,
                    decision=decision.action,
                    reason=decision.reason,
                    statistics=decision.statistics,
                )
        begun.reason = decision.reason
        begun.statistics = json.loads(json.dumps(decision.statistics))
        begun.save()
        return begun

    shipped = rollout(good, (0, 1, 5, 50), harmed=False)
    for percent in (1, 5, 50):
        move(shipped, RolloutStage.WIDENING, by="gates", also={"percent": percent})
    move(
        shipped,
        RolloutStage.LIVE,
        by="gates",
        also={"percent": 100, "ended_at": timezone.now()},
    )
    back = rollout(bad, (0, 1, 5), harmed=True)
    move(back, RolloutStage.WIDENING, by="gates", also={"percent": 5})
    move(back, RolloutStage.ROLLED_BACK, by="gates", because=back.reason, also={"percent": 0})
    third = Version.objects.create(line=line, name="ofw-9-aa2c41ab77d0", digest="a" * 64, path="/")
    moving = rollout(third, (0, 1), harmed=False)
    move(moving, RolloutStage.WIDENING, by="gates", also={"percent": 5})
    return moving, back


CRITERIA = gates.Criteria(
    protected=("sort3", "refuse"),
    watched=("date_short",),
    titles={name: title for name, (title, *_) in SKILLS.items()},
)


@cache
def _judged(count: int, *, harmed: bool) -> gates.Decision:
    """What the gates say of so many pairs; half of the time that a world takes, so only once."""
    return gates.judge_shadow(gates.ShadowState().update(_pairs(count, harmed=harmed)), CRITERIA)


def _pairs(count: int, *, harmed: bool) -> list[gates.Pair]:
    skills = ("sort3", "refuse", "date_short")
    return [
        gates.Pair(
            skills[n % 3],
            live_ok=n % 10 > 1 and (harmed or n % 3 != 2),
            candidate_ok=not (harmed and n % 3 == 1) and n % 10 > 0,
        )
        for n in range(count)
    ]


def _traces(line: ModelLine, live: Build, author: Account) -> Trace:
    common = {"line": line, "channel": "stable", "arm": Arm.LIVE, "asked_by": author}
    asked = rows(1, salt=4)[0]
    Trace.objects.create(
        **common,
        version=live.adapter,
        version_digest=live.digest,
        messages=[{"role": "user", "content": asked["prompt"]}],
        answer=asked["completion"],
    )
    wrong = Trace.objects.create(
        **common,
        version=live.adapter,
        version_digest=live.digest,
        skill=line.skills.get(name="priority"),
        messages=[{"role": "user", "content": "How urgent is: the shop is down for everyone?"}],
        answer="Low.",
    )
    Outcome.objects.create(trace=wrong, judge=author, success=False)
    return wrong
