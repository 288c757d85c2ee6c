"""A verdict at the desk: given now, in effect when the time to undo it is over.

The clock carries it out (`tasks.carry_out_verdicts`), through the same door as every decision. What
the author did meanwhile wins: then the verdict lapses, and its reviewer is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from apps.accounts.models import Account
from apps.contributions.errors import ContributionRefused
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import words
from apps.history.errors import MoveRefused
from apps.reviews import actions, rules
from apps.reviews.agreement.queries import voted_by
from apps.reviews.agreement.voting import is_gold
from apps.reviews.desk import editing, escalating, viewing
from apps.reviews.desk.models import Pending, Reason, Step
from apps.reviews.desk.policy import DeskPolicy
from apps.reviews.errors import ReasonMissing, ReviewRefused, Stale, TooLate, VoiceIsIn
from apps.reviews.models import Claim
from apps.reviews.sampling.rules import ensure_sampled

REFUSALS = (ReviewRefused, ContributionRefused, MoveRefused)
# Where each step leads; a PR that is handed on stays where it is.
ENTERED = {
    Step.ACCEPT: Stage.ACCEPTED,
    Step.CHANGES: Stage.CHANGES_REQUESTED,
    Step.REJECT: Stage.REJECTED,
}


def give(
    contribution: Contribution,
    step: str,
    *,
    by: Account,
    digest: str,
    because: str = "",
    reason: str = "",
    edits: Sequence[editing.Edit] = (),
    batch: str = "",
) -> Pending:
    """A verdict on the content that `digest` names; it can be undone until `due_at`.

    It is refused now for whatever would refuse it later. With no time to undo in the line's policy
    it is in effect when this returns (an edited one as soon as the checks have read the edit).
    """
    _ensure_stands(contribution, step, by, digest)
    if edits or step == Step.ESCALATE:
        rules.ensure_may_decide(by, contribution)
    because = _reason(step, reason, because)
    if step == Step.ACCEPT:
        ensure_sampled(contribution)
        viewing.ensure_viewed(contribution, by)
    if edits:
        editing.ensure_fits(contribution, edits)
    if step == Step.ESCALATE:
        escalating.ensure_somebody_hears(contribution, by)
    lasts = timedelta(seconds=DeskPolicy.of(contribution.line).undo_seconds)
    with transaction.atomic():
        _hold(contribution, by, lasts)
        given = _keep(
            contribution,
            reviewer=by,
            step=step,
            reason=reason,
            because=because,
            digest=digest,
            edits=[list(edit) for edit in edits],
            batch=batch or str(uuid4()),
            due_at=timezone.now() + lasts,
        )
    if not lasts:
        carry_out(given)
    return given


def accept_edited(
    contribution: Contribution,
    *,
    by: Account,
    digest: str,
    because: str,
    edits: Sequence[editing.Edit],
) -> Pending:
    """An acceptance with edits that was given at another desk; the clock takes it from here.

    It cannot be undone, and takes the item from nobody: who has it open here finds that a verdict
    waits to take effect.
    """
    _ensure_stands(contribution, Step.ACCEPT, by, digest)
    rules.ensure_may_decide(by, contribution)
    ensure_sampled(contribution)
    editing.ensure_fits(contribution, edits)
    return _keep(
        contribution,
        reviewer=by,
        step=Step.ACCEPT,
        because=because,
        digest=digest,
        edits=[list(edit) for edit in edits],
        batch=str(uuid4()),
        due_at=timezone.now(),
    )


def lapsed_elsewhere(
    contribution: Contribution, step: str, *, by: Account, digest: str, because: str
) -> None:
    """Tell a reviewer, when they come to the desk, that a verdict from another one was refused."""
    Pending.objects.get_or_create(
        contribution=contribution,
        reviewer=by,
        step=step,
        digest=digest,
        lapsed=because,
        defaults={"batch": str(uuid4()), "due_at": timezone.now()},
    )


def undo(*, by: Account, batch: str = "") -> list[Contribution]:
    """Take back this reviewer's latest verdict, or that `batch`; what was given together falls
    together. `TooLate` when there is nothing left to take back."""
    with transaction.atomic():
        open_ones = _open(by).select_for_update(of=("self",)).order_by("-pk")
        chosen = batch or open_ones.values_list("batch", flat=True).first() or ""
        taken = [one for one in open_ones if one.batch == chosen]
        if not taken:
            said = _("there is no verdict left to undo; what has taken effect stays on record")
            raise TooLate(said)
        Pending.objects.filter(pk__in=[one.pk for one in taken]).delete()
    return [one.contribution for one in reversed(taken)]


def of(account: Account) -> QuerySet[Pending]:
    """This reviewer's verdicts that wait, and those that lapsed and were not read about."""
    return Pending.objects.filter(reviewer=account).select_related("contribution").order_by("pk")


