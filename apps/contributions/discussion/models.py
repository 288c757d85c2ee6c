"""What people say and mark: comments with their past, threads on a row's field, suggestions.

`apps.contributions.models` ends by importing this module, so that Django knows its tables.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.contributions.models import Contribution, Revision, Row


class Field(models.TextChoices):
    """The fields of a row on which a thread can stand and which a suggestion can change."""

    PROMPT = "prompt", _("What was asked")
    COMPLETION = "completion", _("Answer")
    CHOSEN = "chosen", _("Better answer")
    REJECTED = "rejected", _("Worse answer")


class Tone(models.TextChoices):
    """The colours of labels: the tones of the design system, which are readable in both schemes."""

    QUIET = "quiet", _("Grey")
    INFO = "info", _("Blue")
    GOOD = "good", _("Green")
    WARN = "warn", _("Amber")
    BAD = "bad", _("Red")
    WORK = "work", _("Violet")
    ACCENT = "accent", _("Teal")


class Feeling(models.TextChoices):
    """The reactions: a fixed list, so that counts mean something."""

    AGREE = "agree", _("Agree")
    DISAGREE = "disagree", _("Disagree")
    THANKS = "thanks", _("Thanks")
    GLAD = "glad", _("Glad")
    PUZZLED = "puzzled", _("Puzzled")
    WATCHING = "watching", _("Watching")


class Thread(models.Model):
    """A conversation about one field of one row; it stands open until somebody resolves it.

    `row` is the row as it was when the thread began: rows are never changed, a new revision has
    rows of its own, and `discussion.queries` says on which of them the thread still stands.
    """

    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="threads")
    row = models.ForeignKey(Row, on_delete=models.CASCADE, related_name="threads")
    field = models.CharField(max_length=12, choices=Field)
    opened_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"thread {self.pk} on {self.contribution}"

    @property
    def quote(self) -> str:
        """The text that the thread is about, as it stood."""
        return getattr(self.row, self.field)


class Published(models.Manager["Comment"]):
    """Leaves out what its author has not submitted yet."""

    def get_queryset(self) -> models.QuerySet[Comment]:
        """Comments that everybody may read."""
        return super().get_queryset().filter(pending=False)


class Comment(models.Model):
    """A remark under a contribution, or in a thread on one of its rows.

    One that belongs to a review still being written is `pending` and its author's alone: the
    usual manager leaves it out, `every` does not.
    """

    contribution = models.ForeignKey(
        Contribution, on_delete=models.CASCADE, related_name="comments"
    )
    thread = models.ForeignKey(Thread, null=True, on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    # The names of real accounts among the @names of the text, so that no page has to look them up.
    mentions = ArrayField(models.CharField(max_length=150), default=list)
    pending = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True)

    objects = Published()
    every = models.Manager["Comment"]()

    class Meta:
        ordering = ["pk"]
        base_manager_name = "every"

    def __str__(self) -> str:
        return f"{self.author} on {self.contribution}"

    def get_absolute_url(self) -> str:
        return reverse("pages:comment_link", args=[self.contribution_id, self.pk])


class Wording(models.Model):
    """How a comment read before it was edited."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="wordings")
    text = models.TextField()
    written_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"an earlier wording of {self.comment}"


class Suggestion(models.Model):
    """Another text for the field on which the thread stands; the author applies it by a click."""

    comment = models.OneToOneField(Comment, on_delete=models.CASCADE, related_name="suggestion")
    text = models.TextField()
    applied_in = models.ForeignKey(
        Revision, null=True, on_delete=models.SET_NULL, related_name="suggestions"
    )

    def __str__(self) -> str:
        return f"suggestion {self.pk}"


class Reaction(models.Model):
    """One person's answer to a comment, without words."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="reactions")
    by = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    feeling = models.CharField(max_length=10, choices=Feeling)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["comment", "by", "feeling"], name="contributions_reaction_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.by}: {self.feeling}"


class Label(models.Model):
    """A word with a colour by which contributions are sorted."""

    name = models.CharField(max_length=40, unique=True)
    tone = models.CharField(max_length=10, choices=Tone, default=Tone.QUIET)
    description = models.CharField(max_length=160, blank=True)
    contributions = models.ManyToManyField(Contribution, related_name="labels")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Part(models.TextChoices):
    """Why somebody is named on a contribution."""

    REVIEWER = "reviewer", _("Asked to review")
    ASSIGNEE = "assignee", _("Looks after it")


class Involvement(models.Model):
    """Somebody asked to review a contribution, or who looks after it."""

    contribution = models.ForeignKey(
        Contribution, on_delete=models.CASCADE, related_name="involved"
    )
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    part = models.CharField(max_length=10, choices=Part)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contribution", "account", "part"], name="contributions_involved_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account}, {self.part} of {self.contribution}"


class Viewed(models.Model):
    """A reader's tick on a row. It names the row's exact text: a changed row loses its tick."""

    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="viewed")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    mark = models.CharField(max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "contribution", "mark"], name="contributions_viewed_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.account} has seen a row of {self.contribution}"


class SavedFilter(models.Model):
    """A filter of the list of PRs that somebody wants to find again."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="filters")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=300)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["account", "name"], name="contributions_filter_once")
        ]

    def __str__(self) -> str:
        return self.name


class SavedReply(models.Model):
    """A text that somebody writes often."""

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="replies")
    title = models.CharField(max_length=60)
    text = models.TextField()

    class Meta:
        ordering = ["title"]
        constraints = [
            models.UniqueConstraint(fields=["account", "title"], name="contributions_reply_once")
        ]

    def __str__(self) -> str:
        return self.title
