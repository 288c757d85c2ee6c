"""The plots of the pages: skills before and after, evidence over looks, PRs by week."""

import math
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any, NamedTuple

from django.utils.formats import date_format
from django.utils.translation import gettext as _

from apps.pages.drawing import COLOUR, Plot, entry, plot

POINT = {"filled": True, "size": 25, "opacity": 1}
# Lines differ by colour and by dash.
SERIES: tuple[tuple[str, tuple[int, ...]], ...] = (
    ("after", ()),
    ("second", (6, 3)),
    ("third", (2, 3)),
    ("fourth", (8, 3, 2, 3)),
)
# How an axis of powers of ten is lettered: 1/100, 1/10, 1, 10, 100, 1k.
DECADES = "datum.value < 0 ? '1/' + pow(10, -datum.value) : format(pow(10, datum.value), '~s')"


class Skill(NamedTuple):
    """One skill before and after, in percent; `low` and `high` bound the change in points."""

    name: str
    before: float
    after: float
    low: float
    high: float
    protected: bool = False
    margin: float = 0.0
    cases: int = 0


class Reading(NamedTuple):
    """What a gate had collected at a look, as a share of what it needs to decide."""

    requests: int
    gate: str
    share: float
    stage: str = ""
    look: int = 0


class Week(NamedTuple):
    """PRs of the week that starts on `monday`."""

    monday: date
    submitted: int
    accepted: int
    shipped: int


def comparison(skills: Iterable[Skill]) -> Plot:
    """Each skill before → after with the interval of the change, protected margins marked."""
    ordered = sorted(skills, key=lambda s: s.before - s.after)
    values = [
        {
            "skill": s.name,
            "before": s.before,
            "after": s.after,
            "low": _within(s.before + s.low),
            "high": _within(s.before + s.high),
            "floor": _within(s.before - s.margin) if s.protected else None,
        }
        for s in ordered
    ]
    skill = {"field": "skill", "type": "nominal", "sort": None, "title": None}
    axis = {"title": _("answered right, % of hidden cases"), "scale": {"domain": [0, 100]}}

    def mark(kind: str, field: str, colour: str, to: str = "", **look: Any) -> dict[str, Any]:
        encoding: dict[str, Any] = {
            "y": skill,
            "x": {"field": field, "type": "quantitative", **axis},
            "color": {"value": COLOUR[colour]},
        }
        if to:
            encoding["x2"] = {"field": to}
        return {"mark": {"type": kind, "opacity": 1, **look}, "encoding": encoding}

    layers = [
        mark("rule", "low", "band", to="high", strokeWidth=9, strokeCap="round"),
        mark("rule", "before", "before", to="after", strokeWidth=2),
        mark("tick", "floor", "margin", thickness=2, size=18),
        mark("point", "before", "before", filled=True, size=55, shape="circle"),
        mark("point", "after", "after", filled=True, size=95, shape="diamond"),
    ]
    protected = sum(s.protected for s in ordered)
    return plot(
        _("Skills before and after"),
        _compared(ordered),
        values,
        layers,
        height=lambda width: 30 * max(len(ordered), 1),
        legend=[
            entry("before", _("before"), "dot"),
            entry("after", _("after"), "diamond"),
            entry("band", _("95 % interval of the change"), "bar"),
            *([entry("margin", _("lowest allowed, protected skill"), "tick")] if protected else []),
        ],
        columns=(
            _("Skill"),
            _("Before, %"),
            _("After, %"),
            _("Points"),
            _("Low"),
            _("High"),
            _("Margin"),
            _("Cases"),
        ),
        rows=[
            (
                s.name,
                s.before,
                s.after,
                _signed(s.after - s.before),
                _signed(s.low),
                _signed(s.high),
                s.margin if s.protected else None,
                s.cases or None,
            )
            for s in ordered
        ],
    )


def _signed(points: float) -> str:
    return f"{points:+.1f}".replace("-", "−") if abs(points) >= 0.05 else "0.0"


def _within(percent: float) -> float:
    return min(max(percent, 0.0), 100.0)


def _compared(skills: Sequence[Skill]) -> str:
    better = [s for s in skills if s.low > 0]
    worse = [s for s in skills if s.high < 0]
    broken = [s for s in skills if s.protected and s.low < -s.margin]
    told = [
        _("%(better)d of %(all)d skills are clearly better, %(worse)d clearly worse")
        % {"better": len(better), "all": len(skills), "worse": len(worse)},
        _("the others cannot be told apart from before")
        if len(better) + len(worse) < len(skills)
        else "",
        _("of %s a fall beyond the margin is not ruled out") % ", ".join(s.name for s in broken)
        if broken
        else "",
    ]
    return "; ".join(part for part in told if part) + "."


