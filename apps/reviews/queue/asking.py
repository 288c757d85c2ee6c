"""Asking by rule: who has named a skill is asked to review what comes in for it."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, Q
from django.utils import timezone

from apps.accounts.models import Account
from apps.contributions.discussion.models import Involvement, Part
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.actions import record
from apps.reviews.queue.affiliation import apart_from
from apps.reviews.queue.habits import free_at
from apps.reviews.queue.policy import QueueRule
from apps.reviews.rules import DECIDE


def ask_by_rule(contribution: Contribution, rule: QueueRule) -> Sequence[Account]:
    """Ask as many as the policy says, of those who named the skill and are free: the least busy.

    Nobody is asked whose work or whose rest forbids it, and nobody where somebody was asked before.
    """
    if not rule.ask or contribution.skill_id is None:
        return []
    asked = Q(involved__part=Part.REVIEWER)
    if Contribution.objects.filter(asked, pk=contribution.pk).exists():
        return []
    chosen = [
        one for one in _least_busy(contribution.skill_id) if _may_be_asked(one, contribution, rule)
    ][: rule.ask]
    for one in chosen:
        Involvement.objects.create(contribution=contribution, account=one, part=Part.REVIEWER)
    if chosen:
        names = [one.username for one in chosen]
        because = f"they named the skill {contribution.skill}"
        details = {"added": names, "removed": []}
        record(contribution, "review asked for", by="reviews", because=because, details=details)
    return chosen


def _least_busy(skill: int) -> Sequence[Account]:
    """Who named the skill, those first who are asked for the least that still waits."""
    open_ones = Q(part=Part.REVIEWER, contribution__stage=Stage.IN_REVIEW)
    people = Account.objects.filter(habits__skills=skill, role__in=DECIDE, is_active=True)
    busy = dict(
        Involvement.objects.filter(open_ones, account__in=people)
        .values_list("account")
        .annotate(Count("pk"))
        .order_by()
    )
    return sorted(people.select_related("habits"), key=lambda one: (busy.get(one.pk, 0), one.pk))


def _may_be_asked(person: Account, contribution: Contribution, rule: QueueRule) -> bool:
    if not free_at(person.habits, timezone.now()):
        return False
    return contribution.author_id not in apart_from(person, rule)
