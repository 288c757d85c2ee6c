"""Deciding: accept, ask for changes, reject, release from quarantine."""

from __future__ import annotations

from collections.abc import Callable

from django.db import transaction

from apps.accounts.models import Account
from apps.checks.models import Severity
from apps.checks.queries import findings_of
from apps.contributions.discussion import actions as discussing
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history import two_people
from apps.history.actions import move
from apps.history.errors import MoveRefused
from apps.history.models import Proposal
from apps.reviews import rules
from apps.reviews.desk.models import Ground, Reason
from apps.reviews.errors import ReasonMissing, Stale
from apps.reviews.models import Decision, Verdict
from apps.reviews.queue.claims import claim, next_for
from apps.reviews.queue.places import leave

RELEASE = "release"

__all__ = [
    "RELEASE",
    "VERDICTS",
    "accept",
    "ask_for_changes",
    "claim",
    "finish",
    "next_for",
    "reject",
    "release",
]


def accept(contribution: Contribution, *, by: Account, digest: str, because: str = "") -> Decision:
    """Accept the revision whose content digest the reviewer read."""
    return _decide(contribution, Verdict.ACCEPT, Stage.ACCEPTED, by, digest, because)


def ask_for_changes(
    contribution: Contribution, *, by: Account, digest: str, because: str
) -> Decision:
    """Send it back to its author with what should change."""
    _needs_reason(because)
    return _decide(contribution, Verdict.CHANGES, Stage.CHANGES_REQUESTED, by, digest, because)


def reject(
    contribution: Contribution,
    *,
    by: Account,
    digest: str,
    because: str,
    reason: str = Reason.OTHER,
) -> Decision:
    """Refuse it, with a reason and a way back: a revision that mends it, or an appeal."""
    _needs_reason(because)
    with transaction.atomic():
        taken = _decide(contribution, Verdict.REJECT, Stage.REJECTED, by, digest, because)
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
        raise MoveRefused(f"{contribution} is not quarantined; there is nothing to release")
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
) -> tuple[int, Decision | Proposal | None]:
    """Submit the remarks of a review, together with its verdict ("" for none).

    Either all of it takes effect or none. Returns how many remarks everybody can read now, and
    what became of the verdict.
    """
    became = None
    with transaction.atomic():
        submitted = discussing.submit_remarks(contribution, by=by)
        if verdict:
            became = VERDICTS[verdict](contribution, by=by, digest=digest, because=because)
        elif because.strip():
            discussing.say(contribution, by=by, text=because)
    return submitted, became


VERDICTS: dict[str, Callable[..., Decision | Proposal]] = {
    Verdict.ACCEPT: accept,
    Verdict.CHANGES: ask_for_changes,
    Verdict.REJECT: reject,
    Verdict.RELEASE: release,
}


def _decide(
    contribution: Contribution,
    verdict: Verdict,
    entered: Stage,
    by: Account,
    digest: str,
    because: str,
) -> Decision:
    rules.ensure_may_decide(by, contribution)
    _ensure_current(contribution, digest)
    # A maintainer who accepts what was once quarantined does so against the screens.
    against = findings_of(contribution).filter(severity=Severity.QUARANTINE).exists()
    with transaction.atomic():
        # The digest is part of the comparison: a revision that slips in between wins, we do not.
        move(
            contribution,
            entered,
            by=by,
            because=because,
            also={"digest": digest},
            details={"verdict": verdict, "digest": digest},
        )
        leave(contribution)
        override = against and verdict == Verdict.ACCEPT
        return _write(contribution, verdict, by, because, override=override)


def _write(
    contribution: Contribution, verdict: Verdict, by: Account, because: str, *, override: bool
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
        raise Stale(f"{contribution} has changed since you read it; look at it again")


def _needs_reason(because: str) -> None:
    if not because.strip():
        raise ReasonMissing("say why, so that the contributor knows what to do next")
