"""Asking what was answered and how it turned out."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from apps.accounts.models import Account
from apps.traces.errors import UnknownTrace
from apps.traces.models import Arm, Outcome, Trace


def trace_named(public_id: str) -> Trace:
    """The trace of this public id; `UnknownTrace` else."""
    key = public_id.removeprefix("tr_")
    trace = Trace.objects.filter(pk=int(key)).first() if key.isdigit() else None
    if trace is None:
        raise UnknownTrace(f"no trace “{public_id}”; ids look like tr_42 and come with each answer")
    return trace


def pairs(experiment: str) -> QuerySet[Trace]:
    """Shadow answers of an experiment, each with the live answer it mirrors, in request order."""
    mirrored = Trace.objects.filter(experiment=experiment, arm=Arm.SHADOW)
    return mirrored.select_related("mirror_of", "skill").order_by("pk")


def unjudged_pairs(judge: Account) -> QuerySet[Trace]:
    """Shadow answers that differ from the live answer and that nobody has judged, oldest first.

    The two answers of a pair are judged together and blind, so one outcome on the shadow answer
    says that the pair is done.
    """
    judged = Outcome.objects.filter(trace=OuterRef("pk"))
    differing = Trace.objects.filter(arm=Arm.SHADOW, error="").exclude(
        answer=F("mirror_of__answer")
    )
    waiting = differing.exclude(Exists(judged)).exclude(mirror_of__asked_by=judge)
    return waiting.select_related("mirror_of", "skill").order_by("pk")


def outcomes_after(experiment: str, outcome_id: int) -> QuerySet[Outcome]:
    """Outcomes of an experiment's answers, in the order in which they came in."""
    outcomes = Outcome.objects.filter(trace__experiment=experiment, pk__gt=outcome_id)
    return outcomes.select_related("trace", "trace__skill").order_by("pk")


def failing(limit: int) -> QuerySet[Trace]:
    """The newest answers that somebody found wrong."""
    wrong = Q(outcomes__success=False) & ~Q(arm=Arm.SHADOW)
    return Trace.objects.filter(wrong).select_related("skill").order_by("-pk").distinct()[:limit]
