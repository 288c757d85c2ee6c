"""What of a PR is asked, learned and kept: the job for the trainer, from rows that may be shown.

Cases are trusted rows of protected skills. The hidden hold-out is never asked here, not even for a
count: whoever writes prompts could read it out by what breaks (docs/decisions/0017-evidence.md).
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.db.models import Count, Max

from apps.contributions.models import Consent, Contribution, Kind, Row
from apps.contributions.queries import rows_of
from apps.reviews.evidence.models import Evidence, Served
from apps.reviews.evidence.rule import EvidenceRule
from apps.skills.models import ModelLine, TrustedRow
from apps.skills.queries import trusted_rows
from training.examples import Case
from training.preview.keeping import KnownPrompts
from training.preview.spec import Offer, PreviewJob
from training.spec import Example, Turn

# What a row is called whose contributor named no skill.
UNSORTED = "unsorted"


def key_of(contribution: Contribution, served: Served, rule: EvidenceRule) -> str:
    """SHA-256 (hex) of everything that decides what comes out.

    Two lines may both be served by their bases, and have other cases: the line is part of it.
    """
    learns = contribution.consent == Consent.TRAIN
    line = [contribution.line.name, contribution.line.base, served.digest]
    told = [contribution.digest, contribution.kind, learns, *line, rule.recipe]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def job_for(served: Served, evidence: Sequence[Evidence], rule: EvidenceRule) -> PreviewJob:
    """The job for several PRs of the served line."""
    line = served.line
    known = _known(line, *_mark(line), rule.reminders)
    return PreviewJob(
        base=line.base,
        start_from=served.folder or None,
        offers=tuple(_offer(one, known, rule) for one in evidence),
        reminders=known.reminders,
    )


@dataclass(frozen=True)
class _Known:
    """The trusted rows of a line's protected skills, indexed; and a draw of all of them."""

    rows: tuple[TrustedRow, ...]
    prompts: KnownPrompts
    reminders: tuple[Example, ...]


def _mark(line: ModelLine) -> tuple[int, int]:
    """Count and highest number of the trusted rows: the kept index is made again when they grow."""
    found = trusted_rows(line).aggregate(count=Count("pk"), last=Max("pk"))
    return found["count"], found["last"] or 0


@lru_cache(maxsize=2)
def _known(line: ModelLine, count: int, last: int, reminders: int) -> _Known:
    every = tuple(trusted_rows(line))
    rows = tuple(row for row in every if row.skill.protected)
    drawn = random.Random(0).sample(every, min(reminders, count))  # noqa: S311
    return _Known(
        rows,
        KnownPrompts.of([row.prompt for row in rows]),
        tuple(Example(row.skill.name, "sft", row.prompt, row.completion) for row in drawn),
    )


def _offer(evidence: Evidence, known: _Known, rule: EvidenceRule) -> Offer:
    contribution = evidence.contribution
    rows = list(rows_of(contribution))
    learned = _spread(rows, rule.rows_learned)
    asked = _spread(range(len(learned)), rule.rows_asked)
    learns = contribution.consent == Consent.TRAIN
    prompts = [learned[place].prompt for place in asked]
    near = known.prompts.nearest(prompts, most=rule.cases) if learns and known.rows else []
    cases = [known.rows[place] for place in near]
    return Offer(
        name=str(evidence.pk),
        rows=tuple(_example(row, contribution.kind) for row in learned),
        places=tuple(row.position for row in learned),
        asked=tuple(asked),
        learn=learns,
        cases=tuple(Case(row.skill.name, row.prompt, row.completion) for row in cases),
    )


def _spread(things: Sequence[Any], most: int) -> list[Any]:
    """All of them, or so many at even distances."""
    if len(things) <= most:
        return list(things)
    return [things[place * len(things) // most] for place in range(most)]


def _example(row: Row, kind: str) -> Example:
    skill = row.skill.name if row.skill else UNSORTED
    context = tuple(Turn(**turn) for turn in row.context)
    if kind == Kind.PREFERENCE:
        return Example(
            skill, "pair", row.prompt, chosen=row.chosen, rejected=row.rejected, context=context
        )
    if kind == Kind.RATING:
        return Example(
            skill, "rating", row.prompt, row.completion, label=row.label, context=context
        )
    return Example(skill, "sft", row.prompt, row.completion, context=context)
