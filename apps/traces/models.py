"""What was asked and answered, and how it turned out."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import MD5
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.skills.models import ModelLine, Skill
from apps.traces.stages import DELIVERY, Stage


class Arm(models.TextChoices):
    """Which side of a comparison answered."""

    LIVE = "live", _("Live version")
    CANDIDATE = "candidate", _("Candidate")
    SHADOW = "shadow", _("Candidate, unseen by the user")


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
    # The row of feedback that said so; blind comparisons have none.
    feedback = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["trace", "judge"], name="traces_one_outcome_a_judge")
        ]

    def __str__(self) -> str:
        return f"{self.judge} on {self.trace_id}: {'right' if self.success else 'wrong'}"


class Delivery(models.Model):
    """One request full of feedback, and what became of its rows: the receipt for sender and audit.

    Its number begins with the month (see `feedback.partitions`), and each row's number begins with
    its delivery's, so that a row says by itself when and with what it came.
    """

    STAGES = DELIVERY

    id = models.BigIntegerField(
        primary_key=True, db_default=models.Func(function="traces_next_delivery"), editable=False
    )
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="deliveries")
    line = models.ForeignKey(ModelLine, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=255, blank=True, help_text="The sender's Idempotency-Key")
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of address and body")
    # Empty where no terms were given; such feedback counts, and is never gathered into a PR.
    licence = models.CharField(max_length=30, blank=True)
    consent = models.CharField(max_length=10, blank=True)
    source = models.CharField(max_length=80, blank=True)
    skill = models.ForeignKey(Skill, null=True, on_delete=models.PROTECT, related_name="+")
    as_lines = models.BooleanField(default=False, help_text="NDJSON rather than a JSON list")
    stage = models.CharField(max_length=10, choices=Stage, default=Stage.DONE)
    rows = models.PositiveIntegerField(default=0)
    stored = models.PositiveIntegerField(default=0)
    duplicates = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0, help_text="Bytes of the unpacked body")
    fault = models.TextField(blank=True, help_text="Why it failed, as a sentence")
    received_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["account", "-id"], name="traces_delivered_by"),
            models.Index(fields=["received_at"], name="traces_delivered_at"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "key"],
                condition=~models.Q(key=""),
                name="traces_key_once",
            ),
            # What the rows' foreign key points at: a row and its delivery have one sender.
            models.UniqueConstraint(fields=["id", "account"], name="traces_delivery_of_account"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id that leaves the house, `op_42`."""
        return f"op_{self.pk}"


class Parcel(models.Model):
    """A piece of a large delivery that waits to be stored: some hundred whole rows, as sent."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="parcels")
    number = models.PositiveIntegerField()
    body = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["delivery", "number"], name="traces_parcel_once")
        ]

    def __str__(self) -> str:
        return f"parcel {self.number} of {self.delivery_id}"


class Feedback(models.Model):
    """What somebody said of an answer: of ours (`trace`), or of one given elsewhere.

    Partitioned by month through its number, and written only by `feedback.storing`. The database
    holds delivery and account together by triggers of its own (migration 0004).
    """

    id = models.BigIntegerField(primary_key=True, editable=False)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    account = models.ForeignKey(
        Account, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    skill = models.ForeignKey(
        Skill,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    trace = models.ForeignKey(
        Trace,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    source = models.CharField(max_length=80, blank=True)
    client_id = models.CharField(max_length=80, null=True)  # noqa: DJ001 (no name is not a name)
    context = models.JSONField(null=True, help_text="Earlier turns, as role and content")
    prompt = models.TextField(blank=True)
    answer = models.TextField(blank=True)
    correction = models.TextField(blank=True)
    success = models.BooleanField(null=True)
    rating = models.PositiveSmallIntegerField(null=True)
    gathers = models.BooleanField(help_text="Terms and content are there: it becomes a PR's row")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        """The id that leaves the house, `fb_42`."""
        return f"fb_{self.pk}"


class Unstored(models.Model):
    """A row of a delivery that was not stored: refused, or a duplicate of what stands already."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="unstored")
    row = models.PositiveIntegerField()
    of = models.CharField(max_length=40, blank=True, help_text="What it repeats")
    code = models.CharField(max_length=40, blank=True)
    pointer = models.CharField(max_length=200, blank=True)
    detail = models.CharField(max_length=300, blank=True)
    mend = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["row"]
        constraints = [
            models.UniqueConstraint(fields=["delivery", "row"], name="traces_unstored_once")
        ]

    def __str__(self) -> str:
        return f"row {self.row} of {self.delivery_id}: {self.code or self.of}"


class StandingTerms(models.Model):
    """The terms under which everything an account sends may be used, given once and for long."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, related_name="standing_terms")
    licence = models.CharField(max_length=30)
    consent = models.CharField(max_length=10)
    given_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.account}: {self.licence}, {self.consent}"
