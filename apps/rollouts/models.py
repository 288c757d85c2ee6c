"""Published versions, the channels that point to them, and rollouts between two of them."""

from __future__ import annotations

from django.db import models
from django.urls import reverse

from apps.accounts.models import Account
from apps.builds.models import Build
from apps.rollouts.stages import ROLLOUT, Stage
from apps.skills.models import ModelLine


class Version(models.Model):
    """A published model version, named by digest; the name is never used again."""

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="versions")
    name = models.CharField(max_length=80, unique=True)
    digest = models.CharField(max_length=64, unique=True)
    build = models.OneToOneField(Build, null=True, on_delete=models.PROTECT, related_name="version")
    path = models.CharField(max_length=500, help_text="Adapter folder, or the base model's")
    published_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def is_base(self) -> bool:
        """Whether this is the base model itself, without an adapter."""
        return self.build_id is None


class Channel(models.Model):
    """A name that users ask for (`stable`); it points to one live version at a time."""

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="channels")
    name = models.SlugField()
    live = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "name"], name="rollouts_channel_once")
        ]

    def __str__(self) -> str:
        return f"{self.line}/{self.name}"


class Rollout(models.Model):
    """The way of a candidate from shadow to everyone, or back.

    `criteria` are frozen when it starts. `statistics` holds the gates' running state and
    `read_to` the last outcome that went into it.
    """

    STAGES = ROLLOUT

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="rollouts")
    candidate = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="rollouts")
    incumbent = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    stage = models.CharField(max_length=20, choices=Stage, default=Stage.SHADOW)
    percent = models.PositiveSmallIntegerField(default=0)
    salt = models.CharField(max_length=32)
    criteria = models.JSONField(default=dict)
    statistics = models.JSONField(default=dict)
    read_to = models.BigIntegerField(default=0)
    reason = models.TextField(blank=True)
    started_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["channel"],
                condition=models.Q(stage__in=[Stage.SHADOW, Stage.WIDENING, Stage.PAUSED]),
                name="rollouts_one_under_way_a_channel",
            )
        ]

    def __str__(self) -> str:
        return f"rollout {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("pages:rollout", args=[self.pk])

    @property
    def experiment(self) -> str:
        """Rollout and stage as traces name them; a new stage counts its own outcomes."""
        return f"{self.pk}:{self.stage}:{self.percent}"


class Look(models.Model):
    """One look of the gates that led to a decision, with its numbers."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="looks")
    stage = models.CharField(max_length=20, choices=Stage)
    percent = models.PositiveSmallIntegerField()
    requests = models.PositiveIntegerField(help_text="Answers of the candidate in this stage")
    judged = models.PositiveIntegerField(help_text="Of them, with an outcome")
    decision = models.CharField(max_length=12)
    reason = models.TextField()
    statistics = models.JSONField(default=dict)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.rollout} at {self.percent} %: {self.decision}"
