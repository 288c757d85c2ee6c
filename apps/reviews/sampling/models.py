"""Samples of PRs with many rows, and what was said of each row.

`apps.reviews.models` ends by importing this module, so that Django knows its tables.
"""

from __future__ import annotations

from django.db import models

from apps.accounts.models import Account
from apps.contributions.models import Contribution


class Sample(models.Model):
    """The rows of one content that are looked at for one voice, in the order drawn.

    Plan and order stand before the first row is judged. The seed stays hidden until the sample
    ends, and the record has its commitment; then anybody can draw the same rows again.
    """

    class State(models.TextChoices):
        OPEN = "open"
        PASSED = "passed"
        FAILED = "failed"

    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="samples")
    digest = models.CharField(max_length=64)
    revision = models.PositiveIntegerField()
    voice = models.PositiveSmallIntegerField(default=1, help_text="Each voice draws its own")
    seed = models.CharField(max_length=64)
    plan = models.JSONField()
    strata = models.JSONField(help_text="How many rows of each stratum there are")
    order = models.JSONField(help_text="Positions, as far as the last look can reach")
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    judged = models.PositiveIntegerField(default=0)
    bad = models.PositiveIntegerField(default=0)
    bound = models.FloatField(null=True, help_text="Of the share of bad rows, at the last look")
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["contribution", "digest", "voice"], name="reviews_one_sample_a_voice"
            )
        ]

    def __str__(self) -> str:
        return f"sample of {self.contribution_id}"


class RowVerdict(models.Model):
    """What one person said of one row of a sample."""

    sample = models.ForeignKey(Sample, on_delete=models.CASCADE, related_name="verdicts")
    place = models.PositiveIntegerField(help_text="In the order drawn")
    position = models.PositiveIntegerField(help_text="In the PR")
    bad = models.BooleanField()
    because = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["sample", "place"], name="reviews_row_judged_once")
        ]

    def __str__(self) -> str:
        return f"row {self.position + 1}: {'bad' if self.bad else 'good'}"
