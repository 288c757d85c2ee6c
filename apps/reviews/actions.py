"""Deciding: accept, ask for changes, reject, release from quarantine."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.accounts.statements import Hole, Statement
from apps.checks.models import Severity
from apps.checks.queries import findings_of, severities_of
from apps.contributions.discussion import actions as discussing
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history import two_people
from apps.history.actions import move
from apps.history.errors import MoveRefused
from apps.history.models import Proposal
from apps.reviews import rules
from apps.reviews.agreement import voting
from apps.reviews.agreement.drawing import draw_audit
from apps.reviews.agreement.voting import Awaited, Settled
from apps.reviews.desk.models import Ground, Reason
from apps.reviews.errors import ReasonMissing, Stale
from apps.reviews.models import Claim, Decision, Verdict
from apps.reviews.queue.claims import claim, give_back, next_for
from apps.reviews.queue.places import leave
from apps.reviews.sampling.queries import found_bad, is_sampled
from apps.reviews.sampling.rules import ensure_sampled

RELEASE = "release"
ENTERED: dict[str, Stage] = {
    Verdict.ACCEPT: Stage.ACCEPTED,
    Verdict.CHANGES: Stage.CHANGES_REQUESTED,
    Verdict.REJECT: Stage.REJECTED,
}
# When a reviewer took an item that they have open.
OPENED = Statement(
    lambda: Claim.objects.filter(
        contribution=Hole("contribution"), reviewer=Hole("reviewer"), ahead=False
    ).values_list("opened_at", flat=True)
)

__all__ = [
    "RELEASE",
    "VERDICTS",
    "accept",
    "ask_for_changes",
    "claim",
    "decide_overdue",
    "finish",
    "next_for",
    "reject",
    "release",
]


def accept(
    contribution: Contribution, *, by: Account, digest: str, because: str = ""
) -> Decision | Awaited:
    """Accept the revision whose content digest the reviewer read."""
    return _decide(contribution, Verdict.ACCEPT, by, digest, because)


def ask_for_changes(
    contribution: Contribution, *, by: Account, digest: str, because: str
) -> Decision | Awaited:
    """Send it back to its author with what should change."""
    _needs_reason(because)
    return _decide(contribution, Verdict.CHANGES, by, digest, because)


def reject(
    contribution: Contribution,
    *,
    by: Account,
    digest: str,
    because: str,
    reason: str = Reason.OTHER,
) -> Decision | Awaited:
    """Refuse it, with a reason and a way back: a revision that mends it, or an appeal."""
    _needs_reason(because)
    with transaction.atomic():
        taken = _decide(contribution, Verdict.REJECT, by, digest, because)
        Ground.objects.update_or_create(
            contribution=contribution, reviewer=by, digest=digest, defaults={"reason": reason}
        )
    return taken


def release(
    contribution: Contribution, *, by: Account, digest: str, because: str
) -> Decision | Proposal:
    """Overrule a quarantine: back to review, on record with the overruled findings.

    It takes two people who have read the same content; the first one's wish comes back as a
    proposal.
    """
    _needs_reason(because)
    rules.ensure_may_release(by, contribution)
    _ensure_current(contribution, digest)
    if contribution.stage != Stage.QUARANTINED:
        said = _("%(pr)s is not quarantined; there is nothing to release")
        raise MoveRefused(said % {"pr": contribution})
    with transaction.atomic():
        proposal = two_people.ask(
            contribution,
            RELEASE,
            by=by,
            because=because,
            terms={"digest": digest},
            may=lambda person: rules.may_release(person, contribution),
        )
        return _released(contribution, proposal, by, because) if proposal.agreed else proposal


def _released(
    contribution: Contribution, proposal: Proposal, by: Account, because: str
) -> Decision:
    overruled = findings_of(contribution).filter(severity=Severity.QUARANTINE)
    digest = contribution.digest
    details = {
        "overruled": [finding.pk for finding in overruled],
        "digest": digest,
        "proposed_by": str(proposal.proposed_by),
    }
    move(
        contribution,
        Stage.IN_REVIEW,
        by=by,
        because=because,
        also={"digest": digest},
        details=details,
    )
    overruled.update(dismissed_by=by, dismissed_because=because)
    return _write(contribution, Verdict.RELEASE, by, because, override=True)


def finish(
    contribution: Contribution, *, by: Account, verdict: str, digest: str, because: str
) -> tuple[int, Decision | Proposal | Awaited | None]:
    """Submit the remarks of a review, together with its verdict ("" for none).

    Either all of it takes effect or none. Returns how many remarks everybody can read now, and
    what became of the verdict: while it waits for other voices, its remarks must not sway them.
    """
    became: Decision | Proposal | Awaited | None = None
    with transaction.atomic():
        if verdict:
            became = VERDICTS[verdict](contribution, by=by, digest=digest, because=because)
            if isinstance(became, Awaited):
                return 0, became
        elif because.strip():
            discussing.say(contribution, by=by, text=because)
        return discussing.submit_remarks(contribution, by=by), became


VERDICTS: dict[str, Callable[..., Decision | Proposal | Awaited]] = {
    Verdict.ACCEPT: accept,
    Verdict.CHANGES: ask_for_changes,
    Verdict.REJECT: reject,
    Verdict.RELEASE: release,
}


def decide_overdue() -> int:
    """Close rounds that nobody will complete; returns how many. See `voting.nobody_is_left`."""
    closed = 0
    for held in voting.overdue():
        with suppress(MoveRefused), transaction.atomic():
            if settled := voting.close_without_the_missing(held):
                _settle(held.contribution, settled)
                closed += 1
    return closed


def _decide(
    contribution: Contribution, verdict: Verdict, by: Account, digest: str, because: str
) -> Decision | Awaited:
    """Count a voice; the last one that was asked for moves the contribution."""
    rules.ensure_may_review(by, contribution)
    _ensure_current(contribution, digest)
    if verdict == Verdict.ACCEPT:
        ensure_sampled(contribution)
    with transaction.atomic():
        heard = voting.hear(
            contribution, verdict, by=by, because=because, seconds=_held_for(contribution, by)
        )
        if isinstance(heard, Awaited):
            give_back(contribution, by=by)
            return heard
        if heard is not None:
            return _settle(contribution, heard)
        return _enter(contribution, verdict, by, because)


def _settle(contribution: Contribution, settled: Settled) -> Decision:
    """What a round came to takes effect in the name of the last who said so; all is opened."""
    voice = settled.voice
    decision = _enter(
        contribution, settled.verdict, voice.reviewer, voice.because, voices=settled.opened()
    )
    for each in settled.voices:
        # Whoever may not speak here any more keeps their remarks to themselves.
        with suppress(ContributionRefused):
            discussing.submit_remarks(contribution, by=each.reviewer)
    return decision


def _enter(
    contribution: Contribution,
    verdict: str,
    by: Account,
    because: str,
    voices: list[dict[str, str | bool]] | None = None,
) -> Decision:
    # A maintainer who accepts what was once quarantined does so against the screens.
    override = verdict == Verdict.ACCEPT and any(
        severity == Severity.QUARANTINE for severity, _dismissed in severities_of(contribution)
    )
    details: dict[str, Any] = {"verdict": verdict, "digest": contribution.digest}
    if verdict == Verdict.ACCEPT and is_sampled(contribution):
        bad = found_bad(contribution.pk, contribution.revision).values_list("position", flat=True)
        details["left_out"] = sorted(set(bad))
    written: list[Decision] = []

    def along() -> None:
        leave(contribution)
        written.append(_write(contribution, verdict, by, because, override=override))

    # The digest is part of the comparison: a revision that slips in between wins, we do not.
    event = move(
        contribution,
        ENTERED[verdict],
        by=by,
        because=because,
        also={"digest": contribution.digest},
        details=details | ({"voices": voices} if voices else {}),
        along=along,
    )
    (decision,) = written
    draw_audit(decision, event)
    return decision


def _held_for(contribution: Contribution, by: Account) -> float | None:
    """Seconds since this reviewer took the item; None where they did not."""
    opened_at = OPENED.first(contribution=contribution.pk, reviewer=by.pk)
    return (timezone.now() - opened_at).total_seconds() if opened_at else None


def _write(
    contribution: Contribution, verdict: str, by: Account, because: str, *, override: bool
) -> Decision:
    return Decision.objects.create(
        contribution=contribution,
        reviewer=by,
        verdict=verdict,
        because=because,
        revision=contribution.revision,
        digest=contribution.digest,
        override=override,
    )


def _ensure_current(contribution: Contribution, digest: str) -> None:
    if digest != contribution.digest:
        said = _("%(pr)s has changed since you read it; look at it again")
        raise Stale(said % {"pr": contribution})


def _needs_reason(because: str) -> None:
    if not because.strip():
        raise ReasonMissing(_("say why, so that the contributor knows what to do next"))
