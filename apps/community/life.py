"""The life of a contribution, told once for everybody: what happened, and what lies ahead."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.db.models.functions import MD5
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from apps.builds.models import Build, Entry
from apps.builds.stages import Stage as BuildStage
from apps.checks.models import Screening
from apps.checks.queries import screening_with_findings
from apps.contributions.models import Consent, Contribution
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.history.models import Event
from apps.history.queries import kind_of
from apps.reviews.models import Decision, Verdict
from apps.reviews.queries import decisions_on
from apps.rollouts.models import Rollout
from apps.rollouts.stages import Stage as RolloutStage
from apps.traces.models import Arm, Trace

DONE, NOW, LATER, STOPPED = "done", "now", "later", "stopped"


@dataclass(frozen=True)
class Hop:
    """One station of a contribution's life: what happened to which thing, when, and why.

    `state` is done, now, later or stopped; `link` leads to the thing's page.
    """

    kind: str
    id: str
    at: datetime | None
    title: str
    because: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    state: str = DONE
    link: str = ""


@dataclass(frozen=True)
class Life:
    """The hops so far, oldest first, those that lie ahead, and what they were told from."""

    hops: list[Hop]
    ahead: list[Hop]
    screening: Screening | None
    decisions: list[Decision]
    live: bool


def life_of_contribution(contribution: Contribution, *, rows_seen: bool) -> Life:
    """Every hop from the PR to the answers that its version gave.

    An answer is told only where `rows_seen`: it holds one of the PR's prompts. At most seven
    queries, however long the life.
    """
    screening = screening_with_findings(contribution)
    decisions = list(decisions_on(contribution))
    entries = _entries(contribution)
    builds = [entry.build for entry in entries]
    rollouts = _rollouts_of(builds)
    events = _moves(contribution, rollouts)
    answer = served_answer(contribution, builds) if rows_seen and rollouts else None
    hops = [
        *_submitted(contribution, events),
        *_screened(contribution, screening),
        *map(_decided, decisions),
        *map(_built, entries),
        *_rolled(rollouts, events),
        *_answered(answer),
    ]
    live = any(rollout.stage == RolloutStage.LIVE for rollout in rollouts)
    return Life(
        hops=sorted(hops, key=lambda hop: hop.at.timestamp() if hop.at else 0.0),
        ahead=[*_undecided(contribution), *_undelivered(contribution, builds, rollouts, live)],
        screening=screening,
        decisions=decisions,
        live=live,
    )


def served_answer(contribution: Contribution, builds: Sequence[Build]) -> Trace | None:
    """The newest answer to one of the PR's own prompts that a user got from one of the builds."""
    digests = [build.digest for build in builds if build.digest]
    asked = rows_of(contribution).order_by().values(md5=MD5("prompt"))
    answers = Trace.objects.filter(version_digest__in=digests, prompt_md5__in=asked, error="")
    return answers.exclude(arm=Arm.SHADOW).order_by("-pk").first()


def _entries(contribution: Contribution) -> list[Entry]:
    """The places of an accepted contribution in builds, oldest first; no other was ever built."""
    if contribution.stage != Stage.ACCEPTED:
        return []
    entries = Entry.objects.filter(contribution=contribution).select_related("build")
    return list(entries.order_by("build"))


def _rollouts_of(builds: Sequence[Build]) -> list[Rollout]:
    if not builds:
        return []
    rollouts = Rollout.objects.filter(candidate__build__in=builds)
    return list(rollouts.select_related("candidate").order_by("pk"))


def _moves(contribution: Contribution, rollouts: Sequence[Rollout]) -> list[Event]:
    """The moves of the contribution and of its rollouts, oldest first."""
    about = Q(subject_kind=kind_of(contribution), subject_id=contribution.pk)
    if rollouts:
        numbers = [rollout.pk for rollout in rollouts]
        about |= Q(subject_kind=kind_of(rollouts[0]), subject_id__in=numbers)
    return list(Event.objects.filter(about, verb="moved").order_by("pk"))


def _submitted(contribution: Contribution, events: Sequence[Event]) -> Iterator[Hop]:
    told = {
        Stage.SUBMITTED: (_("%(pr)s was submitted by %(who)s"), DONE),
        Stage.WITHDRAWN: (_("%(pr)s was withdrawn by %(who)s"), STOPPED),
    }
    for event in events:
        if event.subject_kind == kind_of(contribution) and event.entered in told:
            said, state = told[Stage(event.entered)]
            title = said % {"pr": contribution, "who": event.actor}
            number = str(contribution.pk)
            yield Hop("contribution", number, event.at, title, event.because, state=state)


