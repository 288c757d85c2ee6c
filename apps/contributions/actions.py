"""Offering, revising and withdrawing contributions."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg.types.json import Jsonb

from apps.accounts.models import Account
from apps.contributions import queries, rules
from apps.contributions.errors import (
    BatchTaken,
    Changed,
    ContributionRefused,
    NothingUsable,
    NotYours,
    RefusedRow,
    TermsMissing,
)
from apps.contributions.models import Consent, Contribution, Kind, Licence, Revision, Row
from apps.contributions.rows import RowData, content_digest, read_rows
from apps.contributions.stages import Stage
from apps.history.actions import move, record, words
from apps.history.errors import MoveRefused
from apps.skills.models import ModelLine, Skill
from apps.traces.models import Trace

ROW_COLUMNS = (
    *("revision_id", "position", "skill_id", "trace_id"),
    *("prompt", "completion", "chosen", "rejected", "original"),
    *("label", "stars", "client_id", "digest", "context", "feedback"),
)

# The first of the numbers under which each author's offers wait for one another.
OFFER_LOCK = 0x0F18 << 40


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
    feedback: Sequence[int] = (),
) -> Offered:
    """Store the good rows as a new contribution and submit it.

    `rows` are raw objects; refused ones come back with place and mend, and good ones are kept.
    `feedback` are the numbers of the feedback that the rows were gathered from, one for each.
    The same rows sent again under the same `batch` return the first contribution. Raises
    `TermsMissing`, `NothingUsable` when no row is good, `BatchTaken`, or `QuotaReached`.
    """
    rules.ensure_may_offer(by)
    check_terms(terms)
    skills = _skills_of(line)
    good, places, refused = _usable(rows, kind, skills)
    good = _of_skill(good, skill)
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
            if rules.is_counted(by):
                _one_at_a_time(by)
                rules.ensure_within_quota(by, kind=kind, rows=len(good))
            contribution.save()
            numbers = [feedback[place] for place in places] if feedback else []
            _store(contribution, good, refused, skills, note="", feedback=numbers)
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
    """Replace the rows by a new revision and submit it again; earlier approvals fall with it.

    It is also the way back of what was rejected: the same PR, with all that was said of it.
    """
    _authors_only(contribution, by)
    if contribution.reverts_id:
        said = _("%(pr)s has no rows of its own; withdraw it instead")
        raise ContributionRefused(said % {"pr": contribution})
    rules.ensure_may_send_again(contribution)
    return replace_rows(contribution, by=by, rows=rows, note=note)


def examine_revision(contribution: Contribution, rows: Iterable[Any]) -> list[RefusedRow]:
    """What `revise` would refuse of these rows, without storing anything; it raises alike."""
    return _usable(rows, contribution.kind, _skills_of(contribution.line))[2]


def replace_rows(
    contribution: Contribution, *, by: Account, rows: Iterable[Any], note: str
) -> Offered:
    """The new revision itself; whether `by` may is asked before."""
    skills = _skills_of(contribution.line)
    good, places, refused = _usable(rows, contribution.kind, skills)
    good = _of_skill(good, contribution.skill)
    following = {
        "revision": contribution.revision + 1,
        "digest": content_digest(good),
        "row_count": len(good),
    }
    with transaction.atomic():
        if contribution.kind == Kind.DATASET and rules.is_counted(by):
            _one_at_a_time(by)
            rules.ensure_rows_within_quota(by, len(good) - contribution.row_count)
        # The move is the lock, over stage and content: whoever does not get it changes nothing.
        details = {"digest": following["digest"], "revision": following["revision"]}
        move(contribution, Stage.SUBMITTED, by=by, because=note, also=following, details=details)
        _store(contribution, good, refused, skills, note=note)
    return Offered(contribution, places, refused)


def withdraw(contribution: Contribution, *, by: Account, because: str = "") -> None:
    """Take an open contribution back; only its author can."""
    _authors_only(contribution, by)
    move(contribution, Stage.WITHDRAWN, by=by, because=because)


def edit(
    contribution: Contribution,
    *,
    by: Account,
    title: str | None = None,
    description: str | None = None,
    skill: Skill | None = None,
) -> bool:
    """Change an open contribution's words or its skill; whether anything was different.

    The event says what it was and what it is. Rows that went by the contribution's old skill go by
    its new one. Raises `Changed` when somebody has changed it since `contribution` was read.
    """
    _authors_only(contribution, by)
    if contribution.stage not in rules.EDITABLE:
        said = _("%(pr)s is %(stage)s and is not edited any more")
        raise MoveRefused(said % {"pr": contribution, "stage": words(contribution.stage)})
    wished = {"title": title, "description": description, "skill": skill}
    changes = {
        name: value
        for name, value in wished.items()
        if value is not None and value != getattr(contribution, name)
    }
    if not changes:
        return False
    told = {
        name: [_plain(getattr(contribution, name)), _plain(value)]
        for name, value in changes.items()
    }
    with transaction.atomic():
        if not _as_read(contribution).update(**changes):
            raise Changed(f"{contribution} has changed since you read it; read it again")
        if skill and "skill" in changes:
            rows = Row.objects.filter(
                revision__contribution=contribution, revision__number=contribution.revision
            )
            rows.filter(skill=contribution.skill_id).update(skill=skill)
        record(contribution, "edited", by=by, details=told)
    for name, value in changes.items():
        setattr(contribution, name, value)
    return True


def check_terms(terms: Terms) -> None:
    """`TermsMissing` unless licence and consent are known and the work is signed off."""
    if terms.licence not in Licence.values:
        said = _("the licence “%(licence)s” is not known; pick one of %(choice)s")
        choice = ", ".join(Licence.values)
        raise TermsMissing(said % {"licence": terms.licence, "choice": choice})
    if terms.consent not in Consent.values:
        said = _("the consent “%(consent)s” is not known; pick one of %(choice)s")
        choice = ", ".join(Consent.values)
        raise TermsMissing(said % {"consent": terms.consent, "choice": choice})
    if terms.signed_off is not True:
        raise TermsMissing(_("sign-off is missing; confirm that you may give these rows away"))


def _as_read(contribution: Contribution) -> QuerySet[Contribution]:
    """The row, if it still holds what `contribution` holds."""
    names = ("title", "description", "skill_id", "stage", "revision", "digest")
    held = {name: getattr(contribution, name) for name in names}
    return Contribution.objects.filter(pk=contribution.pk, **held)


def _plain(value: object) -> str | None:
    """A changed value as the record keeps it."""
    if isinstance(value, Skill):
        return value.name
    return None if value is None else str(value)


def _one_at_a_time(author: Account) -> None:
    """Let the author's other offers wait, so that two at once cannot both take the last place."""
    # Locking the account's row instead costs more with every offer of one transaction.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [OFFER_LOCK + author.pk])


