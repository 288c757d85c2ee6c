"""What people offer: a contribution (a PR), its revisions and its rows."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.urls import reverse

from apps.accounts.models import Account
from apps.contributions.stages import CONTRIBUTION, Stage
from apps.skills.models import ModelLine, Skill
from apps.traces.models import Trace


class Kind(models.TextChoices):
    """What is offered; it decides which fields a row must have."""

    CORRECTION = "correction", "Correction of an answer"
    DATASET = "dataset", "Fine-tuning data"
    PREFERENCE = "preference", "Preference pairs"
    RATING = "rating", "Ratings"


class Consent(models.TextChoices):
    """What the contributor lets be done with the rows, from least to most."""

    EVALUATE = "evaluate", "Measure with it, never train on it"
    REVIEW = "review", "Let reviewers read it"
    TRAIN = "train", "Train on it"


class Licence(models.TextChoices):
    """The licences that can be picked (SPDX ids); a line's policy says which it takes."""

    CC0 = "CC0-1.0", "CC0 1.0 (public domain)"
    CC_BY = "CC-BY-4.0", "CC BY 4.0"
    APACHE = "Apache-2.0", "Apache 2.0"
    MIT = "MIT", "MIT"
    CC_BY_SA = "CC-BY-SA-4.0", "CC BY-SA 4.0"
    CC_BY_NC = "CC-BY-NC-4.0", "CC BY-NC 4.0 (non-commercial)"
    PROPRIETARY = "LicenseRef-proprietary", "Proprietary"


class Contribution(models.Model):
    """A PR: some rows by one author for one skill, with terms, stage and revisions.

    Its number is its primary key. `digest` names the content of the current revision; an
    approval binds to it.
    """

    STAGES = CONTRIBUTION

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="contributions")
    skill = models.ForeignKey(Skill, null=True, on_delete=models.PROTECT, related_name="+")
    author = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="contributions")
    kind = models.CharField(max_length=12, choices=Kind)
    title = models.CharField(max_length=160)
    description = models.TextField(blank=True)
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.DRAFT)
    licence = models.CharField(max_length=30, choices=Licence)
    consent = models.CharField(max_length=10, choices=Consent)
    signed_off = models.BooleanField(default=False)
    source = models.CharField(max_length=80, blank=True, help_text="Where it came in: web, api …")
    batch = models.CharField(max_length=80, blank=True, help_text="The sender's own name for it")
    revision = models.PositiveIntegerField(default=1)
    digest = models.CharField(max_length=64, blank=True)
    row_count = models.PositiveIntegerField(default=0)
    # A PR that takes another's rows back out has no rows of its own.
    reverts = models.ForeignKey(
        "self", null=True, on_delete=models.PROTECT, related_name="reverted_by"
    )
    locked = models.BooleanField(default=False, help_text="Only the team may go on talking")
    # Kept by a trigger of the database, whatever changes the row.
    touched_at = models.DateTimeField(db_default=Now(), editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    submitted_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["stage", "id"], name="contributions_stage"),
            models.Index(fields=["author", "-id"], name="contributions_author"),
            models.Index(fields=["touched_at", "id"], name="contributions_touched"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["author", "batch"],
                condition=~models.Q(batch=""),
                name="contributions_batch_once",
            ),
            models.UniqueConstraint(
                fields=["reverts"],
                condition=~models.Q(stage__in=[Stage.REJECTED, Stage.WITHDRAWN]),
                name="contributions_reverted_once",
            ),
        ]

    def __str__(self) -> str:
        return f"PR {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("pages:contribution", args=[self.pk])


class Revision(models.Model):
    """One version of a contribution's rows, with what could not be kept of it."""

    contribution = models.ForeignKey(
        Contribution, on_delete=models.CASCADE, related_name="revisions"
    )
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    note = models.TextField(blank=True)
    refused = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["contribution", "number"], name="contributions_revision_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contribution} revision {self.number}"


class Row(models.Model):
    """One row of one revision; which fields are filled depends on the contribution's kind.

    correction, dataset: prompt, completion (and the original answer of a correction);
    preference: prompt, chosen, rejected; rating: prompt, completion, label.
    """

    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="rows")
    position = models.PositiveIntegerField()
    skill = models.ForeignKey(Skill, null=True, on_delete=models.PROTECT, related_name="+")
    context = models.JSONField(default=list, help_text="Earlier turns, as role and content")
    prompt = models.TextField()
    completion = models.TextField(blank=True)
    chosen = models.TextField(blank=True)
    rejected = models.TextField(blank=True)
    label = models.BooleanField(null=True)
    original = models.TextField(blank=True)
    trace = models.ForeignKey(Trace, null=True, on_delete=models.SET_NULL, related_name="+")
    client_id = models.CharField(max_length=80, blank=True)
    digest = models.CharField(max_length=64, db_index=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["revision", "position"], name="contributions_position_once"
            )
        ]

    def __str__(self) -> str:
        return f"row {self.position + 1} of {self.revision}"

    @property
    def answer(self) -> str:
        """The text that the contributor holds to be right (or, of a rating, the one judged)."""
        return self.chosen or self.completion


# The discussion has a room of its own; its tables belong to this app all the same.
from apps.contributions.discussion.models import Comment  # noqa: E402

__all__ = ["Comment", "Consent", "Contribution", "Kind", "Licence", "Revision", "Row"]
