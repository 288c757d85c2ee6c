"""Asking what is said: the whole conversation of a contribution in one question."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import (
    CharField,
    Count,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Abs, JSONObject
from django.db.models.lookups import Exact

from apps.accounts.models import Account
from apps.contributions.discussion.models import (
    Comment,
    Feeling,
    Field,
    Label,
    Reaction,
    Suggestion,
    Thread,
    Viewed,
)
from apps.contributions.models import Contribution, Row
from apps.contributions.rules import may_see_rows

Person = Account | AnonymousUser


@dataclass(frozen=True)
class Talk:
    """A comment by itself (`thread` is None), or a thread with its comments, oldest first.

    `position` is the row (from nought) of the current revision on which the thread still
    stands; None when that text has changed since.
    """

    thread: Thread | None
    comments: list[Comment]
    position: int | None

    @property
    def created_at(self) -> datetime:
        """When it began."""
        return self.comments[0].created_at

    @property
    def open(self) -> bool:
        """Whether somebody still waits for an answer."""
        return self.thread is not None and self.thread.resolved_at is None

    @property
    def pending(self) -> bool:
        """Whether nobody but its writer can read any of it."""
        return all(comment.pending for comment in self.comments)


def conversation(contribution: Contribution, reader: Person) -> list[Talk]:
    """Everything that is said, as this reader may read it; one query, however much it is."""
    talks: dict[object, Talk] = {}
    for comment in comments_for(contribution, reader):
        comment.contribution = contribution
        if comment.thread:
            comment.thread.contribution = contribution
        key = ("thread", comment.thread_id) if comment.thread_id else ("comment", comment.pk)
        talk = talks.setdefault(key, Talk(comment.thread, [], _position(comment)))
        talk.comments.append(comment)
    return list(talks.values())


def comments_for(contribution: Contribution, reader: Person) -> QuerySet[Comment]:
    """The comments with all that a page shows of them, oldest first.

    Each has `felt` (a list of feeling and by), `rewordings` (how often it was edited) and
    `stands_at` (the current position of the row that its thread is about).
    """
    readable = Q(pending=False)
    if isinstance(reader, Account):
        readable |= Q(author=reader)
    felt = Reaction.objects.filter(comment=OuterRef("pk")).order_by("pk")
    comments = Comment.every.filter(readable, contribution=contribution)
    return (
        comments.select_related(
            "author",
            "thread__row__revision",
            "thread__opened_by",
            "thread__resolved_by",
            "suggestion__applied_in",
        )
        .annotate(
            felt=ArraySubquery(felt.values(it=JSONObject(feeling="feeling", by="by__username"))),
            rewordings=Count("wordings"),
            stands_at=Subquery(_still_there().values("position")[:1]),
        )
        .order_by("pk")
    )


def published(contribution: Contribution, reader: Person) -> QuerySet[Comment]:
    """What everybody may read, oldest first; what is said on rows goes to whom sees the rows."""
    said = Comment.objects.filter(contribution=contribution).select_related("author")
    return said if may_see_rows(reader, contribution) else said.filter(thread=None)


def reactions_of(comment: Comment, reader: Person) -> list[dict[str, Any]]:
    """Each feeling with who has it, and whether the reader is among them."""
    felt: list[dict[str, str]] = getattr(comment, "felt", [])
    name = reader.username if isinstance(reader, Account) else ""
    told = []
    for feeling in Feeling:
        people = [one["by"] for one in felt if one["feeling"] == feeling]
        told.append({"feeling": feeling, "people": people, "mine": name in people})
    return told


def applicable(talks: Iterable[Talk]) -> list[Suggestion]:
    """The suggestions that an author could apply now, one for each open thread: the latest."""
    found = []
    for talk in talks:
        if talk.open and talk.position is not None:
            made = [c.suggestion for c in talk.comments if not c.pending and _suggests(c)]
            found += [s for s in made[-1:] if s.applied_in_id is None]
    return found


def suggestions_named(contribution: Contribution, keys: Sequence[int]) -> list[Suggestion]:
    """These suggestions of this contribution, as far as everybody can read them."""
    found = Suggestion.objects.filter(
        pk__in=keys, comment__contribution=contribution, comment__pending=False
    )
    return list(found.select_related("comment__author", "comment__thread__row").order_by("pk"))


def marks_seen(contribution: Contribution, reader: Person) -> set[str]:
    """The marks of the rows that this reader has ticked off."""
    if not isinstance(reader, Account):
        return set()
    seen = Viewed.objects.filter(contribution=contribution, account=reader)
    return set(seen.values_list("mark", flat=True))


def labels() -> QuerySet[Label]:
    """Every label, by name."""
    return Label.objects.all()


def names_like(beginning: str, limit: int = 8) -> list[str]:
    """Names that begin so, for completion while typing."""
    people = Account.objects.filter(username__istartswith=beginning, is_active=True)
    return list(people.order_by("username").values_list("username", flat=True)[:limit])


def prs_like(beginning: str, limit: int = 8) -> list[tuple[int, str]]:
    """Numbers and titles of PRs whose number is or whose title has what was typed."""
    found = Contribution.objects.exclude(stage="draft")
    if beginning.isdecimal() and len(beginning) < 10:
        found = found.filter(pk=int(beginning))
    elif beginning:
        found = found.filter(title__icontains=beginning)
    return list(found.order_by("-pk").values_list("pk", "title")[:limit])


def _position(comment: Comment) -> int | None:
    return getattr(comment, "stands_at", None) if comment.thread_id else None


def _suggests(comment: Comment) -> bool:
    return hasattr(comment, "suggestion")


def _still_there() -> QuerySet[Row]:
    """The current row with the same prompt whose field reads as it did; the nearest one first."""
    began_on = "thread__row__"
    aimed = ExpressionWrapper(OuterRef("thread__field"), CharField())
    began = ExpressionWrapper(OuterRef(f"{began_on}position"), IntegerField())
    reads_alike = Q()
    for field in Field:
        text = OuterRef(f"{began_on}{field.value}")
        reads_alike |= Q(Exact(aimed, Value(field.value)), **{field.value: text})
    rows = Row.objects.filter(
        reads_alike,
        revision__contribution=OuterRef("contribution"),
        revision__number=OuterRef("contribution__revision"),
        prompt=OuterRef(f"{began_on}prompt"),
    )
    return rows.annotate(far=Abs(F("position") - began)).order_by("far", "position")
