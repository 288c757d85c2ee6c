"""Asking what is live, what is under way, and which version answers whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.rollouts.assignment import gets_candidate
from apps.rollouts.errors import UnknownVersion
from apps.rollouts.gates import Arm as GateArm
from apps.rollouts.gates import Criteria, Outcome, Pair
from apps.rollouts.models import Channel, Rollout, Version
from apps.rollouts.stages import Stage
from apps.skills.models import ModelLine
from apps.traces import queries as traces
from apps.traces import rules
from apps.traces.models import Arm, Trace

UNDER_WAY = (Stage.SHADOW, Stage.WIDENING, Stage.PAUSED)


@dataclass(frozen=True)
class Route:
    """Who answers a request: the version, its arm, the experiment, and who answers unseen."""

    version: Version
    arm: Arm
    experiment: str = ""
    shadow: Version | None = None


def channel_named(line: ModelLine, name: str) -> Channel:
    """The channel, with its live version; `UnknownVersion` else."""
    channel = line.channels.select_related("live", "line").filter(name=name).first()
    if channel is None:
        names = ", ".join(line.channels.values_list("name", flat=True)) or _("none yet")
        said = _("no channel “%(name)s” of %(line)s; there are: %(names)s")
        raise UnknownVersion(said % {"name": name, "line": line, "names": names})
    return channel


def version_named(name: str) -> Version:
    """The published version of this name or digest; `UnknownVersion` else."""
    versions = Version.objects.select_related("line")
    version = versions.filter(name=name).first() or versions.filter(digest=name).first()
    if version is None:
        said = _("no version “%(name)s”; ask /v1/models for those there are")
        raise UnknownVersion(said % {"name": name})
    return version


def under_way(channel: Channel) -> Rollout | None:
    """The rollout that is under way on a channel, if any."""
    rollouts = Rollout.objects.select_related("candidate", "incumbent", "channel__line")
    return rollouts.filter(channel=channel, stage__in=UNDER_WAY).first()


def moving() -> QuerySet[Rollout]:
    """Rollouts that the next tick looks at."""
    return Rollout.objects.filter(stage__in=[Stage.SHADOW, Stage.WIDENING]).order_by("pk")


def recent() -> QuerySet[Rollout]:
    """Rollouts, newest first."""
    return Rollout.objects.select_related(
        "candidate", "candidate__build", "incumbent", "channel", "channel__line", "started_by"
    )


def wanted() -> list[Version]:
    """Versions that the runtime must have loaded: what is live, and candidates under way."""
    live = Version.objects.filter(pk__in=Channel.objects.values("live"))
    candidates = Version.objects.filter(rollouts__stage__in=UNDER_WAY)
    return list((live | candidates).distinct())


def route(channel: Channel, user: str) -> Route:
    """Which version answers this user on this channel now."""
    rollout = under_way(channel)
    if rollout is None or rollout.stage == Stage.PAUSED:
        return Route(channel.live, Arm.LIVE)
    if rollout.stage == Stage.SHADOW:
        return Route(channel.live, Arm.LIVE, rollout.experiment, shadow=rollout.candidate)
    if gets_candidate(user, salt=rollout.salt, percent=rollout.percent):
        return Route(rollout.candidate, Arm.CANDIDATE, rollout.experiment)
    return Route(channel.live, Arm.LIVE, rollout.experiment)


def new_pairs(rollout: Rollout) -> tuple[list[Pair], int, int]:
    """Shadow pairs that the gates have not seen, the last trace among them, and how many of them
    nobody judged in time.

    Pairs count in the order of their requests, and reading stops at the first one that differs
    and is not judged yet: taking the identical ones first would flatter the candidate. One that
    has waited too long counts against the candidate, so that nobody can hold the stage by silence.
    """
    pairs, read_to, missed = [], rollout.read_to, 0
    criteria = Criteria.from_json(rollout.criteria)
    too_old = timezone.now() - timedelta(hours=criteria.judge_within_hours)
    shadows = traces.pairs(rollout.experiment).filter(pk__gt=rollout.read_to)
    for shadow in shadows.prefetch_related("outcomes", "mirror_of__outcomes"):
        judged = _judged(shadow)
        if judged is None and shadow.created_at > too_old:
            break
        missed += judged is None
        live_ok, candidate_ok = judged or (True, False)
        skill = shadow.skill.name if shadow.skill else ""
        pairs.append(Pair(skill=skill, live_ok=live_ok, candidate_ok=candidate_ok))
        read_to = shadow.pk
    return pairs, read_to, missed


def pairs_to_judge(judge: Account) -> QuerySet[Trace]:
    """Pairs whose judgement can still count, for somebody who may judge them, oldest first."""
    waits = Q(pk=None)
    for rollout in Rollout.objects.filter(stage__in=[Stage.SHADOW, Stage.PAUSED], percent=0):
        # A paused rollout goes on with the evidence of its shadow stage.
        experiment = f"{rollout.pk}:{Stage.SHADOW}:0"
        waits |= Q(experiment=experiment, pk__gt=rollout.read_to)
    return rules.pairs_for(judge).filter(waits)


def _judged(shadow: Trace) -> tuple[bool, bool] | None:
    """Whether the live and the shadow answer were right; None while nobody has said so."""
    live = shadow.mirror_of
    if live is None:
        return None
    if shadow.error:
        return True, False
    said = {outcome.judge_id: outcome.success for outcome in live.outcomes.all()}
    if shadow.answer == live.answer:
        # Equal answers are equally right; nobody needs to judge them for the difference.
        right = next(iter(said.values()), True)
        return right, right
    for outcome in shadow.outcomes.all():
        if outcome.judge_id in said:
            return said[outcome.judge_id], outcome.success
    return None


def new_outcomes(rollout: Rollout) -> tuple[list[Outcome], int]:
    """Judged canary answers that the gates have not seen, in order, and the last one's key."""
    outcomes, read_to = [], rollout.read_to
    for outcome in traces.outcomes_after(rollout.experiment, rollout.read_to):
        trace = outcome.trace
        arm: GateArm = "candidate" if trace.arm == Arm.CANDIDATE else "live"
        skill = trace.skill.name if trace.skill else ""
        outcomes.append(Outcome(arm=arm, skill=skill, user=trace.user, ok=outcome.success))
        read_to = outcome.pk
    return outcomes, read_to


def assigned_users(rollout: Rollout) -> dict[GateArm, int]:
    """Distinct users that this stage has given to each arm, judged or not."""
    counts = dict(
        Trace.objects.filter(experiment=rollout.experiment)
        .values_list("arm")
        .annotate(Count("user", distinct=True))
        .order_by()
    )
    return {"live": counts.get(Arm.LIVE, 0), "candidate": counts.get(Arm.CANDIDATE, 0)}


def answered_by_candidate(rollout: Rollout) -> int:
    """Answers of the candidate in the present stage."""
    arms = [Arm.CANDIDATE, Arm.SHADOW]
    return Trace.objects.filter(experiment=rollout.experiment, arm__in=arms).count()


def requests_of(rollout: Rollout) -> int:
    """Requests that the rollout has seen in all its stages, shadow answers not counted."""
    started = Trace.objects.filter(experiment__startswith=f"{rollout.pk}:")
    return started.exclude(arm=Arm.SHADOW).count()
