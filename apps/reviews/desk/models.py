"""What waits at the desk, and what follows a rejection.

`apps.reviews.models` ends by importing this module, so that Django knows its tables.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.reviews.models import Decision


class Step(models.TextChoices):
    """What a reviewer can do at the desk that the others see after a while."""

    ACCEPT = "accept", _("Accept")
    CHANGES = "changes", _("Ask for changes")
    REJECT = "reject", _("Reject")
    ESCALATE = "escalate", _("Hand to a maintainer")


class Reason(models.TextChoices):
    """Why a PR is turned away: a fixed list, so that counts mean something and nine keys do."""

    WRONG = "wrong", _("The answers are wrong")
    UNFOUNDED = "unfounded", _("Nobody can tell whether it is right: sources are missing")
    UNCLEAR = "unclear", _("The question or the answer cannot be understood")
    OFF_TOPIC = "off_topic", _("It does not belong to this skill")
    REPEATED = "repeated", _("It repeats what was accepted before")
    PRIVATE = "private", _("It holds personal data or a secret")
    LICENCE = "licence", _("It may not be given under this licence")
    MANIPULATED = "manipulated", _("It teaches something that it does not say")
    OTHER = "other", _("Another reason")


class Pending(models.Model):
    """A verdict that can still be undone; until `due_at` nobody but its reviewer knows of it.

    One with `edits` first becomes a revision, and then waits, `edited`, for the checks to read it.
    What could not take effect stays, with `lapsed` saying why, until its reviewer has read it.
    """

    contribution = models.ForeignKey(
        Contribution, on_delete=models.CASCADE, related_name="pending_verdicts"
    )
    reviewer = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    step = models.CharField(max_length=10, choices=Step)
    reason = models.CharField(max_length=12, choices=Reason, blank=True)
    because = models.TextField(blank=True)
    digest = models.CharField(max_length=64)
    edits = models.JSONField(default=list, help_text="[position, field, text] of each changed text")
    edited = models.BooleanField(default=False)
    batch = models.CharField(max_length=36, help_text="Taken together, undone together")
    lapsed = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    due_at = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(lapsed=""), name="reviews_pending_due"),
            models.Index(fields=["reviewer", "-id"], name="reviews_pending_of"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["contribution"], condition=Q(lapsed=""), name="reviews_pending_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.get_step_display()} {self.contribution}, not yet in effect"

    @property
    def open(self) -> bool:
        """Whether it can still be undone."""
        return not self.lapsed and not self.edited and self.due_at > timezone.now()


class Ground(models.Model):
    """The reason from the list for which a reviewer turned a content away."""

    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="grounds")
    reviewer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    digest = models.CharField(max_length=64)
    reason = models.CharField(max_length=12, choices=Reason)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contribution", "reviewer", "digest"], name="reviews_ground_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contribution}: {self.get_reason_display()}"


class Unfolded(models.Model):
    """A reviewer looked up who wrote a PR before they decided on it."""

    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="+")
    reviewer = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["contribution", "reviewer"], name="reviews_unfolded_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.reviewer} knows who wrote {self.contribution}"


class Escalation(models.Model):
    """A reviewer handed a PR on; while it stands, a maintainer other than they decides."""

    contribution = models.OneToOneField(
        Contribution, on_delete=models.CASCADE, related_name="escalation"
    )
    by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    because = models.TextField()
    at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.contribution}, handed on by {self.by}"


class Outcome(models.TextChoices):
    """What became of an appeal."""

    UPHELD = "upheld", _("The rejection stands")
    OVERTURNED = "overturned", _("The rejection is taken back")


class Appeal(models.Model):
    """An author's words against a rejection; one for each PR, heard by somebody else."""

    contribution = models.OneToOneField(
        Contribution, on_delete=models.CASCADE, related_name="appeal"
    )
    decision = models.OneToOneField(Decision, on_delete=models.CASCADE, related_name="appeal")
    words = models.TextField()
    made_at = models.DateTimeField(auto_now_add=True)
    outcome = models.CharField(max_length=10, choices=Outcome, blank=True)
    heard_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    because = models.TextField(blank=True)
    heard_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["id"], condition=Q(outcome=""), name="reviews_appeal_open")]

    def __str__(self) -> str:
        return f"the appeal on {self.contribution}"
