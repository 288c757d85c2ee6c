"""What the screens found."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.contributions.models import Contribution, Row
from apps.skills.models import ModelLine


class Severity(models.TextChoices):
    """The ladder of consequences, lowest rung first."""

    NOTE = "note", _("Note")
    FLAG = "flag", _("A person should look")
    QUARANTINE = "quarantine", _("Quarantine")


class Screening(models.Model):
    """One pass of all screens over one revision."""

    contribution = models.ForeignKey(
        Contribution, on_delete=models.CASCADE, related_name="screenings"
    )
    revision = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    seconds = models.FloatField()
    screens = models.JSONField(default=list, help_text="Names of the screens that ran")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contribution", "revision"], name="checks_one_screening_a_revision"
            )
        ]

    def __str__(self) -> str:
        return f"screening of {self.contribution} revision {self.revision}"


class Finding(models.Model):
    """Something a screen wants a person to know: which rows, why, and how to mend it."""

    screening = models.ForeignKey(Screening, on_delete=models.CASCADE, related_name="findings")
    screen = models.CharField(max_length=40)
    severity = models.CharField(max_length=12, choices=Severity)
    rows = ArrayField(models.PositiveIntegerField(), default=list, help_text="Positions, 0-based")
    message = models.TextField()
    mend = models.TextField(blank=True)
    evidence = models.JSONField(default=dict)
    dismissed_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    dismissed_because = models.TextField(blank=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.screen}: {self.message}"


class Print(models.Model):
    """The MinHash bands of a row's prompt, by which a similar question is found in an index."""

    row = models.OneToOneField(Row, primary_key=True, on_delete=models.CASCADE, related_name="+")
    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="+")
    bands = ArrayField(models.BigIntegerField(), help_text="Signed; empty for a short prompt")

    class Meta:
        indexes = [GinIndex(fields=["bands"], name="checks_bands")]

    def __str__(self) -> str:
        return f"print of {self.row_id}"