def _screened(contribution: Contribution, screening: Screening | None) -> Iterator[Hop]:
    if screening:
        findings = len(screening.findings.all())
        yield Hop(
            "screening",
            str(screening.pk),
            screening.created_at,
            _found(findings),
            facts={"findings": findings, "seconds": round(screening.seconds, 2)},
            state=STOPPED if contribution.stage == Stage.QUARANTINED else DONE,
            link=f"{contribution.get_absolute_url()}/checks",
        )


def _found(count: int) -> str:
    if not count:
        return _("The screens found nothing")
    if count == 1:
        return _("The screens found one thing")
    return ngettext("The screens found %d thing", "The screens found %d things", count) % count


DECIDED = {
    Verdict.ACCEPT: gettext_noop("%s accepted it"),
    Verdict.CHANGES: gettext_noop("%s asked for changes"),
    Verdict.REJECT: gettext_noop("%s rejected it"),
    Verdict.RELEASE: gettext_noop("%s released it from quarantine"),
}


def _decided(decision: Decision) -> Hop:
    return Hop(
        "decision",
        str(decision.pk),
        decision.created_at,
        _(DECIDED[Verdict(decision.verdict)]) % decision.reviewer,
        decision.because,
        facts={"override": decision.override, "digest": decision.digest},
        state=STOPPED if decision.verdict == Verdict.REJECT else DONE,
    )


def _built(entry: Entry) -> Hop:
    build = entry.build
    ended = {BuildStage.READY: DONE, BuildStage.FAILED: STOPPED, BuildStage.SKIPPED: STOPPED}
    return Hop(
        "build",
        str(build.pk),
        build.created_at,
        _("It went into %(build)s with %(rows)d rows") % {"build": build, "rows": entry.row_count},
        build.reason,
        facts={"stage": build.stage, "verdict": build.verdict, "adapter": build.adapter},
        state=ended.get(BuildStage(build.stage), NOW),
        link=build.get_absolute_url(),
    )


def _rolled(rollouts: Sequence[Rollout], events: Sequence[Event]) -> Iterator[Hop]:
    for rollout in rollouts:
        kind, number, link = kind_of(rollout), str(rollout.pk), rollout.get_absolute_url()
        version = rollout.candidate.name
        moves = [e for e in events if (e.subject_kind, e.subject_id) == (kind, rollout.pk)]
        began = DONE if moves else NOW
        title = _("Rollout %(number)s of %(version)s began") % {
            "number": rollout.pk,
            "version": version,
        }
        yield Hop("rollout", number, rollout.created_at, title, state=began, link=link)
        for event in moves:
            share = event.details.get("to")
            step = (
                _("%s %% of users") % share
                if share
                else str(RolloutStage(event.entered).label).lower()
            )
            yield Hop(
                "rollout",
                number,
                event.at,
                _("%(version)s went to %(step)s") % {"version": version, "step": step},
                event.because,
                facts={"of": kind, "event": event.pk},
                state=_state_after(event, last=event is moves[-1]),
                link=link,
            )


def _state_after(event: Event, *, last: bool) -> str:
    if event.entered == RolloutStage.ROLLED_BACK:
        return STOPPED
    return NOW if last and event.entered != RolloutStage.LIVE else DONE


def _answered(answer: Trace | None) -> Iterator[Hop]:
    if answer:
        title = _("%(version)s answered: %(answer)s") % {
            "version": answer.version,
            "answer": answer.answer,
        }
        facts = {"prompt": answer.prompt, "version": answer.version}
        yield Hop("trace", answer.public_id, answer.created_at, title, facts=facts)


def _undecided(contribution: Contribution) -> list[Hop]:
    """What is open until somebody has decided."""
    review = _open(LATER, _("Review"))
    return {
        Stage.DRAFT: [_open(NOW, _("Being written"), _("its author has not sent it"))],
        Stage.SUBMITTED: [_open(NOW, _("Screening"), _("waiting for the checks")), review],
        Stage.IN_REVIEW: [_open(NOW, _("In review"), _("waiting for a reviewer"))],
        Stage.CHANGES_REQUESTED: [_open(NOW, _("Being changed"), _("waiting for its author"))],
    }.get(Stage(contribution.stage), [])


def _undelivered(
    contribution: Contribution, builds: Sequence[Build], rollouts: Sequence[Rollout], live: bool
) -> Iterator[Hop]:
    """What is open between a yes and everyone."""
    if contribution.stage != Stage.ACCEPTED or live or contribution.reverts_id:
        return
    if contribution.consent != Consent.TRAIN:
        yield _open(STOPPED, _("Not trained on"), _("its author wants it so"))
        return
    if not builds:
        yield _open(LATER, _("Training"), _("waits for the next build"))
    if not rollouts:
        yield _open(LATER, _("Rollout"), _("shadow, 1, 5, 50, then 100 %"))
    yield _open(LATER, _("Answering everyone"))


def _open(state: str, title: str, because: str = "") -> Hop:
    return Hop("", "", None, title, because, state=state)
