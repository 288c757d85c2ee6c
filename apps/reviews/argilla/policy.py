"""What a line wants of Argilla; its numbers stand in the line's policy under `review.argilla`."""

from __future__ import annotations

from dataclasses import dataclass, fields

from apps.contributions.models import Consent
from apps.skills.models import ModelLine

# Who sits in a workspace there is not ours to say, so only what everybody may read goes out.
CONSENTS = (Consent.TRAIN,)


@dataclass(frozen=True)
class ArgillaPolicy:
    """How a line shows its queue in Argilla.

    shown         whether the line's queue is shown there at all (0 or 1)
    most_rows     a PR with more rows is decided here, by sampling with a stated bound
    responses     how many people have to answer a record before Argilla calls it completed
    """

    shown: int = 1
    most_rows: int = 500
    responses: int = 1

    @classmethod
    def of(cls, line: ModelLine) -> ArgillaPolicy:
        """The wishes in a line's policy; what it leaves out is as above."""
        said = line.policy.get("review", {}).get("argilla", {})
        return cls(**{f.name: int(said[f.name]) for f in fields(cls) if f.name in said})
