"""What was asked and answered, and how it turned out."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import MD5

from apps.accounts.models import Account
from apps.skills.models import ModelLine, Skill


class Arm(models.TextChoices):
    """Which side of a comparison answered."""

    LIVE = "live", "Live version"
    CANDIDATE = "candidate", "Candidate"
    SHADOW = "shadow", "Candidate, unseen by the user"


LAST_SAID_BY_THE_USER = models.Func(
    models.F("messages"),
    template="""jsonb_path_query_array(%(expressions)s, '$[*] ? (@.role == "user")') -> -1 """
    "->> 'content'",
    output_field=models.TextField(),
)


class Trace(models.Model):
    """One answered request. The version is named by digest, because builds come later."""

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="+")
    skill = models.ForeignKey(Skill, null=True, on_delete=models.SET_NULL, related_name="+")
    channel = models.CharField(max_length=40)
    version = models.CharField(max_length=80, help_text="Name of the version that answered")
    version_digest = models.CharField(max_length=64)
    arm = models.CharField(max_length=10, choices=Arm, default=Arm.LIVE)
    experiment = models.CharField(
        max_length=60,
        blank=True,
        help_text="Rollout and stage under which the request was assigned",
    )
    mirror_of = models.OneToOneField(
        "self", null=True, on_delete=models.CASCADE, related_name="mirror"
    )
    user = models.CharField(max_length=80, blank=True)
    asked_by = models.ForeignKey(Account, null=True, on_delete=models.SET_NULL, related_name="+")
    messages = models.JSONField()
    # Written by the database, so that whoever looks for a prompt reads an index, not all messages.
    prompt_md5 = models.GeneratedField(
        expression=MD5(LAST_SAID_BY_THE_USER),
        output_field=models.CharField(max_length=32, null=True),
        db_persist=True,
    )
    answer = models.TextField(blank=True)
    finish_reason = models.CharField(max_length=20, blank=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    latency_ms = models.FloatField(default=0)
    error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["experiment", "id"], name="traces_experiment"),
            models.Index(fields=["version_digest", "prompt_md5", "id"], name="traces_asked"),
            models.Index(fields=["skill", "id"], name="traces_skill"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id that leaves the house, `tr_42`."""
        return f"tr_{self.pk}"

    @property
    def prompt(self) -> str:
        """The last thing the user said."""
        return next((m["content"] for m in reversed(self.messages) if m["role"] == "user"), "")


class Outcome(models.Model):
    """What one judge says of one answer: whether it did its task, and perhaps a 1–5 rating."""

    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="outcomes")
    judge = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    success = models.BooleanField()
    rating = models.PositiveSmallIntegerField(null=True)
    client_id = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trace", "judge"], name="traces_one_outcome_a_judge")
        ]

    def __str__(self) -> str:
        return f"{self.judge} on {self.trace_id}: {'right' if self.success else 'wrong'}"
