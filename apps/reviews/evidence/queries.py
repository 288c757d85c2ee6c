"""Asking which PRs want evidence, and what there is to show of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.contributions.models import Consent, Contribution, Row
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.reviews.evidence.models import Evidence, Looked, Served, State
from apps.reviews.evidence.rule import EvidenceRule
from apps.skills.models import ModelLine

# Who lets a verdict be counted and no more has not asked for a measuring.
MEASURED_WITH = (Consent.EVALUATE, Consent.REVIEW, Consent.TRAIN)
# A PR that stands here is worth finishing, once begun; with anything else its rows may be foul.
STANDS = (Stage.IN_REVIEW, Stage.CHANGES_REQUESTED, Stage.ACCEPTED)
LATEST = 5
ENDED = (State.MEASURED, State.FAILED)
# What the clock looks for: PRs that were never measured, and not with what is live.
NEW, CURRENT = "new", "current"
# A change shows when its transaction ends, up to so much later than the time it carries; what comes
# later still is found when all is looked at again.
LATE, LOOKED_HOLDS = timedelta(minutes=2), timedelta(hours=1)


def served(line: ModelLine) -> Served:
    """Who serves the line: an adapter as builds have told it, or the base model."""
    return Served.objects.filter(line=line).first() or Served(line=line)


def due() -> QuerySet[Contribution]:
    """PRs in review that want evidence and that nobody is measuring; who waited longest is first.

    What was never measured comes before what was measured with an earlier live version.
    """
    held = _evidence().filter(lease_until__gt=timezone.now()).exclude(state__in=ENDED)
    served = _served_now()
    new, current = (_unmeasured(aim, served).exclude(Exists(held)) for aim in (NEW, CURRENT))
    return new if new.exists() else current


def look_on() -> None:
    """Take down how far nothing is left to be measured, so that the next look begins there.

    What is being measured counts as left: its worker may die, and nobody would touch the PR.
    """
    served, now = _served_now(), timezone.now()
    for aim in (NEW, CURRENT):
        known = _known(aim, served)
        first = _unmeasured(aim, served).values_list("touched_at", flat=True).first()
        until = min(first or now, now)
        if known and until < known.until + LATE:
            continue
        began = known.began_at if known else now
        told = {"until": until, "served": served[aim], "began_at": began}
        Looked.objects.update_or_create(aim=aim, defaults=told)


def _unmeasured(aim: str, served: Mapping[str, Mapping[str, str]]) -> QuerySet[Contribution]:
    """PRs whose measuring has not ended, from where the clock has looked; first touched, first.

    Asked of the whole queue it would read a million that are measured to find the one that is not.
    """
    ended = _evidence().filter(state__in=ENDED)
    ended = ended.filter(version=OuterRef("live")) if aim == CURRENT else ended
    found = _measurable(served[NEW]).exclude(Exists(ended))
    if known := _known(aim, served):
        found = found.filter(touched_at__gte=known.until - LATE)
    return found.order_by("touched_at", "pk")


def _known(aim: str, served: Mapping[str, Mapping[str, str]]) -> Looked | None:
    """How far the clock has looked, while that holds."""
    lately = timezone.now() - LOOKED_HOLDS
    known = Looked.objects.filter(aim=aim, began_at__gt=lately).first()
    return known if known and known.served == served[aim] else None


def _served_now() -> dict[str, dict[str, str]]:
    """By aim, what a look rests on: the lines that ask for evidence, with what each is served."""
    asking = [line for line in ModelLine.objects.all() if EvidenceRule.of(line).rows_asked > 0]
    live = dict(Served.objects.values_list("line", "digest"))
    return {
        NEW: {str(line.pk): "" for line in asking},
        CURRENT: {str(line.pk): live.get(line.pk, "") for line in asking},
    }


def _measurable(asking: Mapping[str, str]) -> QuerySet[Contribution]:
    live = Subquery(Served.objects.filter(line=OuterRef("line")).values("digest"))
    return (
        Contribution.objects.filter(stage=Stage.IN_REVIEW, consent__in=MEASURED_WITH, reverts=None)
        .filter(line__in=[int(line) for line in asking])
        .exclude(row_count=0)
        .annotate(live=Coalesce(live, Value("")))
        .select_related("line", "skill")
    )


def _evidence() -> QuerySet[Evidence]:
    """Of the rows that stand now, for use in a query of PRs."""
    return Evidence.objects.filter(contribution=OuterRef("pk"), digest=OuterRef("digest"))


def stands(evidence: Evidence) -> bool:
    """Whether its PR still has these rows, and nobody has set them aside."""
    prs = Contribution.objects.filter(pk=evidence.contribution_id, digest=evidence.digest)
    return prs.filter(stage__in=STANDS).exists()


def measured_before(key: str) -> Evidence | None:
    """The same rows, asked of the same version by the same recipe, whoever sent them."""
    return Evidence.objects.filter(key=key, state=State.MEASURED).first()


def evidence_on(contribution: Contribution, *, whole: bool = True) -> Evidence | None:
    """The latest evidence on the rows that stand, if need be that of an earlier version.

    It says as `live` which version is live now; without `whole` it comes without the answers.
    """
    served = Served.objects.filter(line=contribution.line_id).values("digest")
    every = Evidence.objects.filter(contribution=contribution, digest=contribution.digest)
    every = every.annotate(live=Coalesce(Subquery(served), Value("")))
    found = list((every if whole else every.defer("answers", "kept"))[:LATEST])
    told = (one for one in found if one.asked is not None or one.state == State.FAILED)
    return next(told, found[0] if found else None)


@dataclass(frozen=True)
class Example:
    """A row that was asked: who said what, and what that means."""

    row: Row
    live: Mapping[str, Any]
    preview: Mapping[str, Any] | None

    @property
    def change(self) -> str:
        """fixed, spoiled, failing or kept; without a preview right or wrong, by the live model."""
        before = bool(self.live["right"])
        if self.preview is None:
            return "right" if before else "wrong"
        names = {(False, True): "fixed", (True, False): "spoiled", (False, False): "failing"}
        return names.get((before, bool(self.preview["right"])), "kept")


@dataclass(frozen=True)
class Shown:
    """What a page or an API says of a PR's evidence to one reader."""

    state: str
    evidence: Evidence | None = None
    # Measured with the version that everyone is served now.
    current: bool = True
    learns: bool = True
    examples: list[Example] = field(default_factory=list)
    broken: list[Mapping[str, Any]] = field(default_factory=list)


