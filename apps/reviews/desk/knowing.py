"""Who wrote it: folded until one has decided, and kept where somebody looked before."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Exists, OuterRef

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.desk.models import Unfolded
from apps.reviews.models import Decision

UNDECIDED = (Stage.SUBMITTED, Stage.IN_REVIEW, Stage.QUARANTINED)


def knows(account: Account, contribution: Contribution, decisions: Iterable[Decision]) -> bool:
    """Whether this reviewer may see the name: they decided, it is over, or they looked it up.

    `contribution` carries `unfolded`, as `looked_up` annotates it.
    """
    if contribution.stage not in UNDECIDED or contribution.author_id == account.pk:
        return True
    decided = any(decision.reviewer_id == account.pk for decision in decisions)
    return decided or bool(getattr(contribution, "unfolded", False))


def looked_up(account: Account) -> Exists:
    """For a query of contributions: whether this reviewer looked up who wrote each."""
    return Exists(Unfolded.objects.filter(contribution=OuterRef("pk"), reviewer=account))


def unfold(contribution: Contribution, *, by: Account) -> None:
    """Show the name to a reviewer who wants it before deciding; that is kept."""
    Unfolded.objects.get_or_create(contribution=contribution, reviewer=by)
