"""What it is worth that somebody reads an item now, as numbers and as a sentence.

    impact (demand of its skill × votes × its cluster of failures) × novelty × fit × age
    ───────────────────────────────────────────────────────────────────────────────────
                              minutes that reading it takes

What an item brings with it is stored as a logarithm; what changes with traffic or with the reader
belongs to a whole heap and is added when the heads of the heaps are merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import log2

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.accounts.statements import Hole, Statement
from apps.checks.hints import novelty
from apps.contributions.models import Contribution
from apps.contributions.queries import rows_of
from apps.reviews.queue.models import Demand, Habits, Place
from apps.reviews.queue.policy import QueueRule
from apps.skills.models import ModelLine, Skill
from apps.traces.clusters import Cluster, form_of
from apps.traces.models import Outcome

# Even what stands there word for word is read one day.
LEAST_NOVELTY = 0.05
ROWS_LOOKED_AT = 200

DEMAND = Statement(lambda: Demand.objects.filter(pk=Hole("heap")))
DEMANDS = Statement(lambda: Demand.objects.values_list("heap", "traffic", "failing"))
POLICIES = Statement(lambda: ModelLine.objects.values_list("pk", "policy"))
SKILLS = Statement(lambda: Skill.objects.order_by().values_list("pk", "line", "protected"))


@dataclass(frozen=True)
class Factor:
    """One factor of the score: its name for programs, its value, and what it says."""

    name: str
    value: float
    says: str


@dataclass(frozen=True)
class Score:
    """Why an item is offered: the product of its factors, and the sentence that names them."""

    value: float
    factors: list[Factor]
    says: str


def heap_of(contribution: Contribution) -> int:
    """The heap on which it waits: its skill's, or its line's where it has no single skill."""
    return contribution.skill_id or -contribution.line_id


def own_factors(
    contribution: Contribution, clusters: Iterable[Cluster] = ()
) -> dict[str, float | int]:
    """What a contribution brings with it: people it would help, and how new it is.

    `judges` found the answers wrong that it corrects; `askers` asked what it answers and got wrong
    answers; `novelty` is from 0 to 1; `rows` are to be read.
    """
    rows = rows_of(contribution)
    traces = rows.exclude(trace=None).values("trace")[:ROWS_LOOKED_AT]
    wrong = Outcome.objects.filter(trace__in=traces, success=False)
    asking = {cluster.form: cluster.askers for cluster in clusters}
    prompts = rows.values_list("prompt", flat=True)[:ROWS_LOOKED_AT] if asking else ()
    return {
        "judges": wrong.exclude(judge=contribution.author).values("judge").distinct().count(),
        "askers": max((asking.get(form_of(prompt), 0) for prompt in prompts), default=0),
        "novelty": round(max(LEAST_NOVELTY, novelty(contribution)), 4),
        "rows": contribution.row_count,
    }


def own_worth(factors: Mapping[str, float | int], rule: QueueRule) -> float:
    """The logarithm (base 2) of what a contribution is worth by itself, for each minute of reading.

    What gives most in a minute comes first: W. E. Smith, Naval Research Logistics Quarterly 3
    (1956), 59–66.
    """
    worth = _votes(factors) * _cluster(factors) * factors["novelty"]
    return log2(worth / _minutes(factors, rule))


def standing_of(worth: float, counts_from: datetime, rule: QueueRule) -> float:
    """Worth less arrival, in half-lives: the order by it is the order by worth × age, for ever."""
    return worth - counts_from.timestamp() / rule.half_life


def demands() -> dict[int, float]:
    """For every heap the logarithm (base 2) of how much its skill is asked for."""
    shares = {heap: (traffic + failing) / 2 for heap, traffic, failing in DEMANDS.all()}
    rules = {line: QueueRule.said(policy) for line, policy in POLICIES.all()}
    found = {-line: log2(_demand(shares.get(-line), rule)) for line, rule in rules.items()}
    for skill, line, protected in SKILLS.all():
        share = shares.get(skill)
        found[skill] = log2(_demand(share, rules[line], protected=protected))
    return found


def boosts(habits: Habits | None, rule: QueueRule) -> dict[int, float]:
    """For every heap the logarithm (base 2) of demand × fit for this reviewer."""
    known = {skill.pk for skill in habits.skills.all()} if habits else set()
    return {heap: bits + log2(_fit(heap, known, rule)) for heap, bits in demands().items()}


def explain(place: Place, item: Contribution, *, habits: Habits | None, at: datetime) -> Score:
    """The score of an item for a reviewer at a moment, factor by factor."""
    skill, rule = item.skill, QueueRule.of(item.line)
    known = {one.pk for one in habits.skills.all()} if habits else set()
    measured = DEMAND.first(heap=place.heap)
    waited = max(0.0, (at - place.counts_from).total_seconds())
    factors = [
        _demand_factor(measured, rule, skill),
        _votes_factor(place.factors),
        _cluster_factor(place.factors),
        _novelty_factor(place.factors["novelty"]),
        _effort_factor(_minutes(place.factors, rule)),
        _fit_factor(_fit(place.heap, known, rule), skill, known),
        _age_factor(waited, 2 ** (waited / rule.half_life)),
    ]
    value = 1.0
    for factor in factors:
        value *= factor.value
    telling = [factor.says for factor in factors if factor.says]
    if place.held_back:
        telling.append(_("held back while the desk was full"))
    if place.flagged:
        telling.append(_("several reviewers skipped it"))
    return Score(value, factors, "; ".join(telling))


def _demand(share: float | None, rule: QueueRule, *, protected: bool = False) -> float:
    return max(rule.least_demand, share or 0.0) * (rule.protected if protected else 1.0)


def _votes(factors: Mapping[str, float | int]) -> float:
    return 1 + log2(1 + factors["judges"])


def _cluster(factors: Mapping[str, float | int]) -> float:
    return 1 + log2(1 + factors["askers"])


def _minutes(factors: Mapping[str, float | int], rule: QueueRule) -> float:
    # A place that was given before rows were counted tells none.
    minutes = rule.minutes_a_pr + rule.minutes_a_row * factors.get("rows", 0)
    return min(rule.most_minutes, minutes)


def _fit(heap: int, known: set[int], rule: QueueRule) -> float:
    return rule.elsewhere if known and heap > 0 and heap not in known else 1.0


def _demand_factor(measured: Demand | None, rule: QueueRule, skill: Skill | None) -> Factor:
    share = (measured.traffic + measured.failing) / 2 if measured else None
    value = _demand(share, rule, protected=bool(skill and skill.protected))
    said = ""
    if measured and skill:
        said = _("%(skill)s has %(traffic)d %% of the traffic and %(failing)d %% of failures") % {
            "skill": skill.title,
            "traffic": round(100 * measured.traffic),
            "failing": round(100 * measured.failing),
        }
    return Factor("demand", value, said)


def _votes_factor(factors: Mapping[str, float | int]) -> Factor:
    judges = int(factors["judges"])
    said = ngettext("%d person found the answer wrong", "%d people found the answers wrong", judges)
    return Factor("votes", _votes(factors), said % judges if judges else "")


def _cluster_factor(factors: Mapping[str, float | int]) -> Factor:
    askers = int(factors["askers"])
    said = ngettext("%d person asked the like", "%d people asked the like", askers)
    return Factor("cluster", _cluster(factors), said % askers if askers else "")


def _novelty_factor(share: float) -> Factor:
    said = _("%d %% new beside what is accepted") % round(100 * share)
    return Factor("novelty", share, said)


def _effort_factor(minutes: float) -> Factor:
    whole = round(minutes)
    said = ngettext("%d minute to read", "%d minutes to read", whole) % whole
    return Factor("effort", 1 / minutes, said)


def _fit_factor(value: float, skill: Skill | None, known: set[int]) -> Factor:
    if not known or skill is None:
        return Factor("fit", value, "")
    return Factor("fit", value, _("one of your skills") if value == 1 else _("not your skill"))


def _age_factor(waited: float, value: float) -> Factor:
    hours = round(waited / 3600)
    said = ngettext("it has waited %d hour", "it has waited %d hours", hours) % hours
    return Factor("age", value, said if hours else _("it has just come"))
