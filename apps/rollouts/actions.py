"""Publishing versions, starting rollouts, and taking one step of a rollout a tick."""

from __future__ import annotations

import secrets
from dataclasses import replace

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.builds import actions as builds
from apps.builds.models import Build, Verdict
from apps.builds.stages import Stage as BuildStage
from apps.history.actions import Actor, move, record
from apps.history.errors import MoveRefused
from apps.rollouts import gates, queries, rules, upstream
from apps.rollouts.errors import ChannelBusy, RolloutRefused, UnfitBuild
from apps.rollouts.models import Channel, Look, Rollout, Version
from apps.rollouts.stages import STEPS, Stage
from apps.skills.models import ModelLine

# A stage of ten thousand looks keeps a few dozen: one each time the evidence has grown by a fifth.
LOOK_GROWTH = 1.2


def publish_base(line: ModelLine, *, name: str, digest: str, channel: str, by: Actor) -> Channel:
    """Publish the base model as the first version of a channel; repeating it changes nothing."""
    with transaction.atomic():
        version, _ = Version.objects.get_or_create(
            digest=digest, defaults={"line": line, "name": name, "path": line.base}
        )
        opened, new = Channel.objects.get_or_create(
            line=line, name=channel, defaults={"live": version}
        )
        if new:
            record(opened, "opened", by=by, details={"live": version.name, "digest": digest})
    return opened


def start(build: Build, channel: Channel, *, by: Account) -> Rollout:
    """Publish a build's adapter and begin its rollout in shadow.

    Raises `UnfitBuild` for a build that is not ready or whose refusal stands, `ChannelBusy` while
    another rollout is under way, and `UpstreamRefused` when the runtime cannot load the adapter.
    """
    rules.ensure_may_start(by)
    _ensure_fit(build)
    version = _publish(build, by)
    upstream.ensure_loaded(version)
    try:
        with transaction.atomic():
            rollout = Rollout.objects.create(
                channel=channel,
                candidate=version,
                incumbent=channel.live,
                salt=secrets.token_hex(16),
                criteria=criteria_of(channel.line).to_json(),
                started_by=by,
            )
            details = {"candidate": version.name, "incumbent": channel.live.name}
            record(rollout, "started", by=by, entered=Stage.SHADOW, details=details)
    except IntegrityError as error:
        said = _("a rollout is already under way on %(channel)s")
        raise ChannelBusy(said % {"channel": channel}) from error
    return rollout


def criteria_of(line: ModelLine) -> gates.Criteria:
    """What a candidate of this line has to show: the line's policy over its skills."""
    skills = list(line.skills.all())
    policy = line.policy.get("rollout", {})
    return replace(
        gates.Criteria(**policy),
        titles={skill.name: skill.title for skill in skills},
        protected=tuple(skill.name for skill in skills if skill.protected),
        watched=tuple(skill.name for skill in skills if not skill.protected),
    )


def step(pk: int) -> gates.Decision | None:
    """Look at the new evidence of one rollout and take at most one step.

    Returns None when another worker holds the rollout, or when it does not move.
    """
    with transaction.atomic():
        rollout = (
            queries.moving()
            .select_for_update(skip_locked=True, of=("self",))
            .select_related("channel", "candidate", "candidate__build", "incumbent")
            .filter(pk=pk)
            .first()
        )
        if rollout is None:
            return None
        decision, judged = _look(rollout)
        _note(rollout, decision, judged)
        _act(rollout, decision)
    return decision


def pause(rollout: Rollout, *, by: Actor, because: str) -> None:
    """Send everyone back to the live version until somebody resumes or rolls back."""
    if isinstance(by, Account):
        rules.ensure_may_start(by)
    move(rollout, Stage.PAUSED, by=by, because=because, also={"reason": because})


def resume(rollout: Rollout, *, by: Account, because: str) -> None:
    """Go on where the rollout was paused, with the evidence that the stage has so far."""
    rules.ensure_may_start(by)
    entered = Stage.WIDENING if rollout.percent else Stage.SHADOW
    move(rollout, entered, by=by, because=because, also={"reason": because})


def roll_back(rollout: Rollout, *, by: Actor, because: str) -> None:
    """Take the candidate back; if it is live already, its predecessor becomes live again."""
    if isinstance(by, Account):
        rules.ensure_may_roll_back(by)
        if not because.strip():
            raise RolloutRefused(_("say why it should be rolled back"))
    was_live = rollout.stage == Stage.LIVE
    with transaction.atomic():
        ended = {"percent": 0, "reason": because, "ended_at": timezone.now()}
        move(rollout, Stage.ROLLED_BACK, by=by, because=because, also=ended)
        if was_live:
            _point(rollout.channel, rollout.candidate, rollout.incumbent, by, because)
            builds.shipped(_build_of(rollout), None)


def load_wanted() -> list[str]:
    """Have the runtime serve every version it should; returns the names it had forgotten."""
    serving = upstream.loaded()
    missing = [version for version in queries.wanted() if version.name not in serving]
    for version in missing:
        upstream.ensure_loaded(version)
    return [version.name for version in missing]


