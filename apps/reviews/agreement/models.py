"""Rounds of hidden voices, gold items, audits, and what the clock reckons from them.

`apps.reviews.models` ends by importing this module, so that Django knows its tables.
"""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.reviews.models import Decision, Verdict
from apps.skills.models import ModelLine, Skill


class Round(models.Model):
    """Several voices about one content; none is shown to anybody before the round closes.

    `agreeing` of the first `voices` have to say the same; where they do not, one more person
    decides. What was asked for is frozen when the first voice comes.
    """

    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="rounds")
    digest = models.CharField(max_length=64)
    voices = models.PositiveSmallIntegerField()
    agreeing = models.PositiveSmallIntegerField()
    because = ArrayField(models.CharField(max_length=20), help_text="Codes of `policy.REASONS`")
    opened_at = models.DateTimeField(auto_now_add=True)
    closed_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=10, choices=Verdict, blank=True)
    stranded_at = models.DateTimeField(null=True, help_text="Since when nobody may complete it")
    # By verdict, from Dawid-Skene; empty until the clock has reckoned it.
    posterior = models.JSONField(default=dict)

    class Meta:
        ordering = ["pk"]
        constraints = [
            # (After an appeal that is granted, the same rows are read in another round.)
            models.UniqueConstraint(
                fields=["contribution", "digest"],
                condition=Q(closed_at=None),
                name="reviews_one_open_round",
            )
        ]
        indexes = [
            models.Index(
                fields=["opened_at"], condition=Q(closed_at=None), name="reviews_rounds_open"
            ),
            models.Index(fields=["closed_at"], name="reviews_rounds_closed"),
        ]

    def __str__(self) -> str:
        return f"round on {self.contribution_id}"

    @property
    def likeliest(self) -> int | None:
        """The probability of the likeliest verdict in percent, once it is reckoned."""
        return round(100 * max(self.posterior.values())) if self.posterior else None

    @property
    def likeliest_word(self) -> str:
        """The likeliest verdict, as it is read."""
        return str(Verdict(max(self.posterior, key=self.posterior.__getitem__)).label)


class Voice(models.Model):
    """What one reviewer said in a round. The record holds its commitment from the first moment."""

    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="heard")
    reviewer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="voices")
    verdict = models.CharField(max_length=10, choices=Verdict)
    because = models.TextField(blank=True)
    adjudicates = models.BooleanField(default=False, help_text="Came after the first had differed")
    half = models.BooleanField(db_default=False, default=False, help_text="A trusted contributor's")
    seconds = models.FloatField(null=True, help_text="From taking the item to deciding")
    nonce = models.CharField(max_length=32)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["round", "reviewer"], name="reviews_one_voice_each")
        ]

    def __str__(self) -> str:
        return f"a voice in {self.round}"


class Gold(models.Model):
    """An item whose right verdict is known. It is a contribution like any other at the desk.

    It can only be withdrawn: nothing that decides moves it, so no build ever sees it.
    """

    contribution = models.OneToOneField(
        Contribution, on_delete=models.CASCADE, related_name="gold", primary_key=True
    )
    verdict = models.CharField(max_length=10, choices=Verdict)
    reason = models.CharField(max_length=200, help_text="Why this verdict is right")
    source = models.ForeignKey(Contribution, null=True, on_delete=models.SET_NULL, related_name="+")
    planted_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    nonce = models.CharField(max_length=32)
    planted_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"gold item {self.pk}"


class Audit(models.Model):
    """A decision that is looked at again by somebody who is not shown the first verdict."""

    decision = models.OneToOneField(
        Decision, on_delete=models.CASCADE, related_name="audit", primary_key=True
    )
    event = models.CharField(max_length=64, help_text="Digest of the move, which drew it")
    drawn_at = models.DateTimeField(auto_now_add=True)
    auditor = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="audits")
    taken_at = models.DateTimeField(null=True)
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    because = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)
    overturned = models.BooleanField(null=True)

    class Meta:
        ordering = ["-drawn_at"]
        indexes = [
            models.Index(
                fields=["drawn_at"], condition=Q(answered_at=None), name="reviews_audits_open"
            )
        ]

    def __str__(self) -> str:
        return f"audit of decision {self.pk}"


class Alpha(models.Model):
    """Krippendorff's alpha of one week, for one skill (none: all of them), as last reckoned."""

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="+")
    skill = models.ForeignKey(Skill, null=True, on_delete=models.CASCADE, related_name="+")
    week = models.DateField(help_text="Its Monday (UTC)")
    # None where all said the same of everything, or of too little: alpha does not exist there.
    alpha = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    items = models.PositiveIntegerField()
    voices = models.PositiveIntegerField()

    class Meta:
        ordering = ["-week", "skill"]
        constraints = [
            models.UniqueConstraint(
                fields=["line", "skill", "week"], nulls_distinct=False, name="reviews_alpha_once"
            )
        ]

    def __str__(self) -> str:
        return f"agreement on {self.skill or 'everything'}, week of {self.week}"


class Signal(models.Model):
    """Something about reviewers that a maintainer should look at. It accuses nobody."""

    class Kind(models.TextChoices):
        FAVOUR = "favour"
        STAMP = "stamp"

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    first = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Account, null=True, on_delete=models.CASCADE, related_name="+")
    p = models.FloatField()
    q = models.FloatField(help_text="After all comparisons of the same kind (Benjamini-Hochberg)")
    facts = models.JSONField(default=dict)
    found_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["q", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["line", "kind", "first", "second"],
                nulls_distinct=False,
                name="reviews_signal_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind}: {self.first} {self.second or ''}".strip()
