"""How much of a PR is tried: the numbers of the line's policy under `review`, `evidence`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from apps.skills.models import ModelLine
from training.preview.spec import PreviewSettings

# Numbers that decide when and how often, and not what comes out.
HOUSEHOLD = ("together", "seconds", "attempts")


@dataclass(frozen=True)
class EvidenceRule:
    """Of a large PR a part is asked and learned, spread over its rows.

    `cases` are kept and `reminders` repeated from the trusted rows; `together` PRs are asked in one
    batch, which may take `seconds`; after `attempts` crashes a PR counts as one that could not be
    measured. With 0 `rows_asked` nothing is measured.
    """

    rows_asked: int = 48
    rows_learned: int = 64
    cases: int = 40
    reminders: int = 600
    together: int = 8
    seconds: int = 900
    attempts: int = 3

    @classmethod
    def of(cls, line: ModelLine) -> EvidenceRule:
        """The rule in a line's policy."""
        said = line.policy.get("review", {}).get("evidence", {})
        return cls(**{one.name: int(said[one.name]) for one in fields(cls) if one.name in said})

    @property
    def recipe(self) -> str:
        """What decides the figures, beside rows and version: these numbers and the trainer's."""
        decides = {k: v for k, v in asdict(self).items() if k not in HOUSEHOLD}
        told = json.dumps([decides, PreviewSettings().digest], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()
