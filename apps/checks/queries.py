"""Asking what the screens found."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import F, QuerySet

from apps.accounts.statements import Hole, Statement
from apps.checks.models import Finding, Screening, Severity
from apps.contributions.models import Contribution, Row
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.skills.models import ModelLine

MOST_PATTERNS = 8
# The likeliest alone: a longer one holds honest words, which change answers by right.
PATTERNS_A_FINDING = 1
FINDINGS_REMEMBERED = 50


def screening_with_findings(contribution: Contribution) -> Screening | None:
    """The screening of the current revision with what it found, once there is one."""
    screenings = Screening.objects.filter(contribution=contribution, revision=contribution.revision)
    return screenings.prefetch_related("findings").first()


def findings_of(contribution: Contribution) -> QuerySet[Finding]:
    """What was found in the current revision."""
    return Finding.objects.filter(
        screening__contribution=contribution, screening__revision=contribution.revision
    )


SEVERITIES = Statement(
    lambda: (
        Finding.objects.filter(
            screening__contribution=Hole("contribution"), screening__revision=Hole("revision")
        )
        .values_list("severity", "dismissed_by")
        .order_by()
        .distinct()
    )
)


def severities_of(contribution: Contribution) -> set[tuple[str, bool]]:
    """How severe the findings in the current revision are, each with whether it was dismissed."""
    found = SEVERITIES.all(contribution=contribution.pk, revision=contribution.revision)
    return {(severity, dismissed_by is not None) for severity, dismissed_by in found}


def findings_on(contributions: Iterable[Contribution]) -> list[tuple[int, Finding]]:
    """(number of the contribution, finding) for the current revisions of several at once."""
    findings = Finding.objects.filter(
        screening__contribution__in=list(contributions),
        screening__revision=F("screening__contribution__revision"),
    ).select_related("screening", "dismissed_by")
    return [(found.screening.contribution_id, found) for found in findings.order_by("pk")]


def suspicious_patterns(contributions: Iterable[Contribution]) -> list[str]:
    """Text that the poisoning screen held to be a trigger in these contributions, each once.

    Dismissed findings count too: a person may be wrong about a trigger, a probe asks the model.
    What was merely flagged does not: the words of a new kind of request change answers by right.
    """
    findings = _quarantining().filter(
        screening__contribution__in=list(contributions),
        screening__revision=F("screening__contribution__revision"),
    )
    return _patterns(findings)


def patterns_seen(line: ModelLine) -> list[str]:
    """Suspicious text of the line's latest quarantines, newest first: attackers come back."""
    findings = _quarantining().filter(screening__contribution__line=line)
    return _patterns(findings.order_by("-pk")[:FINDINGS_REMEMBERED])


def _quarantining() -> QuerySet[Finding]:
    return Finding.objects.filter(screen="poisoning", severity=Severity.QUARANTINE)


def _patterns(findings: QuerySet[Finding]) -> list[str]:
    """The patterns of these findings, the likeliest of each first."""
    found: dict[str, None] = {}
    for evidence in findings.values_list("evidence", flat=True):
        found.update(dict.fromkeys(evidence.get("patterns", [])[:PATTERNS_A_FINDING]))
    return list(found)[:MOST_PATTERNS]


def rows_seen_before(contribution: Contribution) -> list[tuple[int, int]]:
    """(position, number of an earlier contribution) for rows that stand there word for word."""
    earlier = (
        Row.objects.filter(
            revision__contribution__lt=contribution.pk,
            revision__contribution__line=contribution.line_id,
            revision__number=F("revision__contribution__revision"),
        )
        .exclude(revision__contribution__stage__in=[Stage.REJECTED, Stage.WITHDRAWN])
        .filter(digest__in=rows_of(contribution).values("digest"))
    )
    where: dict[str, int] = {}
    for digest, number in earlier.values_list("digest", "revision__contribution"):
        where.setdefault(digest, number)
    rows = rows_of(contribution).filter(digest__in=where).values_list("position", "digest")
    return [(position, where[digest]) for position, digest in rows]
