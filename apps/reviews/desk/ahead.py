"""What lies ahead of a reviewer: the items that their screen fetches before they are needed."""

from __future__ import annotations

from collections.abc import Collection

from apps.accounts.models import Account
from apps.contributions.models import Contribution
from apps.reviews import actions, queries
from apps.reviews.errors import ReviewRefused

PREFETCHED = 2
TRIED = 20


def upcoming(
    reviewer: Account, *, but: Collection[int] = (), many: int = PREFETCHED
) -> list[Contribution]:
    """The next items of this reviewer's queue, claimed for them, without those named in `but`."""
    held: list[Contribution] = []
    for contribution in queries.queue_for(reviewer).exclude(pk__in=but)[:TRIED]:
        if len(held) == many:
            break
        try:
            actions.claim(contribution, by=reviewer)
        except ReviewRefused:
            continue
        held.append(contribution)
    return held
