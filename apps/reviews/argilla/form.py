"""What a reviewer sees and is asked in Argilla, as plain words; needs no server to be read.

The SDK's own `Settings` asks a live server while it is being built, so it is made of these words
only where one has answered already (`boards`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings

from apps.checks.models import Finding, Severity
from apps.contributions.models import Contribution, Kind, Row
from apps.reviews.argilla.models import Slip
from apps.reviews.models import Verdict
from training.screening import SCREENS

CONVERSATION, ABOUT, BEFORE, WORSE = "conversation", "about", "before", "worse"
FIELDS = {
    ABOUT: "The PR",
    BEFORE: "The answer before the correction",
    WORSE: "The answer held to be worse",
}

VERDICT, RATING, CORRECTED = "verdict", "rating", "corrected_text"
ISSUES, COMMENT = "issues", "comment"
VERDICTS = {
    Verdict.ACCEPT.value: "Accept",
    Verdict.CHANGES.value: "Ask for changes",
    Verdict.REJECT.value: "Reject",
}
RATINGS = (1, 2, 3, 4, 5)
# What people mark besides what the screens find.
SEEN_BY_PEOPLE = ("wrong", "unclear", "unsafe", "off topic", "bad language")
ISSUE_NAMES = tuple(dict.fromkeys((*SEEN_BY_PEOPLE, "licence", *SCREENS)))

GUIDELINES = """\
Each record is one row of a contribution (a PR). Read what was asked and the answer, and say whether
a model should learn it. A PR of several rows is decided when you have answered all of them: all
accepted accepts it, all rejected rejects it, anything else asks its author for changes.

Say why in the comment whenever you do not accept: the author reads it. Accept a row and correct its
text, and the row is accepted as you wrote it, once the checks have read it; with any other verdict
your text is suggested to the author. You never decide on your own work. An answer that cannot be
counted comes back to you as a draft.
"""

OPEN = "open"
# How sure a screen is, by how far it went.
SURENESS = {Severity.NOTE: 0.3, Severity.FLAG: 0.7, Severity.QUARANTINE: 0.95}
AGENT = "openflywheel-checks"


def fields_of(row: Row, contribution: Contribution) -> dict[str, Any]:
    """What is shown of a row: the conversation with its answer, and what it is about."""
    asked = [*row.context, {"role": "user", "content": row.prompt}]
    turns = [{"role": turn["role"], "content": turn["content"]} for turn in asked]
    shown = {
        CONVERSATION: [*turns, {"role": "assistant", "content": row.answer}],
        ABOUT: _about(row, contribution),
        BEFORE: row.original,
        WORSE: row.rejected,
    }
    return {name: value for name, value in shown.items() if value}


def metadata_of(slip: Slip, findings: Iterable[Finding], *, state: str) -> dict[str, Any]:
    """What records can be filtered by. It names no author: who wrote it must not weigh."""
    row, contribution = slip.row, slip.contribution
    severities = {Severity(found.severity) for found in findings}
    worst = max(severities, key=lambda severity: SURENESS[severity], default="clean")
    return {
        "pr": contribution.pk,
        "revision": slip.revision,
        "row": row.position + 1,
        "rows": contribution.row_count,
        "turns": len(row.context) + 2,
        "characters": len(row.prompt) + len(row.answer),
        "kind": contribution.kind,
        "skill": row.skill.name if row.skill else "none",
        "checks": str(worst),
        "state": state,
    }


def suggestions_of(findings: Iterable[Finding]) -> list[tuple[str, Any, Any]]:
    """(question, value, score) for what the screens found; where they found nothing, nothing.

    An answer suggested for every clean row would teach reviewers to nod.
    """
    sureness: dict[str, float] = {}
    for found in findings:
        if found.screen in ISSUE_NAMES:
            score = SURENESS[Severity(found.severity)]
            sureness[found.screen] = max(score, sureness.get(found.screen, 0.0))
    if not sureness:
        return []
    issues = [(ISSUES, list(sureness), list(sureness.values()))]
    worst = max(sureness.values())
    if worst < SURENESS[Severity.FLAG]:
        return list(issues)
    return [*issues, (VERDICT, Verdict.CHANGES.value, worst)]


def _about(row: Row, contribution: Contribution) -> str:
    place = f"row {row.position + 1} of {contribution.row_count}"
    link = f"{settings.SITE_URL.rstrip('/')}{contribution.get_absolute_url()}"
    lines = [f"{contribution}, {place}: {contribution.title}", link]
    if contribution.kind == Kind.RATING:
        lines.insert(1, f"The contributor finds the answer {'good' if row.label else 'bad'}.")
    return "\n".join(lines)
