"""What people decided, and who is looking at what."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.contributions.models import Contribution


class Verdict(models.TextChoices):
    """What a reviewer can decide."""

    ACCEPT = "accept", _("Accept")
    CHANGES = "changes", _("Ask for changes")
    REJECT = "reject", _("Reject")
    RELEASE = "release", _("Release from quarantine")


class Decision(models.Model):
    """One person's verdict on one revision; it binds to the content's digest."""

    contribution = models.ForeignKey(
        Contribution, on_delete=models.CASCADE, related_name="decisions"
    )
    reviewer = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="decisions")
    verdict = models.CharField(max_length=10, choices=Verdict)
    because = models.TextField(blank=True)
    revision = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    override = models.BooleanField(
        default=False, help_text="Taken against what the screens found, on record"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]
        # A reviewer's day is counted before they get more.
        indexes = [models.Index(fields=["reviewer", "created_at"], name="reviews_day")]

    def __str__(self) -> str:
        return f"{self.reviewer}: {self.get_verdict_display()} {self.contribution}"


# These have rooms of their own; their tables belong to this app all the same.
from apps.reviews.agreement.models import (  # noqa: E402
    Alpha,
    Audit,
    Gold,
    Round,
    Signal,
    Voice,
)
from apps.reviews.argilla import models as argilla  # noqa: E402, F401
from apps.reviews.desk.models import Pending  # noqa: E402
from apps.reviews.evidence.models import Evidence, Looked, Served  # noqa: E402
from apps.reviews.queue.models import Claim, Habits, Place, Skip, Tie  # noqa: E402
from apps.reviews.sampling.models import RowVerdict, Sample  # noqa: E402

__all__ = [
    "Alpha",
    "Audit",
    "Claim",
    "Decision",
    "Evidence",
    "Gold",
    "Habits",
    "Looked",
    "Pending",
    "Place",
    "Round",
    "RowVerdict",
    "Sample",
    "Served",
    "Signal",
    "Skip",
    "Tie",
    "Verdict",
    "Voice",
]
