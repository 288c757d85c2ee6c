"""Talking about a contribution: comments, threads, reviews in the making, reactions, labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from apps.accounts.models import Account
from apps.contributions.discussion import reading, rules
from apps.contributions.discussion.models import (
    Comment,
    Feeling,
    Field,
    Involvement,
    Label,
    Part,
    Reaction,
    SavedFilter,
    SavedReply,
    Suggestion,
    Thread,
    Tone,
    Viewed,
    Wording,
)
from apps.contributions.errors import ContributionRefused, NotForYou, Outdated
from apps.contributions.models import Contribution, Row
from apps.contributions.rows import LONGEST_TEXT
from apps.history.actions import record

LONGEST_COMMENT = 10_000
MOST_SAVED = 50


def say(contribution: Contribution, *, by: Account, text: str) -> Comment:
    """Say something under a contribution."""
    rules.ensure_may_say(by, contribution)
    said = Comment(contribution=contribution, author=by, text=_worth_saying(text))
    with transaction.atomic():
        return _publish(said)


def say_on(
    row: Row,
    field: str,
    *,
    by: Account,
    text: str,
    suggested: str = "",
    pending: bool = False,
) -> Comment:
    """Open a thread on one field of a row, perhaps with another text for it.

    A `pending` remark is the writer's alone until `submit_remarks`.
    """
    contribution = row.revision.contribution
    rules.ensure_may_say(by, contribution)
    rules.ensure_may_see_rows(by, contribution)
    if field not in Field.values or not getattr(row, field):
        said = _("row %(row)d has no “%(field)s” to talk about")
        raise ContributionRefused(said % {"row": row.position + 1, "field": field})
    with transaction.atomic():
        thread = Thread.objects.create(
            contribution=contribution, row=row, field=field, opened_by=by
        )
        return _in_thread(thread, by, text, suggested, pending)


def answer(
    thread: Thread, *, by: Account, text: str, suggested: str = "", pending: bool = False
) -> Comment:
    """Say something in a thread."""
    rules.ensure_may_say(by, thread.contribution)
    rules.ensure_may_see_rows(by, thread.contribution)
    with transaction.atomic():
        return _in_thread(thread, by, text, suggested, pending)


def submit_remarks(contribution: Contribution, *, by: Account) -> int:
    """Let everybody read what this person has written but not submitted; returns how many."""
    rules.ensure_may_say(by, contribution)
    with transaction.atomic():
        waiting = Comment.every.filter(contribution=contribution, author=by, pending=True)
        remarks = list(waiting.select_for_update(of=("self",)).select_related("thread"))
        for remark in remarks:
            remark.created_at = timezone.now()
            _publish(remark)
    return len(remarks)


def discard(comment: Comment, *, by: Account) -> None:
    """Throw away a remark that nobody else has read."""
    rules.ensure_wrote(by, comment)
    if not comment.pending:
        raise ContributionRefused(
            _("others have read it; edit it instead, its past stays readable")
        )
    with transaction.atomic():
        comment.delete()
        if comment.thread and not Comment.every.filter(thread=comment.thread).exists():
            comment.thread.delete()


def edit(comment: Comment, *, by: Account, text: str) -> None:
    """Change one's own words; how they read before stays readable for everybody."""
    rules.ensure_wrote(by, comment)
    rules.ensure_may_say(by, comment.contribution)
    words = _worth_saying(text)
    if words == comment.text:
        return
    with transaction.atomic():
        before = Comment.every.select_for_update().get(pk=comment.pk)
        if before.text != comment.text:
            raise Outdated(_("the comment was edited in another window; look at it again"))
        if not before.pending:
            Wording.objects.create(
                comment=before, text=before.text, written_at=before.edited_at or before.created_at
            )
            comment.edited_at = timezone.now()
        comment.text = words
        comment.mentions = known_names(words)
        comment.save(update_fields=["text", "mentions", "edited_at"])
        if not before.pending:
            new = [name for name in comment.mentions if name not in before.mentions]
            details = {"comment": comment.pk, "mentioned": new}
            record(comment.contribution, "comment edited", by=by, details=details)


