"""A build: the manifest that was frozen, the lease of its worker, and what came out."""

from __future__ import annotations

from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.builds.stages import BUILD, Stage
from apps.contributions.models import Contribution
from apps.history.models import Leased
from apps.skills.models import ModelLine


class Verdict(models.TextChoices):
    """What the comparison with the live version says."""

    NONE = "", _("Not compared yet")
    FIT = "fit", _("Fit to roll out")
    REFUSED = "refused", _("Refused")


class Build(Leased):
    """One attempt to turn accepted contributions into an adapter; its number is its key."""

    STAGES = BUILD

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="builds")
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.PLANNED)
    reason = models.TextField(blank=True, help_text="Why it failed or was skipped")
    asked_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    live_digest = models.CharField(max_length=64, help_text="The version it is compared with")
    spec = models.JSONField(default=dict, help_text="The whole contract with the trainer")
    row_count = models.PositiveIntegerField(default=0)

    steps_done = models.PositiveIntegerField(default=0)
    steps_total = models.PositiveIntegerField(default=0)

    adapter = models.CharField(max_length=80, blank=True, help_text="ofw-<build>-<sha12>")
    digest = models.CharField(max_length=64, blank=True)
    path = models.CharField(max_length=500, blank=True)
    report = models.JSONField(default=dict)
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.NONE, blank=True)
    verdict_reasons = models.JSONField(default=list)
    verdict_overridden_by = models.ForeignKey(
        Account, null=True, on_delete=models.PROTECT, related_name="+"
    )
    verdict_overridden_because = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)
    # Told by rollouts, which stands to the right: when the adapter became live for everyone.
    shipped_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["adapter"],
                condition=~models.Q(adapter=""),
                name="builds_adapter_once",
            )
        ]

    def __str__(self) -> str:
        return f"build {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("pages:build", args=[self.pk])


class Entry(models.Model):
    """A line of the manifest: this revision of this contribution is in this build."""

    build = models.ForeignKey(Build, on_delete=models.CASCADE, related_name="entries")
    contribution = models.ForeignKey(Contribution, on_delete=models.PROTECT, related_name="entries")
    revision = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    row_count = models.PositiveIntegerField()

    class Meta:
        ordering = ["contribution"]
        constraints = [
            models.UniqueConstraint(fields=["build", "contribution"], name="builds_entry_once")
        ]

    def __str__(self) -> str:
        return f"{self.contribution} in {self.build}"


class Hold(models.Model):
    """An accepted contribution kept out of builds until the hold is lifted."""

    contribution = models.OneToOneField(Contribution, on_delete=models.CASCADE, related_name="hold")
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    because = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.contribution} is held by {self.by}"
