"""Who serves, and what was measured of a PR's rows before anybody decided.

`apps.reviews.models` ends by importing this module, so that Django knows its tables.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.contributions.models import Contribution
from apps.history.models import Leased
from apps.skills.models import ModelLine


class Served(models.Model):
    """The adapter that everyone is served, as builds tell it; the base model where it has none."""

    line = models.OneToOneField(ModelLine, on_delete=models.CASCADE, related_name="served")
    name = models.CharField(max_length=80, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    folder = models.CharField(max_length=500, blank=True)

    def __str__(self) -> str:
        return f"{self.line} is served by {self.name or 'its base'}"


class Looked(models.Model):
    """How far the clock has looked for PRs to be measured: nothing touched before `until` is left.

    That holds of one `aim` (never measured at all; not measured with what is live) and for what was
    `served` then. It is forgotten after a while, and all is looked at again.
    """

    aim = models.CharField(max_length=10, primary_key=True)
    until = models.DateTimeField()
    served = models.JSONField(default=dict)
    began_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"looked for {self.aim} until {self.until}"


class State(models.TextChoices):
    """How far the measuring has come."""

    ASKING = "asking", _("The live model is asked")
    LEARNING = "learning", _("The rows are learned and asked again")
    MEASURED = "measured", _("Measured")
    FAILED = "failed", _("Could not be measured")


class Evidence(Leased):
    """One measuring of one revision against one live version; its key names all that went in.

    Counts are None until they are known: `failing` of `asked` rows come out wrong with the live
    model, `fixed` of these come out right after the preview has learned the PR, `spoiled` others
    come out wrong then, and `broken` of `cases` that the live model knows are lost.
    """

    contribution = models.ForeignKey(
        Contribution, on_delete=models.CASCADE, related_name="evidence"
    )
    key = models.CharField(max_length=64, help_text="Of rows, version and recipe")
    revision = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    version = models.CharField(max_length=64, blank=True, help_text="Digest of the live adapter")
    version_name = models.CharField(max_length=80, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.ASKING)
    attempts = models.PositiveIntegerField(default=0)
    reason = models.TextField(blank=True, help_text="Why it could not be measured")

    asked = models.PositiveIntegerField(null=True)
    failing = models.PositiveIntegerField(null=True)
    fixed = models.PositiveIntegerField(null=True)
    spoiled = models.PositiveIntegerField(null=True)
    cases = models.PositiveIntegerField(null=True)
    broken = models.PositiveIntegerField(null=True)
    answers = models.JSONField(default=list, help_text="Of each asked row: place and answers")
    kept = models.JSONField(default=list, help_text="Of each case: question and answers")
    seconds = models.FloatField(default=0)
    began_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contribution", "key"], name="reviews_evidence_once_a_key"
            )
        ]
        indexes = [
            models.Index(
                fields=["key"],
                condition=models.Q(state=State.MEASURED),
                name="reviews_evidence_measured",
            )
        ]

    def __str__(self) -> str:
        return f"evidence on {self.contribution}"