def _ensure_fit(build: Build) -> None:
    if build.stage != BuildStage.READY:
        said = _("%(build)s is %(stage)s, not ready")
        raise UnfitBuild(said % {"build": build, "stage": build.get_stage_display().lower()})
    if build.verdict == Verdict.REFUSED and build.verdict_overridden_by_id is None:
        said = _("the comparison refused %(build)s: %(reasons)s")
        raise UnfitBuild(said % {"build": build, "reasons": " ".join(build.verdict_reasons)})


def _publish(build: Build, by: Account) -> Version:
    with transaction.atomic():
        version, new = Version.objects.get_or_create(
            build=build,
            defaults={
                "line": build.line,
                "name": build.adapter,
                "digest": build.digest,
                "path": build.path,
            },
        )
        if new:
            record(version, "published", by=by, details={"build": build.pk})
    return version


def _look(rollout: Rollout) -> tuple[gates.Decision, int]:
    """Read the new evidence into the rollout's statistics and ask the gates."""
    criteria = gates.Criteria.from_json(rollout.criteria)
    kept = rollout.statistics.get("state")
    state: gates.ShadowState | gates.CanaryState
    if rollout.stage == Stage.SHADOW:
        pairs, rollout.read_to, missed = queries.new_pairs(rollout)
        unjudged = rollout.statistics.get("unjudged", 0) + missed
        before = gates.ShadowState.from_json(kept) if kept else gates.ShadowState()
        state = before.update(pairs)
        decision = gates.judge_shadow(state, criteria)
        if unjudged:
            reason = gates.with_unjudged(decision.reason, unjudged, criteria.judge_within_hours)
            numbers = decision.statistics | {"unjudged": unjudged}
            decision = replace(decision, reason=reason, statistics=numbers)
        judged = state.stream(gates.OVERALL).answers
    else:
        outcomes, rollout.read_to = queries.new_outcomes(rollout)
        earlier = gates.CanaryState.from_json(kept) if kept else gates.CanaryState()
        state = earlier.update(outcomes)
        assigned = queries.assigned_users(rollout)
        decision = gates.judge_canary(state, criteria, rollout.percent, assigned)
        judged = state.stream(gates.OVERALL).candidate[1]
    rollout.statistics = {"state": state.to_json(), **decision.statistics, "judged": judged}
    rollout.reason = decision.reason
    rollout.save(update_fields=["statistics", "read_to", "reason"])
    return decision, judged


def _note(rollout: Rollout, decision: gates.Decision, judged: int) -> None:
    """Keep the look where it decided something, or where the evidence has grown."""
    last = rollout.looks.filter(stage=rollout.stage, percent=rollout.percent).last()
    grown = judged > (last.judged if last else 0) * LOOK_GROWTH
    if decision.action == "hold" and not grown:
        return
    Look.objects.create(
        rollout=rollout,
        stage=rollout.stage,
        percent=rollout.percent,
        requests=queries.answered_by_candidate(rollout),
        judged=judged,
        decision=decision.action,
        reason=decision.reason,
        statistics=decision.statistics,
    )


def _act(rollout: Rollout, decision: gates.Decision) -> None:
    if decision.action == "widen":
        _widen(rollout, decision.reason)
    elif decision.action == "roll_back":
        roll_back(rollout, by="gates", because=decision.reason)
    elif decision.action == "pause":
        pause(rollout, by="gates", because=decision.reason)


def _widen(rollout: Rollout, because: str) -> None:
    """One step: shadow → 1 → 5 → 50 % → live."""
    wider = next((share for share in STEPS if share > rollout.percent), None)
    if wider is None:
        _go_live(rollout, because)
        return
    share = {"percent": wider}
    move(rollout, Stage.WIDENING, by="gates", because=because, also=share, details={"to": wider})
    # A stage stands on its own evidence; that of the narrower one does not count twice.
    rollout.statistics, rollout.read_to = {}, 0
    rollout.save(update_fields=["statistics", "read_to"])


def _go_live(rollout: Rollout, because: str) -> None:
    now = timezone.now()
    ended = {"percent": 100, "ended_at": now}
    move(rollout, Stage.LIVE, by="gates", because=because, also=ended, details={"to": 100})
    _point(rollout.channel, rollout.incumbent, rollout.candidate, "gates", because)
    builds.shipped(_build_of(rollout), now)


def _point(channel: Channel, left: Version, entered: Version, by: Actor, because: str) -> None:
    """Let the channel point to another version, if it still points where we believe."""
    if not Channel.objects.filter(pk=channel.pk, live=left).update(live=entered):
        said = _("%(channel)s no longer points to %(version)s")
        raise MoveRefused(said % {"channel": channel, "version": left})
    details = {"from": left.name, "to": entered.name, "digest": entered.digest}
    record(channel, "pointed", by=by, because=because, details=details)


def _build_of(rollout: Rollout) -> Build:
    build = rollout.candidate.build
    if build is None:
        said = _("%(version)s is the base model and has no build")
        raise RolloutRefused(said % {"version": rollout.candidate})
    return build
