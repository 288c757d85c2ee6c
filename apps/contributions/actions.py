"""Offering, revising and withdrawing contributions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import timezone
from psycopg.types.json import Jsonb

from apps.accounts.models import Account
from apps.contributions import queries, rules
from apps.contributions.errors import (
    BatchTaken,
    ContributionRefused,
    NothingUsable,
    NotYours,
    RefusedRow,
    TermsMissing,
)
from apps.contributions.models import Comment, Consent, Contribution, Kind, Licence, Revision, Row
from apps.contributions.rows import RowData, content_digest, read_rows
from apps.contributions.stages import Stage
from apps.history.actions import move, record
from apps.skills.models import ModelLine, Skill
from apps.traces.models import Trace

ROW_COLUMNS = (
    *("revision_id", "position", "skill_id", "trace_id"),
    *("prompt", "completion", "chosen", "rejected", "original"),
    *("label", "client_id", "digest", "context"),
)


@dataclass(frozen=True)
class Terms:
    """What the contributor agrees to: licence (SPDX id), consent, and the sign-off."""

    licence: str
    consent: str
    signed_off: bool


@dataclass(frozen=True)
class Offered:
    """What became of an offer: the contribution, the places of kept rows, and the refused rows."""

    contribution: Contribution
    places: list[int]
    refused: list[RefusedRow]
    repeated: bool = False


def examine(
    line: ModelLine, *, kind: str, rows: Iterable[Any], terms: Terms
) -> tuple[list[int], list[RefusedRow]]:
    """What `offer` would keep (places) and refuse, without storing anything; it raises alike."""
    check_terms(terms)
    _, places, refused = _usable(rows, kind, _skills_of(line))
    return places, refused


def offer(
    line: ModelLine,
    *,
    by: Account,
    kind: str,
    title: str,
    rows: Iterable[Any],
    terms: Terms,
    skill: Skill | None = None,
    description: str = "",
    source: str = "api",
    batch: str = "",
) -> Offered:
    """Store the good rows as a new contribution and submit it.

    `rows` are raw objects; refused ones come back with place and mend, and good ones are kept.
    The same rows sent again under the same `batch` return the first contribution. Raises
    `TermsMissing`, `NothingUsable` when no row is good, or `BatchTaken`.
    """
    rules.ensure_may_offer(by)
    check_terms(terms)
    skills = _skills_of(line)
    good, places, refused = _usable(rows, kind, skills)
    if batch and (earlier := queries.sent_before(by, batch)):
        return _repeated(earlier, good, places, refused)
    contribution = Contribution(
        line=line,
        skill=skill or _shared_skill(skills, good),
        author=by,
        kind=kind,
        title=title.strip()[:160] or f"{Kind(kind).label} ({len(good)} rows)",
        description=description,
        licence=terms.licence,
        consent=terms.consent,
        signed_off=terms.signed_off,
        source=source,
        batch=batch,
        digest=content_digest(good),
        row_count=len(good),
    )
    try:
        with transaction.atomic():
            contribution.save()
            _store(contribution, good, refused, skills, note="")
            submit(contribution, by=by)
    except IntegrityError:
        # Two requests with one batch name raced; the other one stored it.
        if (earlier := queries.sent_before(by, batch)) is None:
            raise
        return _repeated(earlier, good, places, refused)
    return Offered(contribution, places, refused)


def submit(contribution: Contribution, *, by: Account) -> None:
    """Send the contribution to the checks."""
    _authors_only(contribution, by)
    first = {} if contribution.submitted_at else {"submitted_at": timezone.now()}
    details = {"digest": contribution.digest}
    move(contribution, Stage.SUBMITTED, by=by, also=first, details=details)


def revise(contribution: Contribution, *, by: Account, rows: Iterable[Any], note: str) -> Offered:
    """Replace the rows by a new revision and submit it again; earlier approvals fall with it."""
    _authors_only(contribution, by)
    skills = _skills_of(contribution.line)
    good, places, refused = _usable(rows, contribution.kind, skills)
    with transaction.atomic():
        # The move is the lock: whoever does not get it never touches the revision.
        move(contribution, Stage.SUBMITTED, by=by, because=note)
        contribution.revision += 1
        contribution.digest, contribution.row_count = content_digest(good), len(good)
        contribution.save(update_fields=["digest", "row_count", "revision"])
        _store(contribution, good, refused, skills, note=note)
    return Offered(contribution, places, refused)


def withdraw(contribution: Contribution, *, by: Account, because: str = "") -> None:
    """Take an open contribution back; only its author can."""
    _authors_only(contribution, by)
    move(contribution, Stage.WITHDRAWN, by=by, because=because)


def comment(contribution: Contribution, *, by: Account, text: str) -> Comment:
    """Say something under a contribution."""
    if not text.strip():
        raise ContributionRefused("the comment is empty; write something or leave it")
    with transaction.atomic():
        written = Comment.objects.create(contribution=contribution, author=by, text=text.strip())
        record(contribution, "commented", by=by, details={"comment": written.pk})
    return written


def check_terms(terms: Terms) -> None:
    """`TermsMissing` unless licence and consent are known and the work is signed off."""
    if terms.licence not in Licence.values:
        raise TermsMissing(
            f"the licence “{terms.licence}” is not known; pick one of {', '.join(Licence.values)}"
        )
    if terms.consent not in Consent.values:
        raise TermsMissing(
            f"the consent “{terms.consent}” is not known; pick one of {', '.join(Consent.values)}"
        )
    if terms.signed_off is not True:
        raise TermsMissing("sign-off is missing; confirm that you may give these rows away")


def _usable(
    raws: Iterable[Any], kind: str, names: Collection[str]
) -> tuple[list[RowData], list[int], list[RefusedRow]]:
    if kind not in Kind.values:
        raise ContributionRefused(
            f"the kind “{kind}” is not known; pick one of {', '.join(Kind.values)}"
        )
    good, places, refused = read_rows(raws, kind)
    unknown = [at for at, row in enumerate(good) if row.skill and row.skill not in names]
    for at in reversed(unknown):
        row, place = good.pop(at), places.pop(at)
        refused.append(
            RefusedRow(
                place,
                "unknown_skill",
                f"/rows/{place}/skill",
                f"there is no skill “{row.skill}”",
                f"use one of {', '.join(sorted(names))}, or leave it out",
            )
        )
    refused.sort(key=lambda bad: bad.row)
    if not good:
        raise NothingUsable(refused)
    return good, places, refused


def _repeated(
    earlier: Contribution,
    good: Sequence[RowData],
    places: list[int],
    refused: list[RefusedRow],
) -> Offered:
    """The answer to a repeated offer; other rows under an old name would be lost in silence."""
    first = earlier.revisions.values_list("digest", flat=True).get(number=1)
    if first != content_digest(good):
        raise BatchTaken(
            f"the batch “{earlier.batch}” is {earlier}, with other rows; send these under another "
            "batch name, or as a revision"
        )
    return Offered(earlier, places, refused, repeated=True)


def _skills_of(line: ModelLine) -> dict[str, Skill]:
    """The line's skills by name; a caller with many offers has them fetched once."""
    return {skill.name: skill for skill in line.skills.all()}


