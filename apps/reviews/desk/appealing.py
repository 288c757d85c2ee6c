"""An author's appeal against a rejection: once, in their own words, heard by somebody else."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import Account
from apps.contributions.errors import NotYours
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import move, record
from apps.history.errors import MoveRefused
from apps.reviews import rules
from apps.reviews.desk.models import Appeal, Outcome
from apps.reviews.errors import NotAppealable, NotAReviewer, OwnWork, ReasonMissing
from apps.reviews.models import Decision, Verdict

LONGEST = 4_000


def appeal(contribution: Contribution, *, by: Account, words: str) -> Appeal:
    """Ask another person to look at a rejection."""
    if contribution.author_id != by.pk:
        raise NotYours(f"only the author of {contribution} appeals against its rejection")
    rejection = may_be_appealed(contribution)
    if rejection is None:
        raise NotAppealable(f"{contribution} has no rejection that could be appealed against now")
    if not words.strip():
        raise ReasonMissing("say in your own words why the rejection is wrong")
    try:
        with transaction.atomic():
            made = Appeal.objects.create(
                contribution=contribution, decision=rejection, words=words.strip()[:LONGEST]
            )
            details = {"decision": rejection.pk}
            record(contribution, "appealed", by=by, because=made.words, details=details)
    except IntegrityError:
        raise NotAppealable(f"an appeal on {contribution} was made before") from None
    return made


def may_be_appealed(contribution: Contribution) -> Decision | None:
    """The rejection that stands and was never appealed against; None where there is none."""
    if contribution.stage != Stage.REJECTED:
        return None
    if Appeal.objects.filter(contribution=contribution).exists():
        return None
    rejections = Decision.objects.filter(contribution=contribution, verdict=Verdict.REJECT)
    return rejections.select_related("reviewer").order_by("pk").last()


def waiting_for(account: Account) -> QuerySet[Appeal]:
    """Appeals that this account may hear, oldest first: on nothing it wrote or decided."""
    open_ones = Appeal.objects.filter(outcome="", contribution__stage=Stage.REJECTED)
    others = open_ones.exclude(contribution__author=account)
    theirs = Decision.objects.filter(reviewer=account).values("contribution")
    return others.exclude(contribution__in=theirs).select_related("contribution__skill", "decision")


def hear(made: Appeal, *, by: Account, outcome: str, because: str) -> None:
    """Let the rejection stand, or take it back: then the PR waits for a new decision.

    The decision is not the hearer's word: who takes a rejection back does not accept. Raises
    `NotAReviewer` or `OwnWork`, or `NotAppealable` when somebody heard it before.
    """
    _ensure_may_hear(made, by)
    if outcome not in Outcome.values:
        raise ReasonMissing("say whether the rejection stands or is taken back")
    if not because.strip():
        raise ReasonMissing("say why, so that the author knows what you saw in it")
    contribution = made.contribution
    heard = {"heard_by": by, "because": because.strip(), "heard_at": timezone.now()}
    with transaction.atomic():
        open_one = Appeal.objects.filter(pk=made.pk, outcome="")
        if not open_one.update(outcome=outcome, **heard):
            raise NotAppealable(f"somebody has heard the appeal on {contribution} meanwhile")
        details = {"appeal": made.pk, "decision": made.decision_id, "outcome": outcome}
        if outcome == Outcome.UPHELD:
            record(contribution, "rejection upheld", by=by, because=because, details=details)
        else:
            _reopen(contribution, by, because, details)
    made.refresh_from_db()


def _reopen(
    contribution: Contribution, by: Account, because: str, details: dict[str, object]
) -> None:
    try:
        with transaction.atomic():
            move(contribution, Stage.IN_REVIEW, by=by, because=because, details=details)
    except IntegrityError:
        # Of several PRs that take the same rows out, one may be open.
        raise MoveRefused(f"another PR does what {contribution} wanted; it cannot reopen") from None


def _ensure_may_hear(made: Appeal, by: Account) -> None:
    if not rules.may_decide(by):
        raise NotAReviewer(f"{by} is not a reviewer; reviewers and maintainers hear appeals")
    if made.contribution.author_id == by.pk:
        raise OwnWork(f"{by} wrote {made.contribution}; somebody else hears the appeal")
    if Decision.objects.filter(contribution=made.contribution, reviewer=by).exists():
        raise NotAReviewer(f"{by} decided on {made.contribution}; somebody else hears the appeal")