def evidence_over_looks(
    readings: Sequence[Reading], stages: Sequence[tuple[int, str]] = ()
) -> Plot:
    """The evidence of each gate at each look, with the line where a gate decides.

    `stages` are (first look, name) and are drawn as upright lines; evidence starts anew in each.
    A look is one step along the axis: shadow sees a hundred times the answers that 1 % does.
    """
    names = list(dict.fromkeys(r.gate for r in readings))
    values = [
        {"look": r.look, "gate": r.gate, "stage": r.stage, "evidence": _decades(r.share)}
        for r in readings
    ]
    decades = [_decades(r.share) for r in readings]
    y = {
        "field": "evidence",
        "type": "quantitative",
        "title": _("evidence, 1 decides"),
        "scale": {"domain": [math.floor(min([-1, *decades])), math.ceil(max([1, *decades]))]},
        "axis": {"tickMinStep": 1, "labelExpr": DECADES},
    }
    x = {
        "field": "look",
        "type": "quantitative",
        "title": _("look of the gates"),
        "axis": {"tickMinStep": 1},
        "scale": {"nice": False, "domain": [0.5, max([1, *(r.look for r in readings)]) + 0.5]},
    }
    entries = {"values": [{"look": at - 0.5, "name": name} for at, name in stages]}
    soft = {"value": COLOUR["soft"]}
    layers: list[dict[str, Any]] = [
        {
            "data": entries,
            "mark": {"type": "rule", "strokeWidth": 1, "strokeDash": [2, 3]},
            "encoding": {"x": x, "color": soft},
        },
        {
            "data": entries,
            "mark": {"type": "text", "align": "left", "dx": 4, "y": 8, "fontSize": 12},
            "encoding": {"x": x, "text": {"field": "name"}, "color": soft},
        },
        {
            "data": {"values": [{"evidence": 0}]},
            "mark": {"type": "rule", "strokeWidth": 2, "strokeDash": [6, 4]},
            "encoding": {"y": y, "color": {"value": COLOUR["margin"]}},
        },
        *(_line(name, x, y, *SERIES[n % len(SERIES)]) for n, name in enumerate(names)),
    ]
    decided = sorted({r.gate for r in readings if r.share >= 1})
    last = {r.gate: r for r in readings}
    return plot(
        _("Evidence of the gates"),
        _("Decided: %s.") % ", ".join(decided) if decided else _("No gate has decided yet."),
        values,
        layers,
        height=lambda width: 260,
        legend=[
            *(
                entry(SERIES[n % len(SERIES)][0], name, "line", SERIES[n % len(SERIES)][1])
                for n, name in enumerate(names)
            ),
            entry("margin", _("enough to decide"), "line", (6, 4)),
        ],
        columns=(_("Gate"), _("Stage"), _("Answers"), _("Evidence, 1 decides")),
        rows=[
            (name, last[name].stage, last[name].requests, _times(last[name].share))
            for name in names
        ],
    )


def _line(
    name: str, x: dict[str, Any], y: dict[str, Any], colour: str, dash: Sequence[int]
) -> dict[str, Any]:
    return {
        "transform": [{"filter": {"field": "gate", "equal": name}}],
        "mark": {"type": "line", "strokeWidth": 2, "strokeDash": list(dash), "point": POINT},
        "encoding": {
            "x": x,
            "y": y,
            "detail": {"field": "stage", "type": "nominal"},
            "color": {"value": COLOUR[colour]},
        },
    }


def _times(share: float) -> str:
    if share >= 1000:
        return _("over 1,000")
    return f"{share:.2g}" if share >= 0.001 else _("under 0.001")


def _decades(share: float) -> float:
    return math.log10(min(max(share, 1e-3), 1e3))


def weeks(counts: Sequence[Week]) -> Plot:
    """PRs a week: submitted, and within them accepted and shipped."""
    values = [
        {
            "week": date_format(week.monday, _("j M")),
            "submitted": week.submitted,
            "accepted": week.accepted,
            "shipped": week.shipped,
        }
        for week in counts
    ]
    week = {
        "field": "week",
        "type": "ordinal",
        "sort": None,
        "title": None,
        "axis": {"labelAngle": 0, "labelOverlap": True, "ticks": False},
    }

    def bars(field: str, colour: str, share: float) -> dict[str, Any]:
        return {
            "mark": {"type": "bar", "width": {"band": share}, "cornerRadiusEnd": 2},
            "encoding": {
                "x": week,
                "y": {
                    "field": field,
                    "type": "quantitative",
                    "title": _("PRs"),
                    "axis": {"tickMinStep": 1},
                },
                "color": {"value": COLOUR[colour]},
            },
        }

    return plot(
        _("PRs a week"),
        _("%(sent)d PRs in %(weeks)d weeks, %(accepted)d accepted, %(serving)d serving.")
        % {
            "sent": sum(w.submitted for w in counts),
            "weeks": len(counts),
            "accepted": sum(w.accepted for w in counts),
            "serving": sum(w.shipped for w in counts),
        },
        values,
        [
            bars("submitted", "band", 0.72),
            bars("accepted", "before", 0.46),
            bars("shipped", "after", 0.22),
        ],
        height=lambda width: 220,
        legend=[
            entry("band", _("submitted"), "bar"),
            entry("before", _("accepted"), "bar"),
            entry("after", _("serving"), "bar"),
        ],
        columns=(_("Week of"), _("Submitted"), _("Accepted"), _("Serving")),
        rows=[
            (date_format(w.monday, _("j F Y")), w.submitted, w.accepted, w.shipped)
            for w in counts
            if w.submitted
        ],
    )