def _shared_skill(skills: Mapping[str, Skill], rows: Sequence[RowData]) -> Skill | None:
    """The skill of the contribution, where all rows name the same one."""
    names = {row.skill for row in rows}
    return skills.get(names.pop()) if len(names) == 1 else None


def _store(
    contribution: Contribution,
    rows: Sequence[RowData],
    refused: Sequence[RefusedRow],
    skills: Mapping[str, Skill],
    *,
    note: str,
) -> None:
    """Write the revision and its rows."""
    revision = Revision.objects.create(
        contribution=contribution,
        number=contribution.revision,
        digest=contribution.digest,
        note=note,
        refused=[asdict(bad) for bad in refused],
    )
    traces = _known_traces(contribution.line, rows)
    own_skill = contribution.skill_id
    by_name = {name: skill.pk for name, skill in skills.items()}
    # COPY stores a stream three times as fast as INSERT does.
    columns = ", ".join(ROW_COLUMNS)
    copying = f"COPY {Row._meta.db_table} ({columns}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copying) as table:
        for position, row in enumerate(rows):
            skill, trace = by_name.get(row.skill, own_skill), traces.get(row.trace)
            texts = (row.prompt, row.completion, row.chosen, row.rejected, row.original)
            known = (row.label, row.client_id, row.digest, Jsonb(row.context))
            table.write_row((revision.pk, position, skill, trace, *texts, *known))


def _known_traces(line: ModelLine, rows: Sequence[RowData]) -> dict[str, int]:
    """Public trace id to key, for those traces that exist in the line."""
    named = {row.trace for row in rows if row.trace.removeprefix("tr_").isdigit()}
    keys = [int(name.removeprefix("tr_")) for name in named]
    found = Trace.objects.filter(line=line, pk__in=keys).values_list("pk", flat=True)
    return {f"tr_{key}": key for key in found}


def _authors_only(contribution: Contribution, by: Account) -> None:
    if not rules.is_author(by, contribution):
        raise NotYours(f"{contribution} belongs to {contribution.author}; only they can do this")
