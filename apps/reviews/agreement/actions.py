"""Planting gold items, auditing decisions, and dealing both out among ordinary work."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.accounts.statements import Hole, Statement
from apps.contributions import actions as contributions
from apps.contributions.actions import Terms
from apps.contributions.models import Contribution, Row
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.history.actions import record
from apps.history.errors import MoveRefused
from apps.reviews import rules
from apps.reviews.agreement.models import Audit, Gold, Voice
from apps.reviews.agreement.policy import AgreementPolicy, drawn_in_secret
from apps.reviews.agreement.queries import voted_by
from apps.reviews.errors import BadGold, NotAMaintainer, NotYourAudit, ReasonMissing, VoiceIsIn
from apps.reviews.models import Claim, Decision, Verdict
from apps.reviews.queue.affiliation import apart_from
from apps.reviews.queue.policy import site_rule
from apps.skills.models import ModelLine, Skill

FIELDS = ("prompt", "completion", "chosen", "rejected", "label", "original", "context")
SHOWN_VERDICTS = (Verdict.ACCEPT, Verdict.CHANGES, Verdict.REJECT)


@dataclass(frozen=True)
class Special:
    """What a reviewer gets instead of the next ordinary item: a gold item, or an audit."""

    contribution: Contribution
    audit: Audit | None = None


def next_special(reviewer: Account) -> Special | None:
    """What is due to this reviewer now instead of ordinary work; None where nothing is.

    An audit that nobody has taken comes before anything else; gold items come at the policy's rate,
    by a draw on how many voices and decisions the reviewer has given. Asking twice gives the same.
    Who has half a voice gets neither.
    """
    if not rules.may_decide(reviewer):
        return None
    if (audit := _audit_for(reviewer)) is not None:
        return Special(audit.decision.contribution, audit)
    gold = gold_for(reviewer)
    return Special(gold) if gold else None


# -- Gold -----------------------------------------------------------------------------------------


def plant(
    line: ModelLine,
    *,
    by: Account,
    verdict: str,
    because: str,
    title: str,
    kind: str,
    rows: Iterable[Any],
    terms: Terms,
    skill: Skill | None = None,
    description: str = "",
    source: Contribution | None = None,
) -> Gold:
    """Offer rows whose right verdict is known, under a fresh name, through the ordinary door.

    They are screened like any others. The record gets a commitment to which item it is and what is
    right of it, so that nobody is measured by what was decided afterwards.
    """
    if by.role != Role.MAINTAINER:
        raise NotAMaintainer(_("gold items are planted by maintainers"))
    if verdict not in SHOWN_VERDICTS:
        raise BadGold(_("a gold item is one to accept, to send back or to reject; say which"))
    if not because.strip():
        raise ReasonMissing(_("say why this verdict is right; reviewers see their hits by reason"))
    with transaction.atomic():
        # A new name each: one that stood under several would give them all away.
        author = Account(username=f"u{secrets.token_hex(4)}")
        author.set_unusable_password()
        author.save()
        offered = contributions.offer(
            line,
            by=author,
            kind=kind,
            title=title,
            rows=rows,
            terms=terms,
            skill=skill,
            description=description,
        )
        if offered.refused:
            said = _("row %(row)d cannot be kept; mend it first")
            raise BadGold(said % {"row": offered.refused[0].row + 1})
        gold = Gold.objects.create(
            contribution=offered.contribution,
            verdict=verdict,
            reason=because.strip()[:200],
            source=source,
            planted_by=by,
            nonce=secrets.token_hex(16),
        )
        record(line, "planted", by=by, details={"commitment": commitment(gold)})
    return gold


def plant_again(contribution: Contribution, *, by: Account, because: str) -> Gold:
    """A gold item with the rows of a PR that was rejected: known to be kept out.

    One that was accepted cannot serve: its rows stand among the accepted, and every screen and
    every list of similar rows would say so.
    """
    if contribution.stage != Stage.REJECTED:
        said = _("%s was not rejected; its rows would be recognised. Plant rows of your own")
        raise BadGold(said % contribution)
    return plant(
        contribution.line,
        by=by,
        verdict=Verdict.REJECT,
        because=because,
        title=contribution.title,
        kind=contribution.kind,
        rows=[_raw(row) for row in rows_of(contribution)],
        terms=Terms(contribution.licence, contribution.consent, contribution.signed_off),
        skill=contribution.skill,
        description=contribution.description,
        source=contribution,
    )


def retire(gold: Gold) -> bool:
    """Take a gold item off the desk and tell the record which one it was; whether it was there."""
    if gold.retired_at is not None:
        return False
    contribution = gold.contribution
    with transaction.atomic():
        if contribution.stage not in (Stage.REJECTED, Stage.WITHDRAWN, Stage.ACCEPTED):
            contributions.withdraw(contribution, by=contribution.author)
        gold.retired_at = timezone.now()
        gold.save(update_fields=["retired_at"])
        told = {"verdict": gold.verdict, "reason": gold.reason, "nonce": gold.nonce}
        record(contribution, "was gold", by=gold.planted_by, details=told)
    return True


def retire_answered() -> int:
    """Retire what enough people have answered; returns how many."""
    found = Gold.objects.filter(retired_at=None).select_related("contribution__line")
    retired = 0
    for gold in found.annotate(answers=Count("contribution__rounds__heard")):
        if gold.answers < AgreementPolicy.of(gold.contribution.line).gold_answers:
            continue
        try:
            retired += retire(gold)
        except MoveRefused:
            continue
    return retired


def commitment(gold: Gold) -> str:
    """SHA-256 (hex) of nonce, number, verdict and reason."""
    said = f"{gold.nonce}\n{gold.pk}\n{gold.verdict}\n{gold.reason}"
    return sha256(said.encode()).hexdigest()


def gold_for(reviewer: Account) -> Contribution | None:
    """The gold item that is due to this reviewer now; none comes to those who can read which."""
    if reviewer.role != Role.REVIEWER:
        return None
    number = UNSEEN_GOLD.first(reviewer=reviewer.pk, now=timezone.now())
    if number is None:
        return None
    found = Contribution.objects.select_related("author", "skill", "line").get(pk=number)
    given = Decision.objects.filter(reviewer=reviewer).count()
    given += Voice.objects.filter(reviewer=reviewer).count()
    share = AgreementPolicy.of(found.line).gold
    return found if drawn_in_secret("gold", f"{reviewer.pk}|{given}", share) else None


def _unseen_gold() -> QuerySet[Contribution, int]:
    """The number of the gold item on which `reviewer` has no voice and that nobody else holds."""
    reviewer = Hole("reviewer")
    held = Claim.objects.filter(contribution=OuterRef("pk"), expires_at__gt=Hole("now"))
    waiting = Gold.objects.filter(retired_at=None, contribution__stage=Stage.IN_REVIEW)
    unseen = Contribution.objects.filter(pk__in=waiting.values("pk")).exclude(voted_by(reviewer))
    free = unseen.exclude(Exists(held.exclude(reviewer=reviewer)))
    return free.order_by("pk").values_list("pk", flat=True)[:1]


UNSEEN_GOLD = Statement(_unseen_gold)


def _raw(row: Row) -> dict[str, Any]:
    """A row as it was sent."""
    fields = {name: getattr(row, name) for name in FIELDS}
    raw = {name: value for name, value in fields.items() if value not in ("", None, [])}
    return raw | ({"skill": row.skill.name} if row.skill else {})


# -- Audits ---------------------------------------------------------------------------------------


def take_audit(reviewer: Account) -> Audit | None:
    """Take the oldest audit that this reviewer may answer; None where there is none."""
    found = _audit_for(reviewer)
    if found is None or found.auditor_id == reviewer.pk:
        return found
    free = Audit.objects.filter(pk=found.pk, answered_at=None).filter(_free())
    if not free.update(auditor=reviewer, taken_at=timezone.now()):
        return None
    found.refresh_from_db()
    return found


def answer_audit(audit: Audit, *, by: Account, verdict: str, because: str) -> Audit:
    """Say what one would have decided. Nothing moves; the answer and the first verdict are public.

    Overturned means that one of the two lets the rows in and the other does not.
    """
    if verdict not in SHOWN_VERDICTS:
        raise BadGold(_("accept, ask for changes or reject; say which"))
    if verdict != Verdict.ACCEPT and not because.strip():
        raise ReasonMissing(_("say why, so that the contributor and the first reviewer can learn"))
    first = audit.decision
    ensure_may_audit(by, audit)
    with transaction.atomic():
        mine = Audit.objects.filter(pk=audit.pk, answered_at=None, auditor=by)
        now = timezone.now()
        turned = (verdict == Verdict.ACCEPT) != (first.verdict == Verdict.ACCEPT)
        if not mine.update(verdict=verdict, because=because, answered_at=now, overturned=turned):
            raise VoiceIsIn(_("this audit is answered, or somebody else has taken it"))
        details = {"first": first.verdict, "again": verdict, "event": audit.event}
        record(first.contribution, "audited", by=by, because=because, details=details)
        audit.refresh_from_db()
    return audit


def ensure_may_audit(account: Account, audit: Audit) -> None:
    """`NotYourAudit` for everybody but the one who has taken it, and those who may take it."""
    if not rules.may_decide(account):
        raise NotYourAudit(_("audits are answered by reviewers"))
    if not _auditable(account).filter(pk=audit.pk).exists():
        raise NotYourAudit(_("somebody else audits this decision"))


def _audit_for(reviewer: Account) -> Audit | None:
    found = _auditable(reviewer).select_related("decision__contribution__line")
    return found.order_by("drawn_at").first()


def _auditable(reviewer: Account) -> Any:
    """Open audits of others' decisions on others' work, on which this reviewer never had a say."""
    said = Voice.objects.filter(
        round__contribution=OuterRef("decision__contribution"), reviewer=reviewer
    )
    decided = Decision.objects.filter(
        contribution=OuterRef("decision__contribution"), reviewer=reviewer
    )
    mine_or_free = Q(auditor=reviewer) | _free()
    found = Audit.objects.filter(mine_or_free, answered_at=None)
    apart = apart_from(reviewer, site_rule())
    found = found.exclude(decision__contribution__author__in=[reviewer.pk, *apart])
    return found.exclude(Exists(said)).exclude(Exists(decided))


def _free() -> Q:
    """Taken by nobody, or by somebody who did not come back to it for a day."""
    day_ago = timezone.now() - timedelta(days=1)
    return Q(auditor=None) | Q(taken_at__lt=day_ago)
