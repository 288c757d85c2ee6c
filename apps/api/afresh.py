"""Who comes too late is told how the thing stands now, so that they need not ask again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rest_framework.request import Request

from apps.api import answers
from apps.contributions.models import Contribution
from apps.history.errors import MoveRefused
from apps.reviews.errors import Stale


@contextmanager
def afresh(contribution: Contribution, request: Request) -> Iterator[None]:
    """Add `now`, the contribution as it stands, to the refusal of whoever lost a race."""
    try:
        yield
    except (MoveRefused, Stale) as refusal:
        found = Contribution.objects.select_related("author", "skill")
        now = answers.contribution(found.get(pk=contribution.pk), request)
        vars(refusal)["more"] = {"now": now}
        raise