def read(account: Account) -> None:
    """Forget the lapsed verdicts; their reviewer has read why."""
    Pending.objects.filter(reviewer=account).exclude(lapsed="").delete()


def due() -> QuerySet[Pending]:
    """Verdicts whose time to undo is over and that wait for no check, oldest first."""
    waiting = Pending.objects.filter(lapsed="", due_at__lte=timezone.now())
    reading = Q(edited=True, contribution__stage=Stage.SUBMITTED)
    return waiting.exclude(reading).order_by("pk")


def carry_out(given: Pending) -> bool:
    """Let a verdict take effect; whether it is done with. Two who try at once do it once."""
    with transaction.atomic():
        waiting = Pending.objects.select_for_update(skip_locked=True, of=("self",))
        held = waiting.filter(pk=given.pk, lapsed="").select_related("reviewer").first()
        if held is None:
            return False
        contribution = Contribution.objects.select_related("line", "author").get(
            pk=held.contribution_id
        )
        try:
            # What lapses is kept in words: in the site's own language, whoever set it off.
            with override(settings.LANGUAGE_CODE), transaction.atomic():
                done = _effect(held, contribution)
        except REFUSALS as refusal:
            held.lapsed = str(refusal)
            held.save(update_fields=["lapsed"])
            Claim.objects.filter(contribution=contribution, reviewer=held.reviewer).delete()
            return True
        if done:
            held.delete()
        return done


def _effect(held: Pending, contribution: Contribution) -> bool:
    """Do what the verdict says; False while the checks still read an edited content."""
    by = held.reviewer
    if held.edits and is_gold(contribution):
        # Mended, it would be another item than the one whose verdict is known.
        actions.ask_for_changes(
            contribution, by=by, digest=held.digest, because=held.because or "mended in place"
        )
        return True
    if held.edits and not held.edited:
        editing.amend(held, contribution)
        return False
    if held.edited and not editing.checked(held, contribution):
        return False
    if held.step == Step.ESCALATE:
        escalating.escalate(contribution, by=by, digest=held.digest, because=held.because)
    else:
        more = {"reason": held.reason} if held.step == Step.REJECT else {}
        decide = actions.VERDICTS[held.step]
        decide(contribution, by=by, digest=held.digest, because=held.because, **more)
    return True


def _open(account: Account) -> QuerySet[Pending]:
    found = Pending.objects.filter(
        reviewer=account, lapsed="", edited=False, due_at__gt=timezone.now()
    )
    return found.select_related("contribution")


def _ensure_stands(contribution: Contribution, step: str, by: Account, digest: str) -> None:
    """What would refuse the verdict later refuses it now."""
    rules.ensure_may_review(by, contribution)
    if digest != contribution.digest:
        said = _("%(pr)s has changed since you read it; look at it again")
        raise Stale(said % {"pr": contribution})
    _ensure_open(contribution, step)
    # An edit would begin another round, and take back the voice that others rely on.
    if Contribution.objects.filter(voted_by(by), pk=contribution.pk).exists():
        said = _("your verdict on %s is in, and others rely on it")
        raise VoiceIsIn(said % contribution)


def _keep(contribution: Contribution, **told: Any) -> Pending:
    """The verdict, stored; `ReviewRefused` where one waits already."""
    try:
        with transaction.atomic():
            return Pending.objects.create(contribution=contribution, **told)
    except IntegrityError:
        said = _("a verdict on %(pr)s waits to take effect; look again in a moment")
        raise ReviewRefused(said % {"pr": contribution}) from None


def _ensure_open(contribution: Contribution, step: str) -> None:
    """`MoveRefused` where the stage has no such step."""
    stage = Stage(contribution.stage)
    entered = ENTERED.get(Step(step))
    open_to = contribution.STAGES.allows(stage, entered) if entered else stage == Stage.IN_REVIEW
    if not open_to or stage not in (Stage.IN_REVIEW, Stage.QUARANTINED):
        said = _("%(pr)s is %(stage)s and waits for no such verdict")
        raise MoveRefused(said % {"pr": contribution, "stage": words(stage)})


def _reason(step: str, reason: str, because: str) -> str:
    """The words that go with a verdict; a reason from the list speaks where nothing was written."""
    said = because.strip()
    if step == Step.REJECT:
        if reason not in Reason.values:
            raise ReasonMissing(_("pick the reason for which it is turned away"))
        # Everybody reads it, so it is written in the site's own language.
        with override(settings.LANGUAGE_CODE):
            said = said or ("" if reason == Reason.OTHER else str(Reason(reason).label))
    if not said and step != Step.ACCEPT:
        raise ReasonMissing(_("say why, so that the next person knows what to do"))
    return said


def _hold(contribution: Contribution, by: Account, lasts: timedelta) -> None:
    """Keep the item until the verdict has taken effect."""
    claim = actions.claim(contribution, by=by)
    Claim.objects.filter(pk=claim.pk).update(expires_at=claim.expires_at + lasts)
