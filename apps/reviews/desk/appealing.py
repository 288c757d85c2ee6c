"""An author's appeal against a rejection: once, in their own words, heard by somebody else."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.contributions.errors import ContributionRefused, NotYours
from apps.contributions.models import Contribution
from apps.contributions.rules import ensure_may_send_again
from apps.contributions.stages import Stage
from apps.history.actions import move, record
from apps.history.errors import MoveRefused
from apps.reviews import rules
from apps.reviews.desk.barring import barred
from apps.reviews.desk.models import Appeal, Outcome
from apps.reviews.errors import NotAppealable, NotAReviewer, ReasonMissing
from apps.reviews.models import Decision, Verdict, Voice
from apps.reviews.queue.affiliation import apart_from
from apps.reviews.queue.policy import site_rule

LONGEST = 4_000


def appeal(contribution: Contribution, *, by: Account, words: str) -> Appeal:
    """Ask another person to look at a rejection."""
    if contribution.author_id != by.pk:
        said = _("only the author of %(pr)s appeals against its rejection")
        raise NotYours(said % {"pr": contribution})
    rejection = may_be_appealed(contribution)
    if rejection is None:
        said = _("%(pr)s has no rejection that could be appealed against now")
        raise NotAppealable(said % {"pr": contribution})
    if not words.strip():
        raise ReasonMissing(_("say in your own words why the rejection is wrong"))
    try:
        with transaction.atomic():
            made = Appeal.objects.create(
                contribution=contribution, decision=rejection, words=words.strip()[:LONGEST]
            )
            details = {"decision": rejection.pk}
            record(contribution, "appealed", by=by, because=made.words, details=details)
    except IntegrityError:
        said = _("an appeal on %(pr)s was made before")
        raise NotAppealable(said % {"pr": contribution}) from None
    return made


class WayBack(NamedTuple):
    """What is open after a rejection: a revision, an appeal, or that somebody hears one."""

    revision: bool
    appeal: bool
    hearing: bool


def way_back(
    contribution: Contribution, *, made: Appeal | None, decisions: Iterable[Decision]
) -> WayBack:
    """What may happen to a rejected PR, given its decisions and the appeal that was made."""
    revision = True
    try:
        ensure_may_send_again(contribution)
    except ContributionRefused:
        revision = False
    rejected = any(taken.verdict == Verdict.REJECT for taken in decisions)
    hearing = made is not None and _is_open(made, contribution)
    return WayBack(revision, rejected and made is None, hearing)


def may_be_appealed(contribution: Contribution) -> Decision | None:
    """The rejection that stands and was never appealed against; None where there is none."""
    if contribution.stage != Stage.REJECTED:
        return None
    if Appeal.objects.filter(contribution=contribution).exists():
        return None
    rejections = Decision.objects.filter(contribution=contribution, verdict=Verdict.REJECT)
    return rejections.select_related("reviewer").order_by("pk").last()


def waiting_for(account: Account) -> QuerySet[Appeal]:
    """Appeals that this account may hear, oldest first: on nothing it had a say in, or is near."""
    left_to_others = Contribution.objects.filter(barred(account))
    if account.role != Role.MAINTAINER:
        left_to_others |= Contribution.objects.exclude(reverts=None)
    said = Decision.objects.filter(reviewer=account).values("contribution")
    voiced = Voice.objects.filter(reviewer=account).values("round__contribution")
    found = (
        _open()
        .exclude(contribution__author__in=apart_from(account, site_rule()))
        .exclude(contribution__in=left_to_others)
        .exclude(contribution__in=said)
        .exclude(contribution__in=voiced)
    )
    return found.select_related("contribution__skill", "decision__reviewer", "heard_by")


def appeals_on(contribution: Contribution) -> QuerySet[Appeal]:
    """The appeal against this PR's rejection, heard or not."""
    found = Appeal.objects.filter(contribution=contribution)
    return found.select_related("contribution", "decision__reviewer", "heard_by")


def hear(made: Appeal, *, by: Account, outcome: str, because: str) -> None:
    """Let the rejection stand, or take it back: then the PR waits for a new decision.

    The decision is not the hearer's word: who takes a rejection back does not accept. Raises
    `NotAReviewer`, `OwnWork` or `Affiliated`, or `NotAppealable` when somebody heard it before.
    """
    _ensure_may_hear(made, by)
    if outcome not in Outcome.values:
        raise ReasonMissing(_("say whether the rejection stands or is taken back"))
    if not because.strip():
        raise ReasonMissing(_("say why, so that the author knows what you saw in it"))
    contribution = made.contribution
    heard = {"heard_by": by, "because": because.strip(), "heard_at": timezone.now()}
    with transaction.atomic():
        open_one = _open().filter(pk=made.pk).values("pk")
        if not Appeal.objects.filter(pk__in=open_one).update(outcome=outcome, **heard):
            said = _("the appeal on %(pr)s was heard meanwhile, or its author sent a revision")
            raise NotAppealable(said % {"pr": contribution})
        details = {"appeal": made.pk, "decision": made.decision_id, "outcome": outcome}
        if outcome == Outcome.UPHELD:
            record(contribution, "rejection upheld", by=by, because=because, details=details)
        else:
            _reopen(contribution, by, because, details)
    made.refresh_from_db()


def _open() -> QuerySet[Appeal]:
    """Appeals to be heard: against a rejection that stands, of the rows that stand."""
    return Appeal.objects.filter(
        outcome="",
        contribution__stage=Stage.REJECTED,
        decision__digest=F("contribution__digest"),
    )


def _is_open(made: Appeal, contribution: Contribution) -> bool:
    """The same of one appeal, with its decision at hand."""
    stands = contribution.stage == Stage.REJECTED
    return stands and not made.outcome and made.decision.digest == contribution.digest


def _reopen(
    contribution: Contribution, by: Account, because: str, details: dict[str, object]
) -> None:
    try:
        with transaction.atomic():
            move(contribution, Stage.IN_REVIEW, by=by, because=because, details=details)
    except IntegrityError:
        # Of several PRs that take the same rows out, one may be open.
        said = _("another PR does what %(pr)s wanted; it cannot reopen")
        raise MoveRefused(said % {"pr": contribution}) from None


def _ensure_may_hear(made: Appeal, by: Account) -> None:
    rules.ensure_may_decide(by, made.contribution)
    decided = Decision.objects.filter(contribution=made.contribution, reviewer=by)
    # (A round is decided in one name; the others had a say in it too.)
    voiced = Voice.objects.filter(round__contribution=made.contribution, reviewer=by)
    if decided.exists() or voiced.exists():
        said = _("%(account)s decided on %(pr)s; somebody else hears the appeal")
        raise NotAReviewer(said % {"account": by, "pr": made.contribution})