def resolve(thread: Thread, *, by: Account, resolved: bool = True) -> None:
    """Close a thread, or open it again."""
    rules.ensure_may_resolve(by, thread)
    rules.ensure_may_say(by, thread.contribution)
    standing = Thread.objects.filter(pk=thread.pk, resolved_at__isnull=resolved)
    with transaction.atomic():
        _touch(thread.contribution)
        changed = standing.update(
            resolved_at=timezone.now() if resolved else None, resolved_by=by if resolved else None
        )
        if changed:
            verb = "thread resolved" if resolved else "thread reopened"
            record(thread.contribution, verb, by=by, details={"thread": thread.pk})


def react(comment: Comment, *, by: Account, feeling: str) -> bool:
    """Put a reaction under a comment, or take it back; returns whether it stands now."""
    rules.ensure_may_say(by, comment.contribution)
    if feeling not in Feeling.values:
        raise ContributionRefused(_pick_one_of(Feeling.values))
    reaction, new = Reaction.objects.get_or_create(comment=comment, by=by, feeling=feeling)
    if not new:
        reaction.delete()
    return new


def set_labels(contribution: Contribution, *, by: Account, names: Collection[str]) -> None:
    """Leave exactly these labels on the contribution."""
    rules.ensure_may_label(by, contribution)
    wanted = {label.name: label for label in Label.objects.filter(name__in=names)}
    if unknown := set(names) - set(wanted):
        said = _("there is no label “%(name)s”")
        raise ContributionRefused(said % {"name": sorted(unknown)[0]})
    with transaction.atomic():
        _touch(contribution)
        before = set(contribution.labels.values_list("name", flat=True))
        contribution.labels.set(wanted.values())
        details = {"added": sorted(set(wanted) - before), "removed": sorted(before - set(wanted))}
        if any(details.values()):
            record(contribution, "labelled", by=by, details=details)


def make_label(name: str, *, by: Account, tone: str, description: str = "") -> Label:
    """A new label for all PRs."""
    if not rules.may_make_labels(by):
        raise NotForYou(_("a maintainer makes labels"))
    name = " ".join(name.split())
    if not name or len(name) > 40 or '"' in name or "," in name:
        raise ContributionRefused(_("a label has 1 to 40 characters, without quotes and commas"))
    if tone not in Tone.values:
        raise ContributionRefused(_pick_one_of(Tone.values))
    label, new = Label.objects.get_or_create(
        name=name, defaults={"tone": tone, "description": description.strip()[:160]}
    )
    if not new:
        raise ContributionRefused(_("there is a label “%(name)s” already") % {"name": name})
    return label


def set_involved(
    contribution: Contribution, *, by: Account, part: str, names: Iterable[str]
) -> None:
    """Leave exactly these people in this part: asked to review, or looking after it."""
    rules.ensure_may_label(by, contribution)
    if part not in Part.values:
        raise ContributionRefused(_pick_one_of(Part.values))
    named = {name.strip().removeprefix("@") for name in names} - {""}
    accounts = {a.username: a for a in Account.objects.filter(username__in=named, is_active=True)}
    if unknown := named - set(accounts):
        said = _("nobody is called “%(name)s”")
        raise ContributionRefused(said % {"name": sorted(unknown)[0]})
    if part == Part.REVIEWER and contribution.author.username in accounts:
        said = _("%(author)s wrote it; ask somebody else")
        raise ContributionRefused(said % {"author": contribution.author})
    with transaction.atomic():
        _touch(contribution)
        standing = Involvement.objects.filter(contribution=contribution, part=part)
        before = set(standing.values_list("account__username", flat=True))
        standing.exclude(account__username__in=accounts).delete()
        for name in set(accounts) - before:
            Involvement.objects.create(contribution=contribution, account=accounts[name], part=part)
        added, removed = sorted(set(accounts) - before), sorted(before - set(accounts))
        if added or removed:
            verb = "review asked for" if part == Part.REVIEWER else "assigned"
            record(contribution, verb, by=by, details={"added": added, "removed": removed})


def lock(contribution: Contribution, *, by: Account, locked: bool, because: str = "") -> None:
    """Close the conversation for all but the team, or open it again."""
    rules.ensure_may_lock(by)
    with transaction.atomic():
        standing = Contribution.objects.filter(pk=contribution.pk, locked=not locked)
        if standing.update(locked=locked):
            verb = "conversation locked" if locked else "conversation unlocked"
            record(contribution, verb, by=by, because=because.strip()[:500])
    contribution.locked = locked


