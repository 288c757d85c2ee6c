"""A rollout as people look at it: its stages on a line, its evidence as a plot and a table."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.builds.models import Build
from apps.pages.plots import Plot, Reading, evidence_over_looks
from apps.rollouts.models import Look, Rollout
from apps.rollouts.stages import STEPS, Stage

SHADOW, EVERYONE = 0, 100
WAY = (SHADOW, *STEPS, EVERYONE)
QUESTIONS = {
    "harm": gettext_noop("%s is worse"),
    "no worse": gettext_noop("%s is no worse"),
    "better": gettext_noop("%s is better"),
}


class Step(NamedTuple):
    """A stage of the way: done, now, later or stopped; its share and what happened in it."""

    state: str
    share: str
    detail: str


class Gained(NamedTuple):
    """A skill that a build made better, in percent."""

    title: str
    before: float
    after: float


def of_rollout(rollout: Rollout, looks: Sequence[Look]) -> list[Step]:
    """The five stages from shadow to everyone, and how far the rollout has come."""
    reached = _reached(rollout, looks)
    steps = []
    for share in WAY:
        seen = [look for look in looks if look.percent == share]
        told = _("%s judged") % number_format(seen[-1].judged, force_grouping=True) if seen else ""
        state = "done" if share < reached else "later"
        if share == reached:
            state = _state_of(rollout)
            told = _told_now(rollout, told)
        steps.append(Step(state, _("Shadow") if share == SHADOW else f"{share} %", told))
    return steps


def _reached(rollout: Rollout, looks: Sequence[Look]) -> int:
    """How far it came; one that was rolled back has lost its share but not its looks."""
    if rollout.stage == Stage.LIVE:
        return EVERYONE
    if rollout.stage == Stage.ROLLED_BACK:
        return max((look.percent for look in looks), default=SHADOW)
    return rollout.percent


def _state_of(rollout: Rollout) -> str:
    return {Stage.LIVE: "done", Stage.ROLLED_BACK: "stopped"}.get(Stage(rollout.stage), "now")


def _told_now(rollout: Rollout, told: str) -> str:
    words = {Stage.ROLLED_BACK: _("rolled back"), Stage.PAUSED: _("paused"), Stage.LIVE: _("live")}
    word = words.get(Stage(rollout.stage), "")
    return ", ".join(part for part in (word, told) if part)


def fixed(build: Build | None, titles: Mapping[str, str]) -> list[Gained]:
    """The skills that a build clearly made better, the largest step first."""
    report = build.report.get("skills", {}) if build else {}
    gained = [
        Gained(titles.get(n, n), s["before"], s["after"]) for n, s in report.items() if s["low"] > 0
    ]
    return sorted(gained, key=lambda skill: skill.before - skill.after)


def evidence(looks: Sequence[Look]) -> Plot | None:
    """What the gates had collected at each look, as a share of what decides."""
    stages: list[tuple[int, str]] = []
    readings: list[Reading] = []
    for number, look in enumerate(looks, start=1):
        name = _stage_name(look)
        if not stages or stages[-1][1] != name:
            stages.append((number, name))
        readings += [
            Reading(
                look.requests, _question(gate), gate["e_value"] / gate["threshold"], name, number
            )
            for gate in _leading(look.statistics.get("gates", []))
        ]
    return evidence_over_looks(readings, stages) if readings else None


def latest_gates(rollout: Rollout, looks: Sequence[Look]) -> list[dict[str, Any]]:
    """Every gate as it stands, the ones that decided or are nearest to it first."""
    gates = rollout.statistics.get("gates")
    if gates is None and looks:
        gates = looks[-1].statistics.get("gates")
    told = [
        {
            **gate,
            "says": _question(gate),
            "share": 100 * min(gate["e_value"] / gate["threshold"], 1),
            "bound": gate["upper"] if gate["question"] == "harm" else gate["lower"],
            "side": _("at best") if gate["question"] == "harm" else _("at worst"),
        }
        for gate in gates or []
    ]
    return sorted(told, key=lambda gate: -gate["share"])


def criteria(rollout: Rollout) -> list[tuple[str, object]]:
    """What was agreed before the candidate existed, in words."""
    agreed = rollout.criteria
    if not agreed:
        return []
    titles = agreed.get("titles", {})
    protected = "; ".join(titles.get(n, n) for n in agreed["protected"])
    harmed = _("at most %s %% false alarms a stage") % f"{100 * agreed['alpha_harm']:g}"
    widened = _("in at most %s %% of cases a stage") % f"{100 * agreed['alpha_widen']:g}"
    least = _("%(pairs)d pairs in shadow, then %(answers)d judged answers a stage") % {
        "pairs": agreed["min_pairs"],
        "answers": agreed["min_candidate_outcomes"],
    }
    return [
        (_("Taken back when worse"), harmed),
        (_("Widened when no worse"), _("by %s points overall") % f"{agreed['overall_margin']:g}"),
        (_("Wrongly widened"), widened),
        (_("Protected skills"), protected or _("none")),
        (_("Least evidence"), least),
    ]


def _stage_name(look: Look) -> str:
    return _("shadow") if look.percent == SHADOW else f"{look.percent} %"


def _question(gate: dict[str, Any]) -> str:
    title = gate.get("title", gate["stream"])
    return _(QUESTIONS[gate["question"]]) % (_("overall") if title == "overall" else title)


def _leading(gates: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The overall questions, and the skill that looks worst: more lines than that tell less."""
    overall = [g for g in gates if g["stream"] == "overall" and g["question"] != "better"]
    skills = [g for g in gates if g["stream"] != "overall" and g["question"] == "harm" and g["n"]]
    worst = max(skills, key=lambda gate: gate["e_value"] / gate["threshold"], default=None)
    return [*overall, {**worst, "title": _("worst skill")}] if worst else overall
