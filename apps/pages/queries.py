"""What only a page asks: things that belong to several apps at once."""

from typing import Any, NamedTuple

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject

from apps.accounts.models import Account
from apps.builds import queries as builds
from apps.builds.models import Build, Entry
from apps.builds.stages import Stage as BuildStage
from apps.contributions.discussion.models import Involvement, Label
from apps.contributions.models import Contribution, Row
from apps.contributions.stages import Stage
from apps.pages.plots import Skill as Measured
from apps.rollouts.models import Rollout
from apps.skills.models import ModelLine, Skill
from apps.traces.models import Arm, Outcome, Trace

LATEST = 50


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


def rollouts_of(build_ids: list[int]) -> list[Rollout]:
    """The rollouts of these builds' versions, oldest first."""
    rollouts = Rollout.objects.filter(candidate__build__in=build_ids)
    return list(rollouts.select_related("candidate", "channel").order_by("pk"))


def with_marks(found: QuerySet[Contribution]) -> QuerySet[Contribution]:
    """Contributions with what stands around their titles, without a further question.

    `label_list` (name, tone), `involved_list` (part, name), `first_of_author`, and `taken_out_by`
    (number and stage of a PR that takes the rows out again, if there is one).
    """
    label = Label.contributions.through.objects.filter(contribution=OuterRef("pk"))
    label = label.order_by("label__name")
    part = Involvement.objects.filter(contribution=OuterRef("pk")).order_by("account__username")
    earlier = Contribution.objects.filter(author=OuterRef("author"), pk__lt=OuterRef("pk"))
    out = Contribution.objects.filter(reverts=OuterRef("pk"))
    out = out.exclude(stage__in=[Stage.REJECTED, Stage.WITHDRAWN])
    return found.select_related("author", "skill", "line", "reverts").annotate(
        label_list=ArraySubquery(
            label.values(it=JSONObject(name="label__name", tone="label__tone"))
        ),
        involved_list=ArraySubquery(
            part.values(it=JSONObject(part="part", name="account__username"))
        ),
        first_of_author=~Exists(earlier.exclude(stage=Stage.DRAFT)),
        taken_out_by=Subquery(out.values(it=JSONObject(number="pk", stage="stage"))[:1]),
    )


class Effect(NamedTuple):
    """What a build that holds the PR did to the PR's skill, in percent; None where unmeasured."""

    entry: Entry
    skill: dict[str, Any] | None
    overall: dict[str, Any] | None
    rollouts: list[Rollout]


def effects_of(contribution: Contribution) -> list[Effect]:
    """Every build that the PR is in, oldest first, and what was measured of it."""
    entries = Entry.objects.filter(contribution=contribution).select_related("build")
    found = list(entries.order_by("build"))
    rolled = rollouts_of([entry.build_id for entry in found]) if found else []
    name = contribution.skill.name if contribution.skill else ""
    return [
        Effect(
            entry,
            entry.build.report.get("skills", {}).get(name),
            entry.build.report.get("overall"),
            [r for r in rolled if r.candidate.build_id == entry.build_id],
        )
        for entry in found
    ]
