"""Several voices, second looks and samples."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, NotRequired, TypedDict

from apps.api.calls import Facts
from apps.api.shapes.base import Count, Digest, Name
from apps.reviews.desk.models import Outcome
from apps.reviews.models import Verdict


class WeeklyAlpha(TypedDict):
    """How far verdicts on the same items agree, in one week; null where alpha does not exist."""

    week: Annotated[str, "Its Monday", Facts(format="date")]
    skill: Annotated[str | None, "null: of all skills"]
    alpha: Annotated[float | None, "Krippendorff's: 1 is agreement, 0 what chance gives"]
    low: Annotated[float | None, "Of the 95 % bootstrap interval"]
    high: float | None
    items: Count
    voices: Count


class Rounds(TypedDict):
    """Contributions that several people read, each on their own."""

    closed: Count
    agreed: Annotated[Count, "Without a further person"]
    adjudicated: Count
    open: Count


class Overturned(TypedDict):
    """How many decisions a second reader, who was told nothing, would have turned round."""

    answered: Count
    overturned: Count
    waiting: Count
    rate: float | None
    low: Annotated[float | None, "Of the 95 % Wilson interval"]
    high: float | None


class Agreement(TypedDict):
    """How well reviewers agree, in the last twelve weeks."""

    weeks: list[WeeklyAlpha]
    rounds: Rounds
    audits: Overturned


class Opinion(TypedDict):
    """Who said what."""

    reviewer: str
    verdict: Verdict


class Audit(TypedDict):
    """A decision that was looked at again by somebody who was not told what was decided."""

    contribution: str
    decision: str
    event: Annotated[Digest, "Of the event that drew it: its share is under the policy's"]
    first: Opinion
    second: Opinion
    because: str
    overturned: bool
    at: datetime


class Appeal(TypedDict):
    """An author's words against a rejection, and what somebody else made of them."""

    contribution: str
    number: int
    rejection: Annotated[str, "The decision that it is about"]
    words: str
    made_at: datetime
    outcome: Annotated[Outcome | None, "null until it is heard"]
    heard_by: Name | None
    because: str
    heard_at: datetime | None


class SampleLook(TypedDict):
    """After so many rows it passes if no more are bad."""

    sample: Count
    bad: Count
    alpha: float


class SamplePlan(TypedDict):
    """When to look; written before the first row is judged."""

    rows: Count
    limit: Annotated[float, "The share of bad rows that has to be ruled out"]
    alpha: Annotated[float, "At most so probably it passes with so many"]
    looks: list[SampleLook]


class JudgedRow(TypedDict):
    """What was said of one row."""

    position: Count
    bad: bool
    because: str


class Sample(TypedDict):
    """The rows by which one verdict on a large contribution was found."""

    revision: int
    digest: Digest
    voice: int
    state: Literal["open", "passed", "failed"]
    commitment: Annotated[Digest, "SHA-256 of the seed"]
    plan: SamplePlan
    price: Annotated[Count, "Rows more than a single look would have needed"]
    opened_at: datetime
    closed_at: datetime | None
    judged: NotRequired[Count]
    bad: NotRequired[Count]
    bound: NotRequired[Annotated[float | None, "On the share of bad rows, Clopper-Pearson"]]
    seed: NotRequired[str]
    strata: NotRequired[Annotated[dict[str, int], "Rows of each stratum"]]
    order: NotRequired[Annotated[list[int], "Positions, as they were drawn"]]
    verdicts: NotRequired[list[JudgedRow]]


class SamplesTaken(TypedDict):
    """Every sample of a contribution, oldest first."""

    samples: list[Sample]
