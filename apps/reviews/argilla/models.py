"""What stands in Argilla, what came back from there, and who is who.

`apps.reviews.models` ends by importing this module, so that Django knows its tables.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import Account
from apps.contributions.models import Contribution, Row
from apps.reviews.models import Decision, Verdict
from apps.skills.models import ModelLine, Skill


class Board(models.Model):
    """A skill's queue as a dataset in Argilla; without a skill, the line's PRs that have none.

    The row is also the memory of retries: nobody calls for it before `next_try_at`.
    """

    line = models.ForeignKey(ModelLine, on_delete=models.CASCADE, related_name="+")
    skill = models.ForeignKey(Skill, null=True, on_delete=models.PROTECT, related_name="+")
    dataset = models.UUIDField(null=True, help_text="Its id in Argilla, once it exists there")
    next_try_at = models.DateTimeField(auto_now_add=True)
    tries = models.PositiveIntegerField(default=0, help_text="Failures since the last success")
    trouble = models.CharField(max_length=300, blank=True, help_text="What the last try met")
    next_sweep_at = models.DateTimeField(auto_now_add=True)
    swept_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["line", "skill"], nulls_distinct=False, name="reviews_argilla_one_board"
            )
        ]

    def __str__(self) -> str:
        return f"{self.line}-{self.skill or 'mixed'}"


class Slip(models.Model):
    """One row of a PR's revision, as a record in Argilla.

    `digest` names the content of the whole revision: what is answered there binds to it.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits to be sent")
        OPEN = "open", _("Stands in Argilla")
        CLOSING = "closing", _("Decided, and still open in Argilla")
        CLOSED = "closed", _("Closed")
        REFUSED = "refused", _("Argilla did not take it")

    board = models.ForeignKey(Board, on_delete=models.CASCADE, related_name="slips")
    contribution = models.ForeignKey(Contribution, on_delete=models.CASCADE, related_name="+")
    revision = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    row = models.ForeignKey(Row, on_delete=models.CASCADE, related_name="+")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    record = models.UUIDField(null=True, unique=True, help_text="Its id in Argilla")
    said = models.CharField(max_length=500, blank=True, help_text="Why Argilla did not take it")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["row"], name="reviews_argilla_one_slip")]
        indexes = [
            models.Index(
                fields=["board", "id"],
                condition=Q(state__in=["waiting", "closing"]),
                name="reviews_argilla_due",
            ),
            models.Index(
                fields=["contribution"],
                condition=Q(state__in=["waiting", "open", "refused"]),
                name="reviews_argilla_standing",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contribution} row {self.row.position + 1} in Argilla"

    @property
    def external_id(self) -> str:
        """The record's name in Argilla, which a second sending finds again."""
        return f"pr-{self.contribution_id}-{self.revision}-{self.row_id}"


class Person(models.Model):
    """A user of Argilla, and the account that a maintainer's operator says they are."""

    user = models.UUIDField(unique=True, help_text="Their id in Argilla")
    name = models.CharField(max_length=200)
    account = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return f"{self.name} in Argilla"


class Answer(models.Model):
    """One version of one response, kept once however often it comes, and what became of it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waits for the PR's other rows")
        COUNTED = "counted", _("Counted")
        REFUSED = "refused", _("Refused")
        RETURNED = "returned", _("Refused and handed back")
        UNKNOWN = "unknown", _("From nobody we know")
        PASSED = "passed", _("No verdict")
        REPLACED = "replaced", _("Replaced by a later answer")

    slip = models.ForeignKey(Slip, on_delete=models.CASCADE, related_name="answers")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="answers")
    response = models.UUIDField(help_text="The response's id in Argilla")
    # With the id it names a version: a retried webhook and the sweep bring the same pair.
    at = models.DateTimeField(help_text="When Argilla last changed it")
    status = models.CharField(max_length=10, help_text="submitted, discarded, draft or deleted")
    values = models.JSONField(default=dict)
    came_by = models.CharField(max_length=8, help_text="webhook or sweep")
    came_at = models.DateTimeField(auto_now_add=True)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    because = models.CharField(max_length=500, blank=True, help_text="Why it was refused")
    decision = models.ForeignKey(
        Decision, null=True, on_delete=models.SET_NULL, related_name="argilla_answers"
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["response", "at", "status"], name="reviews_argilla_each_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["-id"],
                condition=Q(state__in=["refused", "returned", "unknown"]),
                name="reviews_argilla_refused",
            )
        ]

    def __str__(self) -> str:
        return f"{self.person} on {self.slip}"


class Brought(models.Model):
    """A PR that was made of records of an Argilla dataset, and the review they had there.

    The verdict takes effect here once the screens have let the PR through to review.
    """

    contribution = models.OneToOneField(Contribution, on_delete=models.CASCADE, related_name="+")
    dataset = models.UUIDField()
    reviewer = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    verdict = models.CharField(max_length=10, choices=Verdict, blank=True)
    because = models.TextField(blank=True)
    done_at = models.DateTimeField(null=True)
    refused = models.CharField(max_length=500, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"], condition=Q(done_at=None), name="reviews_argilla_brought_open"
            )
        ]

    def __str__(self) -> str:
        return f"{self.contribution} from Argilla"


class BroughtRecord(models.Model):
    """A record that was brought in, by its id in Argilla; it is never brought twice."""

    record = models.UUIDField(unique=True)
    brought = models.ForeignKey(Brought, on_delete=models.CASCADE, related_name="records")

    def __str__(self) -> str:
        return f"record {self.record}"
