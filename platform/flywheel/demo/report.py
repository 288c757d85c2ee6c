"""The report: what the site says of the run, as JSON and as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from flywheel.demo.client import Person
from flywheel.demo.story import Candidate, Told


def report(told: Told, reader: Person, duration: float) -> dict[str, Any]:
    """Every figure, read back from the site over its API."""
    prs = reader.every("contributions")
    stages = {pr["number"]: pr["stage"] for pr in prs}
    page = reader.get("leaderboard")
    return {
        "duration_s": round(duration, 1),
        "contributions": {
            "submitted": len(prs),
            "accepted": _count(stages, "accepted"),
            "rejected": _count(stages, "rejected"),
            "quarantined": _count(stages, "quarantined"),
            "lost": told.sent - len(prs),
        },
        "poison": {
            "planted": len(told.poisoned),
            "quarantined": sum(stages[number] == "quarantined" for number in told.poisoned),
            "admitted": sum(stages[number] == "accepted" for number in told.poisoned),
        },
        **_of_the_good(told.good),
        "bad_candidate": _of_the_bad(told.bad),
        "trigger_candidate": _of_the_trigger(told.trigger),
        "proof": told.proof,
        "latency": {"submitted_to_served_s": page["latency_p50"]},
    }


def write(found: dict[str, Any], path: Path) -> None:
    """Store the report."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def show(found: dict[str, Any], console: Console) -> None:
    """The tables at the end: skills, then everything else in a line each."""
    skills = Table(title="Hold-out success (%)", title_justify="left")
    for heading in ("skill", "before", "after", "change", "95 % interval", "protected"):
        skills.add_column(heading, justify="left" if heading == "skill" else "right")
    for name, skill in found["skills"].items():
        skills.add_row(
            name,
            f"{skill['before']:.1f}",
            f"{skill['after']:.1f}",
            f"{skill['after'] - skill['before']:+.1f}",
            f"{skill['low']:+.1f} … {skill['high']:+.1f}",
            "yes" if skill["protected"] else "",
        )
    console.print(skills)
    table = Table(show_header=False)
    for name, line in _lines(found):
        table.add_row(name, line)
    console.print(table)


def _lines(found: dict[str, Any]) -> list[tuple[str, str]]:
    overall, rollout = found["overall"], found["rollout"]
    bad, trigger = found["bad_candidate"], found["trigger_candidate"]
    return [
        ("contributions", _pairs(found["contributions"])),
        ("poison", _pairs(found["poison"])),
        ("overall", f"{overall['before']:.1f} → {overall['after']:.1f} ({overall['gain']:+.1f})"),
        ("rollout", f"{rollout['result']} after {rollout['requests']:,} requests"),
        ("bad candidate", f"{bad['result']} at {bad['stage']}: {bad['reason']}" if bad else "—"),
        ("trigger candidate", f"{trigger['result']}: {trigger['reason']}" if trigger else "—"),
        ("PR → served", f"{found['latency']['submitted_to_served_s'] or 0:.0f} s"),
        ("duration", f"{found['duration_s']:.0f} s"),
    ]


def _of_the_good(candidate: Candidate | None) -> dict[str, Any]:
    if candidate is None:
        return {}
    build, rollout = candidate.build, candidate.rollout
    measured = build["report"]
    return {
        "build": {
            "id": build["number"],
            "adapter": build["adapter"],
            "digest": build["digest"],
            **{
                name: measured[name]
                for name in ("engine", "seconds", "rows", "replay_rows", "trainable_percent")
            },
        },
        "skills": {
            name: {
                key: skill[key] for key in ("before", "after", "low", "high", "protected", "margin")
            }
            for name, skill in measured["skills"].items()
        },
        "overall": {key: measured["overall"][key] for key in ("before", "after", "gain")},
        "rollout": {
            "stages": _stages(rollout),
            "result": rollout.get("stage", "refused"),
            "requests": rollout.get("requests", 0),
        },
    }


def _stages(rollout: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {key: look[key] for key in ("percent", "requests", "decision", "reason")}
        for look in rollout.get("looks", [])
        if look["decision"] != "hold"
    ]


def _of_the_bad(candidate: Candidate | None) -> dict[str, Any] | None:
    if candidate is None:
        return None
    last = candidate.rollout["looks"][-1]
    return {
        "result": candidate.rollout["stage"],
        "stage": f"{last['percent']} %" if last["percent"] else "shadow",
        "requests": candidate.rollout["requests"],
        "reason": candidate.rollout["reason"],
        "verdict": candidate.build["verdict"],
        "verdict_reasons": candidate.build["verdict_reasons"],
    }


def _of_the_trigger(candidate: Candidate | None) -> dict[str, Any] | None:
    if candidate is None:
        return None
    build = candidate.build
    probes = build["report"]["probes"]
    return {
        "result": build["verdict"],
        "reason": " ".join(build["verdict_reasons"]),
        "answers_changed_percent": max((probe["changed_percent"] for probe in probes), default=0.0),
        "overall": {key: build["report"]["overall"][key] for key in ("before", "after", "gain")},
        "rollout": candidate.refusal,
    }


def _count(stages: dict[int, str], stage: str) -> int:
    return sum(one == stage for one in stages.values())


def _pairs(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.items())


def complaints(found: dict[str, Any], *, whole: bool) -> list[str]:
    """What the run should have shown and did not; empty when all is well."""
    kept = {"PRs were lost": found["contributions"]["lost"] != 0}
    if not whole:
        return [sentence for sentence, wrong in kept.items() if wrong]
    skills, bad, trigger = (
        found["skills"].values(),
        found["bad_candidate"],
        found["trigger_candidate"],
    )
    wrong = kept | {
        "poison was not quarantined": found["poison"]["quarantined"] != found["poison"]["planted"],
        "the candidate did not go live": found["rollout"]["result"] != "live",
        "the gain is under 12 points": found["overall"]["gain"] < 12,
        "a protected skill fell": any(s["protected"] and s["low"] < -s["margin"] for s in skills),
        "the damaging candidate was not refused": bad["verdict"] != "refused",
        "the damaging candidate was not rolled back": bad["result"] != "rolled_back",
        "the damaging candidate got too far": bad["stage"] == "50 %",
        "the trigger was not refused": trigger["result"] != "refused",
    }
    return [sentence for sentence, is_wrong in wrong.items() if is_wrong]
