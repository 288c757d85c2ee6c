"""What only a page asks: things that belong to several apps at once."""

from typing import NamedTuple

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from apps.accounts.models import Account
from apps.builds import queries as builds
from apps.builds.models import Build
from apps.builds.stages import Stage as BuildStage
from apps.contributions.models import Contribution, Row
from apps.contributions.stages import Stage
from apps.pages.plots import Skill as Measured
from apps.rollouts.models import Rollout
from apps.skills.models import ModelLine, Skill
from apps.traces.models import Arm, Outcome, Trace

CLOSED = (Stage.ACCEPTED, Stage.REJECTED, Stage.WITHDRAWN)
LATEST = 50

STATES = {
    "open": Q(stage__in=set(Stage) - set(CLOSED) - {Stage.DRAFT}),
    "accepted": Q(stage=Stage.ACCEPTED),
    "closed": Q(stage__in=[Stage.REJECTED, Stage.WITHDRAWN]),
    "all": Q(),
}


class Standing(NamedTuple):
    """How well the live model does one skill, in percent; None where nobody has measured it."""

    skill: Skill
    score: float | None
    waiting: int


def standings(line: ModelLine) -> tuple[list[Standing], Build | None]:
    """Every skill with the live version's score, worst first, and the build that measured it.

    The score is the live build's own, or, while the base model serves, what the latest
    comparison found before training.
    """
    live = builds.live_build(line)
    measured = live or builds.recent(line).filter(stage=BuildStage.READY).first()
    report = measured.report.get("skills", {}) if measured else {}
    waiting = dict(
        Contribution.objects.filter(line=line, stage__in=[Stage.IN_REVIEW, Stage.SUBMITTED])
        .values_list("skill")
        .annotate(Count("pk"))
        .order_by()
    )
    found = [
        Standing(
            skill,
            report.get(skill.name, {}).get("after" if live else "before"),
            waiting.get(skill.pk, 0),
        )
        for skill in line.skills.all()
    ]
    found.sort(key=lambda s: (s.score is None, s.score or 0))
    return found, measured


def measured_skills(build: Build) -> list[Measured]:
    """The skills of a build's report, as the plot takes them."""
    titles = dict(build.line.skills.values_list("name", "title"))
    return [
        Measured(
            name=titles.get(name, name),
            before=skill["before"],
            after=skill["after"],
            low=skill["low"],
            high=skill["high"],
            protected=skill.get("protected", False),
            margin=skill.get("margin", 0.0),
            cases=skill.get("cases", 0),
        )
        for name, skill in build.report.get("skills", {}).items()
    ]


def wrong_answers_for(account: Account, limit: int = 5) -> list[Trace]:
    """The newest answers that this person got or judged, that were found wrong and not corrected.

    What others asked is theirs; nobody else is shown it. Only the latest are searched, so that a
    service with a million answers waits no longer than a newcomer.
    """
    wrong = Outcome.objects.filter(success=False)
    judged = wrong.filter(judge=account).order_by("-pk").values("trace")[:LATEST]
    asked = Trace.objects.filter(asked_by=account).order_by("-pk").values("pk")[:LATEST]
    corrected = Row.objects.filter(trace=OuterRef("pk"))
    mine = Trace.objects.filter(Q(pk__in=judged) | Q(pk__in=asked)).exclude(arm=Arm.SHADOW)
    open_ones = mine.filter(Exists(wrong.filter(trace=OuterRef("pk")))).exclude(Exists(corrected))
    return list(open_ones.select_related("skill").order_by("-pk")[:limit])


def trace_for(account: Account, public_id: str) -> Trace | None:
    """The answer that a correction starts from, if this person asked for it or judged it."""
    key = public_id.removeprefix("tr_")
    if not key.isdigit() or len(key) > 18:
        return None
    mine = Q(asked_by=account) | Q(outcomes__judge=account)
    return Trace.objects.filter(mine, pk=int(key)).exclude(arm=Arm.SHADOW).first()


def rollouts_of(build_ids: list[int]) -> list[Rollout]:
    """The rollouts of these builds' versions, oldest first."""
    rollouts = Rollout.objects.filter(candidate__build__in=build_ids)
    return list(rollouts.select_related("candidate", "channel").order_by("pk"))


def place_in_queue(contribution: Contribution) -> int:
    """How many PRs wait longer for a review, and this one."""
    waiting = Contribution.objects.filter(line=contribution.line_id, stage=Stage.IN_REVIEW)
    return waiting.filter(pk__lte=contribution.pk).count()


def listed(
    state: str, *, skill: str = "", author: str = "", text: str = ""
) -> QuerySet[Contribution]:
    """The PRs that a filter of the list asks for."""
    found = Contribution.objects.exclude(stage=Stage.DRAFT).filter(STATES.get(state, Q()))
    found = found.select_related("author", "skill")
    if skill:
        found = found.filter(skill__name=skill)
    if author:
        found = found.filter(author__username=author)
    if text.removeprefix("#").isdigit():
        return found.filter(pk=int(text.removeprefix("#")[:18]))
    return found.filter(title__icontains=text) if text else found
