"""The tables of the queue; `apps.reviews.models` ends by importing this module."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.skills.models import ModelLine, Skill


class Place(models.Model):
    """A contribution's place among those that wait for a reviewer.

    `worth` is what it is worth by itself, as a logarithm (base 2), and `standing` is worth less its
    arrival in half-lives. Everything ages alike, so the order of two places never changes, and
    one index holds it for a million of them.
    """

    contribution = models.OneToOneField(
        Contribution, primary_key=True, on_delete=models.CASCADE, related_name="place"
    )
    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="+", db_index=False)
    author = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+", db_index=False)
    # The skill's number; a contribution of no single skill lies on its line's own heap (-line).
    heap = models.BigIntegerField()
    revision = models.PositiveIntegerField()
    arrived_at = models.DateTimeField()
    counts_from = models.DateTimeField(help_text="Later than its arrival when it was held back")
    factors = models.JSONField(default=dict)
    worth = models.FloatField()
    standing = models.FloatField()
    maintainers_only = models.BooleanField(default=False)
    low_risk = models.BooleanField(
        db_default=False, default=False, help_text="Trusted contributors have half a voice"
    )
    flagged = models.BooleanField(default=False, help_text="Many have skipped it")

    class Meta:
        indexes = [
            models.Index("heap", models.F("standing").desc(), "contribution", name="reviews_heap"),
            models.Index(
                *("heap", models.F("standing").desc(), "contribution"),
                condition=models.Q(low_risk=True),
                name="reviews_heap_low_risk",
            ),
            models.Index(fields=["arrived_at"], name="reviews_arrived"),
        ]

    def __str__(self) -> str:
        return f"place of {self.contribution_id}"

    @classmethod
    def of(cls, contribution: Contribution) -> Place | None:
        """Its place, read once for as long as the contribution is held; None where it has none."""
        return getattr(contribution, "place", None)

    @property
    def held_back(self) -> bool:
        """Whether it counts from later than it came."""
        return self.counts_from > self.arrived_at


class Claim(models.Model):
    """A reviewer holds an item until the claim expires.

    One that is held `ahead` is next or next but one: it yields to whoever opens the item.
    """

    contribution = models.OneToOneField(
        Contribution, on_delete=models.CASCADE, related_name="claim"
    )
    reviewer = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="claims")
    expires_at = models.DateTimeField()
    # Renewing leaves it as it is: it tells how long somebody has read.
    opened_at = models.DateTimeField(db_default=Now())
    ahead = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"{self.reviewer} holds {self.contribution}"


class Skip(models.Model):
    """Why a reviewer passed an item on; it is not offered to them again until `until`."""

    class Why(models.TextChoices):
        NOT_MINE = "not_mine", _("Not my subject")
        UNCLEAR = "unclear", _("I cannot tell what is right")
        TOO_MUCH = "too_much", _("Too much for now")
        CONFLICT = "conflict", _("I am too close to it")
        OTHER = "other", _("Something else")

    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="skips")
    reviewer = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="skips")
    why = models.CharField(max_length=10, choices=Why)
    because = models.TextField(blank=True)
    skipped_at = models.DateTimeField()
    until = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contribution", "reviewer"], name="reviews_one_skip_a_reviewer"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} skipped {self.contribution}"


class Habits(models.Model):
    """What a reviewer knows, how much they take on, and when they rest."""

    account = models.OneToOneField(
        Account, primary_key=True, on_delete=models.CASCADE, related_name="habits"
    )
    skills = models.ManyToManyField(Skill, related_name="reviewers")
    cap = models.PositiveIntegerField(null=True, help_text="Decisions a day, by their own clock")
    quiet_from = models.TimeField(null=True)
    quiet_until = models.TimeField(null=True)
    time_zone = models.CharField(max_length=60, default="UTC")

    def __str__(self) -> str:
        return f"habits of {self.account}"


class Tie(models.Model):
    """Evidence that two accounts may be one person's; `one` has the smaller number.

    It only ever keeps people apart. Who looks closer can dismiss it, with a reason on record.
    """

    class Kind(models.TextChoices):
        ADDRESS = "address", _("signed in from the same address")
        ROWS = "rows", _("sent the same rows")

    one = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind)
    # Never an address: how many days apart, or which PRs.
    evidence = models.JSONField(default=dict)
    found_at = models.DateTimeField(auto_now_add=True)
    dismissed_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    dismissed_because = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["one", "other", "kind"], name="reviews_tied_once"),
            models.CheckConstraint(
                condition=models.Q(one__lt=models.F("other")), name="reviews_tie_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.one} and {self.other} {self.get_kind_display()}"


class Demand(models.Model):
    """How much of a line's traffic and of its wrong answers falls on a heap; shares from 0 to 1."""

    heap = models.BigIntegerField(primary_key=True)
    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="+")
    traffic = models.FloatField(default=0)
    failing = models.FloatField(default=0)

    def __str__(self) -> str:
        return f"demand of heap {self.heap}"


class Pace(models.Model):
    """How long contributions of a line stay in a stage, measured; None where too few were seen."""

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="+")
    stage = models.CharField(max_length=20)
    stays = models.PositiveIntegerField(default=0)
    half_seconds = models.FloatField(null=True)
    most_seconds = models.FloatField(null=True, help_text="Nine of ten were out by then")
    arrivals_a_day = models.FloatField(default=0)
    answers_a_day = models.FloatField(default=0)
    waiting = models.PositiveIntegerField(default=0)
    full = models.BooleanField(default=False)
    # While the desk is full, what is worth less than this (log 2) is held back.
    cut = models.FloatField(null=True)
    measured_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "stage"], name="reviews_one_pace_a_stage")
        ]

    def __str__(self) -> str:
        return f"pace of {self.stage} in {self.line}"


class Pulled(models.Model):
    """How far the queue has read which contributions changed, and by which half-lives it counts."""

    until = models.DateTimeField(null=True)
    half_lives = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"pulled until {self.until}"
