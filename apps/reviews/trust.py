"""The written rule by which a contributor becomes trusted without anybody's doing.

Its numbers stand in the line's policy under `trust`; those below hold where it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, Q, QuerySet

from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.queries import accepted, rejections
from apps.contributions.stages import Stage
from apps.history.models import Event
from apps.history.queries import kind_of
from apps.skills.models import ModelLine


@dataclass(frozen=True)
class TrustRule:
    """So many accepted PRs over so many days, none ever set aside, no rejection that stands."""

    accepted: int = 5
    days: int = 14

    @classmethod
    def of(cls, line: ModelLine) -> TrustRule:
        """The rule in a line's policy."""
        said = line.policy.get("trust", {})
        return cls(**{name: int(said[name]) for name in ("accepted", "days") if name in said})

    def words(self) -> str:
        """The rule as the record quotes it."""
        return f"{self.accepted} accepted PRs over {self.days} days, none quarantined or rejected"


def deserving(line: ModelLine) -> QuerySet[Account]:
    """Contributors whom the rule of this line lifts to trusted."""
    rule = TrustRule.of(line)
    standing = Q(contributions__in=accepted(line))
    busy = Account.objects.filter(role=Role.CONTRIBUTOR, is_active=True).annotate(
        accepted=Count("contributions", filter=standing),
        first=Min("contributions__created_at", filter=standing),
        last=Max("contributions__created_at", filter=standing),
    )
    long_enough = busy.filter(
        accepted__gte=rule.accepted, last__gte=F("first") + timedelta(days=rule.days)
    )
    against = Q(pk__in=_set_aside()) | Q(pk__in=rejections().values("subject_id"))
    return long_enough.exclude(
        pk__in=Contribution.objects.filter(against).values("author")
    ).order_by("pk")


def _set_aside() -> QuerySet[Event, Any]:
    """The numbers of all PRs that were ever quarantined."""
    return Event.objects.filter(
        subject_kind=kind_of(Contribution()), entered=Stage.QUARANTINED
    ).values("subject_id")