# Why nothing is measured, by name; the pages have the words.
REVERT, UNASKED, SET_ASIDE, NOT_YET, OVER = "revert", "consent", "set_aside", "not_yet", "over"
OFF = "off"
WAITING = "waiting"
# States that another look in a few seconds may find changed.
UNDER_WAY = (WAITING, State.ASKING, State.LEARNING)


def shown(contribution: Contribution, *, rows_seen: bool, examples: int = 0) -> Shown:
    """The evidence as a reader may see it; rows and answers only where `rows_seen`.

    At most so many `examples`, the telling ones first.
    """
    evidence = evidence_on(contribution, whole=rows_seen)
    if evidence is None:
        return Shown(_why_none(contribution))
    telling = bool(rows_seen and examples)
    return Shown(
        state=evidence.state,
        evidence=evidence,
        current=evidence.version == getattr(evidence, "live", ""),
        learns=contribution.consent == Consent.TRAIN,
        examples=_examples(contribution, evidence, examples) if telling else [],
        broken=_broken(evidence)[:examples] if telling else [],
    )


def _broken(evidence: Evidence) -> list[Mapping[str, Any]]:
    return [case for case in evidence.kept if case["live"]["right"] > case["preview"]["right"]]


def _why_none(contribution: Contribution) -> str:
    if contribution.reverts_id is not None:
        return REVERT
    if contribution.consent not in MEASURED_WITH:
        return UNASKED
    if not EvidenceRule.of(contribution.line).rows_asked:
        return OFF
    if contribution.stage == Stage.QUARANTINED:
        return SET_ASIDE
    if contribution.stage == Stage.IN_REVIEW:
        return WAITING
    return NOT_YET if contribution.stage in (Stage.DRAFT, Stage.SUBMITTED) else OVER


TELLING = ("spoiled", "fixed", "failing", "wrong", "kept", "right")


def _examples(contribution: Contribution, evidence: Evidence, most: int) -> list[Example]:
    said = {answer["row"]: answer for answer in evidence.answers}
    rows = rows_of(contribution).filter(position__in=said)
    found = [
        Example(row, said[row.position]["live"], said[row.position].get("preview")) for row in rows
    ]
    found.sort(key=lambda one: (TELLING.index(one.change), one.row.position))
    return found[:most]
