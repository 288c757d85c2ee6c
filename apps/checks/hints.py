"""What a writer is told while they write: what is private in a text, and what resembles it.

Nothing here holds anybody up: a hint is advice, the screens decide later.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from apps.checks.models import Print
from apps.contributions.models import Contribution, Row
from apps.contributions.queries import rows_of
from apps.contributions.rows import normalised
from apps.contributions.rules import READ_BY_ALL
from apps.contributions.stages import Stage
from apps.skills.models import ModelLine
from training.screening.near import BANDS, PERMUTATIONS, band_keys, signatures
from training.screening.personal_data import personal_data
from training.screening.secrets import secrets
from training.screening.text import Words, words

LONGEST = 20_000
# Of those that share a band, so many are compared; a template can share one with thousands.
CANDIDATES = 200
SIMILAR_FROM = 0.5
MOST_SHOWN = 3
# Of a PR so many rows are held against the accepted ones, to say how new it is.
SAMPLED = 8
# A hint is worth this long and no longer.
PATIENCE_MS = 500


@dataclass(frozen=True)
class Mark:
    """A place in a text that looks private: where it begins and ends, and what it looks like."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Similar:
    """An accepted row that resembles what is being written; `share` of their words agree."""

    row: Row
    share: float

    @property
    def number(self) -> int:
        """The number of its PR."""
        return self.row.revision.contribution_id


def marks(text: str) -> list[Mark]:
    """Personal data and secrets in a text, from left to right, none over another."""
    text = text[:LONGEST]
    found = [Mark(start, end, kind) for kind, start, end in secrets(text)]
    for hit in personal_data(text):
        if all(hit.end <= mark.start or mark.end <= hit.start for mark in found):
            found.append(Mark(hit.start, hit.end, hit.kind))
    return sorted(found, key=lambda mark: mark.start)


def similar(line: ModelLine, prompt: str) -> list[Similar]:
    """Accepted rows that everybody may read and that ask nearly the same, nearest first."""
    bands = _bands([prompt[:LONGEST]])[0]
    if not bands:
        return []
    rows = Row.objects.filter(pk__in=_sharing(line, bands)).select_related(
        "revision__contribution", "skill"
    )
    asked = shingles(prompt)
    found = [Similar(row, jaccard(asked, shingles(row.prompt))) for row in rows]
    near = [one for one in found if one.share >= SIMILAR_FROM]
    near.sort(key=lambda one: (-one.share, one.row.pk))
    return near[:MOST_SHOWN]


def novelty(contribution: Contribution, *, of: int = SAMPLED) -> float:
    """How far the rows are from all accepted ones, 0 (all stand there) to 1 (nothing alike).

    It looks at `of` rows, evenly spread, and estimates from MinHash bands; a short prompt has none
    and counts as new unless it stands there word for word.
    """
    rows = list(rows_of(contribution).values_list("prompt", "digest"))
    rows = rows[:: max(1, len(rows) // of)][:of]
    if not rows:
        return 1.0
    known = set(_accepted_digests(contribution.line, [digest for _, digest in rows]))
    bands = _bands([prompt for prompt, _ in rows])
    near = [
        1.0 if digest in known else _nearness(contribution.line, keys)
        for (_, digest), keys in zip(rows, bands, strict=True)
    ]
    return 1 - sum(near) / len(near)


def _accepted_digests(line: ModelLine, digests: list[str]) -> QuerySet[Row, str]:
    standing = Row.objects.filter(
        digest__in=digests,
        revision__contribution__line=line,
        revision__contribution__stage=Stage.ACCEPTED,
    )
    return standing.values_list("digest", flat=True)


def _nearness(line: ModelLine, bands: list[int]) -> float:
    """The likeness (Jaccard, estimated) of the accepted prompt that is most alike."""
    if not bands:
        return 0.0
    mine = set(bands)
    prints = Print.objects.filter(pk__in=_sharing(line, bands)).values_list("bands", flat=True)
    shared = max((len(mine & set(others)) for others in prints), default=0)
    # A band of w values is equal with probability j to the w.
    return float((shared / BANDS) ** (BANDS / PERMUTATIONS))


def prints_of(contribution: Contribution) -> list[Print]:
    """The prints of a contribution's current rows, not yet stored."""
    rows = list(rows_of(contribution).values_list("pk", "prompt"))
    bands = _bands([prompt for _, prompt in rows])
    return [
        Print(row_id=key, line_id=contribution.line_id, bands=keys)
        for (key, _), keys in zip(rows, bands, strict=True)
    ]


def _bands(prompts: list[str]) -> list[list[int]]:
    """The band keys of each prompt, as PostgreSQL's signed integers; none for a short prompt."""
    signed, long = signatures(Words.of(prompts))
    keys = band_keys(signed, BANDS).T.view("int64")
    return [row.tolist() if is_long else [] for row, is_long in zip(keys, long, strict=True)]


def _sharing(line: ModelLine, bands: list[int]) -> list[int]:
    """Keys of rows, accepted and open to all, that share a band; few enough to be compared."""
    sql = """
        SELECT print.row_id
        FROM (SELECT row_id FROM checks_print
              WHERE bands && %s::bigint[] LIMIT %s) print
        JOIN contributions_row r ON r.id = print.row_id
        JOIN contributions_revision v ON v.id = r.revision_id
        JOIN contributions_contribution c ON c.id = v.contribution_id
        WHERE c.line_id = %s AND c.stage = %s AND c.consent = ANY(%s) AND v.number = c.revision
        LIMIT %s
    """
    allowed = [str(consent) for consent in READ_BY_ALL]
    wanted: list[Any] = [bands, 5 * CANDIDATES, line.pk, str(Stage.ACCEPTED), allowed, CANDIDATES]
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = {PATIENCE_MS}")
            # The planner takes arrays to overlap far more often than prints do, and would read all.
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(sql, wanted)
            found = [key for (key,) in cursor.fetchall()]
            cursor.execute("SET LOCAL statement_timeout = DEFAULT")
            cursor.execute("SET LOCAL enable_seqscan = DEFAULT")
    except OperationalError:
        # Too slow for a hint; the screens look again, and take their time.
        return []
    return found


def shingles(text: str) -> set[tuple[str, ...]]:
    """Every three words in a row; of a shorter text all its words."""
    said = words(normalised(text))
    return {tuple(said[at : at + 3]) for at in range(max(1, len(said) - 2))}


def jaccard(one: Collection[tuple[str, ...]], other: Collection[tuple[str, ...]]) -> float:
    """The share of shingles that two texts have in common, from 0 to 1."""
    one, other = frozenset(one), frozenset(other)
    return len(one & other) / max(1, len(one | other))
