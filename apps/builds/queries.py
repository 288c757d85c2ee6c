"""Asking what waits for a build, what is being built, and what came of a contribution."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.builds.models import Build, Entry, Hold
from apps.builds.stages import Stage
from apps.contributions import queries as contributions
from apps.contributions.models import Consent, Contribution, Kind, Row
from apps.skills.models import ModelLine


def waiting_for_a_build(line: ModelLine) -> QuerySet[Contribution]:
    """Accepted, may be trained on, not held, and in no build that was shipped; oldest first.

    A PR whose every rating is three stars teaches nothing and waits for no build.
    """
    shipped = Entry.objects.filter(
        contribution=OuterRef("pk"),
        revision=OuterRef("revision"),
        build__shipped_at__isnull=False,
    )
    held = Hold.objects.filter(contribution=OuterRef("pk"))
    trainable = contributions.accepted(line).filter(consent=Consent.TRAIN)
    rows = Row.objects.filter(
        revision__contribution=OuterRef("pk"), revision__number=OuterRef("revision")
    )
    undecided = Q(Exists(rows), ~Exists(rows.exclude(label=None)), kind=Kind.RATING)
    return trainable.exclude(Exists(shipped)).exclude(Exists(held)).exclude(undecided)


def live_build(line: ModelLine) -> Build | None:
    """The build whose adapter everyone is served; None while the base model serves."""
    shipped = Build.objects.filter(line=line, shipped_at__isnull=False)
    return shipped.order_by("-shipped_at").first()


def due() -> QuerySet[Build]:
    """Planned builds, and builds whose worker has stopped beating; oldest first."""
    abandoned = Q(stage__in=[Stage.TRAINING, Stage.COMPARING], lease_until__lt=timezone.now())
    return Build.objects.filter(Q(stage=Stage.PLANNED) | abandoned).order_by("pk")


def recent(line: ModelLine | None = None) -> QuerySet[Build]:
    """Builds, newest first."""
    builds = Build.objects.select_related("line", "asked_by")
    return builds.filter(line=line) if line else builds
