"""How long each stage may last, in writing: what is promised until enough stays are measured.

`reviews.queue.promises` measures them and says by when somebody answers.
"""

from __future__ import annotations

from datetime import timedelta

from apps.contributions.stages import Stage

PROMISED: dict[str, timedelta] = {
    Stage.SUBMITTED: timedelta(minutes=5),
    Stage.QUARANTINED: timedelta(days=2),
    Stage.IN_REVIEW: timedelta(days=3),
    Stage.CHANGES_REQUESTED: timedelta(days=14),
}
