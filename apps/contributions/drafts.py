"""Drafts: kept for whoever writes them, saved by compare-and-set, and swept when abandoned.

A stranger's drafts hang on a key in their browser; when they sign in, their account takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.contributions import actions, draft_rows
from apps.contributions.actions import Offered, Terms
from apps.contributions.draft_rows import LABELS, STARS, Window, raw_of
from apps.contributions.errors import ContributionRefused, DraftMissing, DraftMoved
from apps.contributions.models import Contribution, Draft, DraftRow, Kind
from apps.skills.models import ModelLine, Skill
from openflywheel.reading.columns import Numbered

KEPT_FOR = timedelta(days=30)
MOST_OPEN = 100
# What the fields of a draft may hold together; its rows are counted by themselves.
LONGEST = 200_000


@dataclass(frozen=True)
class Owner:
    """Whose drafts: an account, or the hash of a browser's key, or both on the way from one to
    the other."""

    account: Account | None
    visitor: str = ""

    @property
    def of_drafts(self) -> Q:
        """What this person may open."""
        own = Q(account=self.account) if self.account else Q(pk=None)
        return own | Q(account=None, visitor=self.visitor) if self.visitor else own


@dataclass(frozen=True)
class Typed:
    """All that a page sends of a draft: `context` and `window` are None where it has no such part,
    `incoming` holds rows that were just uploaded or pasted."""

    fields: dict[str, Any]
    context: list[dict[str, str]] | None = None
    window: Window | None = None
    incoming: Sequence[Numbered] = ()


def open_drafts(owner: Owner) -> QuerySet[Draft]:
    """What this person has begun and not sent, latest first."""
    drafts = Draft.objects.filter(owner.of_drafts, sent_as=None).select_related("line")
    return drafts.order_by("-touched_at")


def draft_named(key: str, owner: Owner) -> Draft:
    """The open draft of this key; `DraftMissing` where there is none for this person."""
    draft = open_drafts(owner).filter(key=key).first()
    if draft is None:
        raise DraftMissing(_("this draft was sent, thrown away or belongs to somebody else"))
    return draft


def is_open(key: str, owner: Owner) -> bool:
    """Whether this person has begun a draft of this key."""
    return open_drafts(owner).filter(key=key).exists()


def latest(owner: Owner, line: ModelLine, kind: str, start: str) -> Draft | None:
    """The draft that this person would go on with when they open a form."""
    return open_drafts(owner).filter(line=line, kind=kind, start=start).first()


def sent_as(key: str, owner: Owner) -> Contribution | None:
    """What became of a draft that was sent before."""
    sent = Draft.objects.filter(owner.of_drafts, key=key).exclude(sent_as=None)
    draft = sent.select_related("sent_as").first()
    return draft.sent_as if draft else None


def save(
    key: str,
    typed: Typed,
    *,
    owner: Owner,
    line: ModelLine,
    kind: str,
    start: str = "",
    version: int = 0,
    tab: str = "",
) -> Draft:
    """Store what was typed and return the draft with its new version.

    Raises `DraftMoved` when another tab saved since `version`; then what this one held is kept
    aside and the stored draft stays as it is. `version` 0 begins a draft.
    """
    _ensure_small(typed)
    with transaction.atomic():
        draft = _held(key, owner)
        begun = draft is None
        if draft is None:
            draft = _begin(key, owner, line, kind, start)
        moved = not begun and draft.version != version and not (tab and draft.tab == tab)
        if moved and _says_nothing_new(draft, typed):
            return draft
        if moved:
            _keep_aside(draft, typed)
        else:
            _write(draft, typed, version=draft.version + (not begun), tab=tab)
    if moved:
        raise DraftMoved(
            _(
                "another tab has saved this draft since; what you typed here is kept beside it, "
                "and you can go on with either"
            )
        )
    return draft


def take_aside(draft: Draft, number: int) -> None:
    """Go on with what was kept aside; what stood in its place is kept aside in turn."""
    with transaction.atomic():
        held = Draft.objects.select_for_update().get(pk=draft.pk)
        aside = held.asides.filter(pk=number).first()
        if aside is None:
            raise DraftMissing(
                _("that version is not kept any more; go on with the draft as it is")
            )
        window = Window(**aside.window) if aside.window else None
        typed = Typed(aside.fields, aside.context, window)
        _keep_aside(held, _as_typed(held, window))
        _write(held, typed, version=held.version + 1, tab="")
        aside.delete()


def remove_row(draft: Draft, at: int) -> None:
    """Take out the row at this position."""
    _edit(draft, lambda uids: uids[:at] + uids[at + 1 :])


def move_row(draft: Draft, at: int, to: int) -> None:
    """Let the row at `at` stand at `to`."""

    def moved(uids: list[str]) -> list[str]:
        if not (0 <= at < len(uids) and 0 <= to < len(uids)):
            return uids
        rest = uids[:at] + uids[at + 1 :]
        return [*rest[:to], uids[at], *rest[to:]]

    _edit(draft, moved)


def remove_turn(draft: Draft, at: int) -> None:
    """Take out the earlier turn at this place."""
    with transaction.atomic():
        held = Draft.objects.select_for_update().get(pk=draft.pk)
        _write(
            held,
            Typed(held.fields, held.context[:at] + held.context[at + 1 :]),
            version=held.version + 1,
            tab="",
        )


def keep_good_rows(draft: Draft) -> int:
    """Take out every row with a fault; returns how many went."""
    bad = set(faulty(draft).values_list("uid", flat=True))
    _edit(draft, lambda uids: [uid for uid in uids if uid not in bad])
    return len(bad)


def clear_rows(draft: Draft) -> None:
    """Take out all rows."""
    _edit(draft, lambda uids: [])


def faulty(draft: Draft) -> QuerySet[DraftRow]:
    """The rows that cannot be sent as they are."""
    return draft.rows.exclude(fault=None)


def discard(draft: Draft) -> None:
    """Throw a draft away, with everything kept aside of it."""
    draft.delete()


def claim(owner: Owner) -> int:
    """Hand what a stranger began in this browser to the account that they signed in to."""
    if owner.account is None or not owner.visitor:
        return 0
    theirs = Draft.objects.filter(account=None, visitor=owner.visitor)
    return theirs.update(account=owner.account, visitor="")


def send(
    draft: Draft, *, by: Account, title: str, terms: Terms, skill: Skill | None, description: str
) -> Offered:
    """Offer the draft as a contribution; sent twice it is one contribution.

    Raises what `actions.offer` raises, and then the draft stays open.
    """
    bad = faulty(draft).first() if draft.kind == Kind.DATASET else None
    if bad:
        said = _("row %(row)d cannot be sent: %(detail)s; mend it, or keep the good rows alone")
        detail = (bad.fault or {})["detail"]
        raise ContributionRefused(said % {"row": bad.position + 1, "detail": detail})
    with transaction.atomic():
        offered = actions.offer(
            draft.line,
            by=by,
            kind=draft.rows_are if draft.kind == Kind.DATASET else draft.kind,
            title=title,
            rows=raw_rows(draft),
            terms=terms,
            skill=skill,
            description=description,
            source="web",
            batch=f"web-{draft.key}",
        )
        # The key stays until the sweep, so that a second click finds what became of the first.
        Draft.objects.filter(pk=draft.pk).update(
            sent_as=offered.contribution, fields={}, context=[], account=by, visitor=""
        )
        draft.rows.all().delete()
        draft.asides.all().delete()
    return offered


def raw_rows(draft: Draft) -> list[dict[str, Any]]:
    """The rows as they are offered."""
    if draft.kind == Kind.DATASET:
        return [raw_of(given) for given in draft.rows.values_list("given", flat=True)]
    named = ("prompt", "original", "completion", "chosen", "rejected")
    row = {name: draft.fields[name] for name in named if draft.fields.get(name)}
    if "label" in draft.fields:
        row["label"] = LABELS.get(str(draft.fields["label"]))
    if "stars" in draft.fields:
        row["stars"] = STARS.get(str(draft.fields["stars"]))
    row["trace"] = draft.fields.get("trace") or None
    return [raw_of({**row, "context": draft.context})]


def sweep() -> int:
    """Throw away what nobody has touched for `KEPT_FOR`; returns how many drafts went."""
    left = Draft.objects.filter(touched_at__lt=timezone.now() - KEPT_FOR)
    return left.delete()[1].get("contributions.Draft", 0)


def _ensure_small(typed: Typed) -> None:
    size = sum(len(str(value)) for value in typed.fields.values())
    size += sum(len(turn["content"]) for turn in typed.context or ())
    if size > LONGEST:
        said = _("this draft holds more than %(most)s characters; send long texts as a file")
        raise ContributionRefused(said % {"most": number_format(LONGEST, force_grouping=True)})


def _held(key: str, owner: Owner) -> Draft | None:
    drafts = Draft.objects.select_for_update(of=("self",)).select_related("line")
    return drafts.filter(owner.of_drafts, key=key, sent_as=None).first()


def _begin(key: str, owner: Owner, line: ModelLine, kind: str, start: str) -> Draft:
    if open_drafts(owner).count() >= MOST_OPEN:
        said = _("%(most)d drafts are open; send or throw away one of them first")
        raise ContributionRefused(said % {"most": MOST_OPEN})
    visitor = "" if owner.account else owner.visitor
    draft = Draft(key=key, line=line, account=owner.account, visitor=visitor, kind=kind)
    draft.start, draft.touched_at = start, timezone.now()
    try:
        with transaction.atomic():
            draft.save()
    except IntegrityError:
        raise DraftMissing(_("this draft was sent or belongs to somebody else")) from None
    return draft


def _write(draft: Draft, typed: Typed, *, version: int, tab: str) -> None:
    draft.fields, draft.version, draft.tab = typed.fields, version, tab
    draft.context = draft.context if typed.context is None else typed.context
    draft.touched_at = timezone.now()
    if typed.incoming:
        draft.rows_are = draft_rows.kind_of_rows(typed.incoming)
    draft.save()
    if typed.window is not None:
        draft_rows.write_window(draft, typed.window)
    if typed.incoming:
        draft_rows.write_incoming(draft, typed.incoming)


def _keep_aside(draft: Draft, typed: Typed) -> None:
    """Keep it, unless it is kept already."""
    window = asdict(typed.window) if typed.window else None
    kept = {"fields": typed.fields, "context": typed.context or [], "window": window}
    if not draft.asides.filter(**kept).exists():
        draft.asides.create(**kept)


def _says_nothing_new(draft: Draft, typed: Typed) -> bool:
    """Whether a late tab holds what the draft holds, so that nobody has to be told."""
    same = typed.fields == draft.fields and (typed.context or []) == draft.context
    return same and typed.window is None and not typed.incoming


def _as_typed(draft: Draft, window: Window | None) -> Typed:
    """The draft as a tab with this window would hold it now."""
    if window is None:
        return Typed(draft.fields, draft.context)
    end = window.first + max(len(window.uids), 1)
    rows = list(draft.rows.filter(position__gte=window.first, position__lt=end))
    cells = [draft_rows.cells_of(row.given, draft.rows_are) for row in rows]
    here = Window(window.first, [row.uid for row in rows], cells)
    return Typed(draft.fields, draft.context, here)


def _edit(draft: Draft, change: Any) -> None:
    """Change which rows there are and in which order, as a version of its own."""
    with transaction.atomic():
        held = Draft.objects.select_for_update().get(pk=draft.pk)
        order = list(held.rows.values_list("uid", flat=True))
        kept = change(order)
        held.rows.exclude(uid__in=kept).delete()
        draft_rows.renumber(held, kept)
        held.version, held.touched_at = held.version + 1, timezone.now()
        held.save(update_fields=["version", "touched_at"])
    draft.version = held.version