def tick(contribution: Contribution, *, by: Account, marks: Iterable[str], seen: bool) -> None:
    """Note that a reader has seen these rows (by `rows.mark_of`), or has not."""
    if not seen:
        Viewed.objects.filter(contribution=contribution, account=by, mark__in=list(marks)).delete()
        return
    Viewed.objects.bulk_create(
        (Viewed(contribution=contribution, account=by, mark=mark) for mark in marks),
        ignore_conflicts=True,
    )


def save_filter(by: Account, *, name: str, query: str) -> None:
    """Keep a filter under a name; the same name again replaces it."""
    name, query = name.strip()[:60], query.strip()[:300]
    if not name or not query:
        raise ContributionRefused(_("a saved filter needs a name and something to filter by"))
    if SavedFilter.objects.filter(account=by).exclude(name=name).count() >= MOST_SAVED:
        said = _("%(most)d filters are kept; remove one first")
        raise ContributionRefused(said % {"most": MOST_SAVED})
    SavedFilter.objects.update_or_create(account=by, name=name, defaults={"query": query})


def save_reply(by: Account, *, title: str, text: str) -> None:
    """Keep a text that is written often; the same title again replaces it."""
    title, text = title.strip()[:60], _worth_saying(text)
    if not title:
        raise ContributionRefused(_("a saved reply needs a title"))
    if SavedReply.objects.filter(account=by).exclude(title=title).count() >= MOST_SAVED:
        said = _("%(most)d replies are kept; remove one first")
        raise ContributionRefused(said % {"most": MOST_SAVED})
    SavedReply.objects.update_or_create(account=by, title=title, defaults={"text": text})


def known_names(text: str) -> list[str]:
    """The accounts among the @names of a text, in its order."""
    names = reading.names_in(text)
    known = Account.objects.filter(username__in=names, is_active=True)
    found = set(known.values_list("username", flat=True)) if names else set()
    return [name for name in names if name in found]


def _in_thread(thread: Thread, by: Account, text: str, suggested: str, pending: bool) -> Comment:
    """A remark in a thread; one with a suggestion may do without words."""
    words = _worth_saying(text) if text.strip() or not suggested else ""
    said = Comment(contribution=thread.contribution, thread=thread, author=by, text=words)
    if suggested:
        _ensure_a_change(thread, suggested)
    if pending:
        said.pending, said.mentions = True, known_names(words)
        said.save()
    else:
        _publish(said)
    if suggested:
        Suggestion.objects.create(comment=said, text=suggested)
    return said


def _publish(said: Comment) -> Comment:
    """Store a remark for everybody, and tell the record whom it concerns."""
    said.pending = False
    said.mentions = known_names(said.text)
    # First the contribution, then the pen of the record: the order in which a move takes them.
    _touch(said.contribution)
    said.save()
    details: dict[str, object] = {"comment": said.pk, "mentioned": said.mentions}
    if said.thread:
        details |= {"thread": said.thread.pk, "row": said.thread.row.position}
    record(said.contribution, "commented", by=said.author, details=details)
    return said


def _touch(contribution: Contribution) -> None:
    """Something happened here: the trigger on the row notes the time."""
    Contribution.objects.filter(pk=contribution.pk).update(locked=F("locked"))


def _worth_saying(text: str) -> str:
    words = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not words:
        raise ContributionRefused(_("the comment is empty; write something or leave it"))
    if len(words) > LONGEST_COMMENT:
        said = _("the comment has %(many)s characters; at most %(most)s are taken")
        many, most = _grouped(len(words)), _grouped(LONGEST_COMMENT)
        raise ContributionRefused(said % {"many": many, "most": most})
    return words


def _pick_one_of(choice: Iterable[str]) -> str:
    return _("pick one of %(choice)s") % {"choice": ", ".join(choice)}


def _grouped(number: int) -> str:
    return number_format(number, force_grouping=True)


def _ensure_a_change(thread: Thread, suggested: str) -> None:
    if suggested == thread.quote:
        raise ContributionRefused(_("the suggestion is what stands there already; change it"))
    if len(suggested) > LONGEST_TEXT:
        said = _("a suggestion has at most %(most)s characters")
        raise ContributionRefused(said % {"most": _grouped(LONGEST_TEXT)})
