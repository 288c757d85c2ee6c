"""Handing a PR on to a maintainer."""

from __future__ import annotations

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import record
from apps.history.errors import MoveRefused
from apps.reviews import rules
from apps.reviews.desk.models import Escalation
from apps.reviews.errors import ReviewRefused, Stale
from apps.reviews.models import Claim
from apps.reviews.queue.affiliation import apart_from
from apps.reviews.queue.policy import QueueRule


def ensure_somebody_hears(contribution: Contribution, by: Account) -> None:
    """`ReviewRefused` where no other maintainer is there who may decide."""
    if Escalation.objects.filter(contribution=contribution).exists():
        said = _("%(pr)s was handed to a maintainer before; decide on it")
        raise ReviewRefused(said % {"pr": contribution})
    apart = apart_from(contribution.author, QueueRule.of(contribution.line))
    others = Account.objects.filter(role=Role.MAINTAINER, is_active=True).exclude(pk__in=apart)
    if not others.exclude(pk=by.pk).exists():
        said = _("there is no other maintainer; decide on it, or leave it for another")
        raise ReviewRefused(said)


def escalate(contribution: Contribution, *, by: Account, digest: str, because: str) -> Escalation:
    """Leave the decision to a maintainer, with the doubt that made it necessary."""
    rules.ensure_may_decide(by, contribution)
    if digest != contribution.digest:
        said = _("%(pr)s has changed since you read it; look at it again")
        raise Stale(said % {"pr": contribution})
    if contribution.stage != Stage.IN_REVIEW:
        raise MoveRefused(_("%s is not in review any more") % contribution)
    ensure_somebody_hears(contribution, by)
    try:
        with transaction.atomic():
            handed = Escalation.objects.create(contribution=contribution, by=by, because=because)
            Claim.objects.filter(contribution=contribution).delete()
            record(contribution, "escalated", by=by, because=because, details={"digest": digest})
    except IntegrityError:
        said = _("%(pr)s was handed to a maintainer before")
        raise ReviewRefused(said % {"pr": contribution}) from None
    return handed
