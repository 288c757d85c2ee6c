"""The record of every move, and the letters that still have to leave the house."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

from django.db import models

from apps.accounts.models import Account

if TYPE_CHECKING:
    from apps.history.stages import StageTable


class Staged(Protocol):
    """What `history.move` can move: a model with a stage and the table that governs it."""

    STAGES: ClassVar[StageTable]
    pk: int
    stage: str


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


class Letter(models.Model):
    """A Celery message in the outbox: written with its cause, sent after, re-sent until done."""

    task = models.CharField(max_length=120)
    arguments = models.JSONField(default=list)
    queue = models.CharField(max_length=40)
    # Two rings that find the same work write the same letter once.
    once = models.CharField(max_length=160, unique=True)
    written_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)
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
