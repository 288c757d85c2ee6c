"""The record of every move, and the letters that still have to leave the house."""

from __future__ import annotations

from django.db import models

from apps.accounts.models import Account


class Event(models.Model):
    """One line of the hash-chained record; the database refuses to change or delete it."""

    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    verb = models.CharField(max_length=40)
    left = models.CharField(max_length=30, blank=True)
    entered = models.CharField(max_length=30, blank=True)
    actor = models.CharField(max_length=150)
    account = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    because = models.TextField(blank=True)
    details = models.JSONField(default=dict)
    at = models.DateTimeField()
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64, unique=True)

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(fields=["subject_kind", "subject_id", "id"]),
            models.Index(fields=["subject_kind", "entered", "at"]),
        ]

    def __str__(self) -> str:
        return f"{self.subject_kind} {self.subject_id} {self.verb} {self.entered}".strip()


class Leased(models.Model):
    """Long work that one worker holds at a time; see `history.leases`.

    `fence` grows each time a worker takes the lease; results of a worker with an older number
    are not taken.
    """

    worker = models.CharField(max_length=120, blank=True)
    fence = models.PositiveIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class Letter(models.Model):
    """A Celery message in the outbox: written with its cause, sent after, re-sent until done."""

    task = models.CharField(max_length=120)
    arguments = models.JSONField(default=list)
    queue = models.CharField(max_length=40)
    # Two rings that find the same work write the same letter once.
    once = models.CharField(max_length=160, unique=True)
    written_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
    # When a worker last took it up: until then it waits for one.
    begun_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    sendings = models.PositiveIntegerField(default=0)

    class Meta:
        indexes = [
            models.Index(
                fields=["sent_at"],
                condition=models.Q(done_at__isnull=True),
                name="history_letter_open",
            )
        ]

    def __str__(self) -> str:
        return self.once


class Proposal(models.Model):
    """What one person wants done and a second one has to want as well."""

    subject_kind = models.CharField(max_length=40)
    subject_id = models.BigIntegerField()
    action = models.CharField(max_length=40)
    # What exactly: the digest that was read, the role that is given. The second must say the same.
    terms = models.JSONField(default=dict)
    because = models.TextField(blank=True)
    proposed_by = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    seconded_by = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "action"],
                condition=models.Q(closed_at=None),
                name="history_one_open_proposal",
            ),
            models.CheckConstraint(
                condition=~models.Q(seconded_by=models.F("proposed_by")),
                name="history_two_people_are_two",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.action}, proposed by {self.proposed_by}"

    @property
    def agreed(self) -> bool:
        """Whether a second person wanted the same."""
        return self.seconded_by_id is not None
