"""Which users get the candidate: sticky, salted and nested."""

from __future__ import annotations

import hashlib

BUCKETS = 10_000


def gets_candidate(user: str, *, salt: str, percent: int) -> bool:
    """Whether this user is among the first `percent` of hundred under this rollout's salt.

    Sticky (the same user always falls into the same bucket of ten thousand), and nested: who has
    the candidate at 1 % keeps it at 5 and 50 %.
    """
    digest = hashlib.sha256(f"{salt}\n{user}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % BUCKETS < percent * BUCKETS // 100
