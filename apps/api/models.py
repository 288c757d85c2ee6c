"""Answers that are kept for a while, so that a request that comes twice acts once."""

from __future__ import annotations

from django.db import models


class StoredAnswer(models.Model):
    """What was answered to an Idempotency-Key; written in the transaction of the change itself.

    `place` is a digest of who called, what address, and the key; `fingerprint` one of the body.
    """

    place = models.CharField(max_length=64, primary_key=True)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    def __str__(self) -> str:
        return f"answer {self.status} of {self.created_at:%Y-%m-%d %H:%M}"