def _usable(
    raws: Iterable[Any], kind: str, names: Collection[str]
) -> tuple[list[RowData], list[int], list[RefusedRow]]:
    if kind not in Kind.values:
        said = _("the kind “%(kind)s” is not known; pick one of %(choice)s")
        raise ContributionRefused(said % {"kind": kind, "choice": ", ".join(Kind.values)})
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
        said = _(
            "the batch “%(batch)s” is %(pr)s, with other rows; send these under another "
            "batch name, or as a revision"
        )
        raise BatchTaken(said % {"batch": earlier.batch, "pr": earlier})
    return Offered(earlier, places, refused, repeated=True)


def _skills_of(line: ModelLine) -> dict[str, Skill]:
    """The line's skills by name; a caller with many offers has them fetched once."""
    return {skill.name: skill for skill in line.skills.all()}


def _shared_skill(skills: Mapping[str, Skill], rows: Sequence[RowData]) -> Skill | None:
    """The skill of the contribution, where all rows name the same one."""
    names = {row.skill for row in rows}
    return skills.get(names.pop()) if len(names) == 1 else None


def _of_skill(rows: list[RowData], skill: Skill | None) -> list[RowData]:
    """The rows as they are stored, which is what a digest binds to: each says its own skill."""
    if skill is None:
        return rows
    return [row if row.skill else replace(row, skill=skill.name) for row in rows]


def _store(
    contribution: Contribution,
    rows: Sequence[RowData],
    refused: Sequence[RefusedRow],
    skills: Mapping[str, Skill],
    *,
    note: str,
    feedback: Sequence[int] = (),
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
            told = feedback[position] if feedback else None
            known = (row.label, row.stars, row.client_id, row.digest, Jsonb(row.context), told)
            table.write_row((revision.pk, position, skill, trace, *texts, *known))


def _known_traces(line: ModelLine, rows: Sequence[RowData]) -> dict[str, int]:
    """Public trace id to key, for those traces that exist in the line."""
    named = {row.trace for row in rows if row.trace.removeprefix("tr_").isdecimal()}
    keys = [int(name.removeprefix("tr_")) for name in named]
    found = Trace.objects.filter(line=line, pk__in=keys).values_list("pk", flat=True)
    return {f"tr_{key}": key for key in found}


def _authors_only(contribution: Contribution, by: Account) -> None:
    if not rules.is_author(by, contribution):
        said = _("%(pr)s belongs to %(author)s; only they can do this")
        raise NotYours(said % {"pr": contribution, "author": contribution.author})
