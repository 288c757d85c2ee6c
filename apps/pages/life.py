"""The life of a PR as one line of stops: sent, screened, decided, built, rolled out, answering."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from apps.builds.models import Build
from apps.builds.stages import Stage as BuildStage
from apps.checks.models import Screening
from apps.contributions.models import Consent, Contribution
from apps.contributions.stages import Stage
from apps.reviews.models import Decision, Verdict
from apps.rollouts.models import Rollout
from apps.rollouts.stages import Stage as RolloutStage
from apps.traces.models import Trace

SAID = {
    Verdict.ACCEPT: "Accepted",
    Verdict.CHANGES: "Changes asked for",
    Verdict.REJECT: "Rejected",
    Verdict.RELEASE: "Released from quarantine",
}


class Stop(NamedTuple):
    """One stop: `state` is done, now, later or stopped; `tag` a short id."""

    state: str
    title: str
    detail: str = ""
    tag: str = ""
    link: str = ""
    at: datetime | None = None


def life(
    contribution: Contribution,
    *,
    screening: Screening | None,
    decisions: Sequence[Decision],
    builds: Sequence[Build],
    rollouts: Sequence[Rollout],
    answered: Trace | None,
) -> list[Stop]:
    """Every hop with its id and time, and what still lies ahead."""
    stops = [
        Stop(
            "done",
            "Sent",
            f"{_rows(contribution)}",
            f"PR {contribution.pk}",
            "",
            _sent(contribution),
        )
    ]
    stops += [_screened(contribution, screening)]
    stops += [_decided(decision) for decision in decisions]
    stops += _undecided(contribution)
    if contribution.stage != Stage.ACCEPTED:
        return stops
    for build in builds:
        stops.append(_built(build))
        stops += [_rolled(r) for r in rollouts if r.candidate.build_id == build.pk]
    if not builds:
        stops.append(_to_be_built(contribution))
    if builds and not rollouts:
        stops.append(Stop("later", "Rolled out", "shadow, 1, 5, 50, then 100 %"))
    return [*stops, _answering(rollouts, answered)]


def next_step(contribution: Contribution, place: int | None, last: Stop) -> tuple[str, str]:
    """Who must act next, and what they have to do."""
    author = str(contribution.author)
    waits = f"It is number {place} in the queue." if place else "It waits in the queue."
    steps = {
        Stage.DRAFT: (author, "Finish it and send it."),
        Stage.SUBMITTED: ("The checks", "They read every row; that takes about a minute."),
        Stage.IN_REVIEW: ("A reviewer", waits),
        Stage.QUARANTINED: (
            "A maintainer",
            "The screens set it aside. A maintainer reads the findings and rejects it or lets it "
            "go on to review.",
        ),
        Stage.CHANGES_REQUESTED: (author, "Change the rows as asked and send them again."),
        Stage.REJECTED: ("Nobody", "It ends here. A new PR that mends the reason is welcome."),
        Stage.WITHDRAWN: ("Nobody", "Its author took it back."),
    }
    if contribution.stage in steps:
        return steps[Stage(contribution.stage)]
    if contribution.consent != Consent.TRAIN:
        return "Nobody", "It is accepted, and by its author's wish no model is trained on it."
    if last.state == "done":
        return "Nobody", "It is part of the model that answers everyone."
    return "The flywheel", "The next build and its rollout take it from here."


def _rows(contribution: Contribution) -> str:
    count = contribution.row_count
    return f"{count:,} row{'' if count == 1 else 's'}, revision {contribution.revision}"


def _sent(contribution: Contribution) -> datetime:
    return contribution.submitted_at or contribution.created_at


def _screened(contribution: Contribution, screening: Screening | None) -> Stop:
    if screening is None:
        state = "now" if contribution.stage == Stage.SUBMITTED else "later"
        return Stop(state, "Screened", "waiting for the checks" if state == "now" else "")
    count = len(screening.findings.all())
    found = f"{count} finding{'' if count == 1 else 's'}" if count else "nothing found"
    stopped = contribution.stage == Stage.QUARANTINED
    return Stop(
        "stopped" if stopped else "done",
        "Quarantined" if stopped else "Screened",
        f"{len(screening.screens)} screens in {screening.seconds:.1f} s, {found}",
        f"screening {screening.pk}",
        f"{contribution.get_absolute_url()}/checks",
        screening.created_at,
    )


def _decided(decision: Decision) -> Stop:
    state = "stopped" if decision.verdict == Verdict.REJECT else "done"
    against = " against the screens, on record" if decision.override else ""
    said = f": {decision.because}" if decision.because else ""
    return Stop(
        state,
        SAID[Verdict(decision.verdict)],
        f"by {decision.reviewer}{against}{said}",
        f"decision {decision.pk}",
        "",
        decision.created_at,
    )


def _undecided(contribution: Contribution) -> list[Stop]:
    open_stops = {
        Stage.IN_REVIEW: [Stop("now", "In review", "waiting for a reviewer")],
        Stage.CHANGES_REQUESTED: [Stop("now", "Being changed", "waiting for its author")],
        Stage.SUBMITTED: [Stop("later", "Reviewed")],
        Stage.WITHDRAWN: [Stop("stopped", "Withdrawn", "by its author")],
    }
    return open_stops.get(Stage(contribution.stage), [])


def _to_be_built(contribution: Contribution) -> Stop:
    if contribution.consent != Consent.TRAIN:
        return Stop("stopped", "Not trained on", "its author wants it so")
    return Stop("later", "Trained", "waits for the next build")


def _built(build: Build) -> Stop:
    states = {BuildStage.READY: "done", BuildStage.FAILED: "stopped", BuildStage.SKIPPED: "stopped"}
    state = states.get(BuildStage(build.stage), "now")
    told = {
        "done": f"adapter {build.adapter}" if build.adapter else "",
        "stopped": build.reason,
        "now": f"{build.steps_done} of {build.steps_total} steps"
        if build.steps_total
        else "queued",
    }[state]
    refused = " · refused by the comparison" if build.verdict == "refused" else ""
    return Stop(
        state,
        f"In build {build.pk}",
        f"{told}{refused}",
        build.digest[:12],
        build.get_absolute_url(),
        build.ended_at or build.created_at,
    )


def _rolled(rollout: Rollout) -> Stop:
    titles = {
        RolloutStage.SHADOW: ("now", "In shadow"),
        RolloutStage.WIDENING: ("now", f"At {rollout.percent} %"),
        RolloutStage.PAUSED: ("now", "Rollout paused"),
        RolloutStage.LIVE: ("done", "Live for everyone"),
        RolloutStage.ROLLED_BACK: ("stopped", "Rolled back"),
    }
    state, title = titles[RolloutStage(rollout.stage)]
    return Stop(
        state,
        title,
        rollout.reason,
        f"rollout {rollout.pk}",
        rollout.get_absolute_url(),
        rollout.ended_at or rollout.created_at,
    )


def _answering(rollouts: Sequence[Rollout], answered: Trace | None) -> Stop:
    live = any(rollout.stage == RolloutStage.LIVE for rollout in rollouts)
    if answered is not None:
        return Stop(
            "done" if live else "now",
            "Answering",
            f"“{_brief(answered.prompt)}” is answered “{_brief(answered.answer)}”",
            f"{answered.public_id} by {answered.version}",
            "",
            answered.created_at,
        )
    if live:
        return Stop("done", "Answering", "nobody has asked its question since")
    return Stop("later", "Answering everyone")


def _brief(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:119]}…"
