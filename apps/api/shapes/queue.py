"""The queue of the reviewers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from apps.api.calls import Facts
from apps.api.shapes.accounts import Proposal
from apps.api.shapes.base import Digest, Name
from apps.api.shapes.contributions import Awaits, Contribution, Decision, Row
from apps.reviews.models import Skip as Skipped


class Claim(TypedDict):
    """Until when an item is held for a reviewer."""

    number: int
    by: Name
    until: datetime


class Factor(TypedDict):
    """One factor of a score."""

    name: Literal["demand", "votes", "cluster", "novelty", "effort", "fit", "age"]
    value: Annotated[float, "The score is the product of all of them"]
    says: Annotated[str, "For people; empty where there is nothing to tell"]


class Score(TypedDict):
    """What it is worth that the caller reads an item now."""

    value: float
    factors: list[Factor]
    says: str


class Ahead(TypedDict):
    """An item that is held for the caller and comes next."""

    number: int
    digest: Digest


class Next(TypedDict):
    """The item that the caller holds now, why, and what comes after it."""

    item: Contribution | None
    rows: Annotated[list[Row], "The first of its rows"]
    score: Score | None
    claim: Claim | None
    ahead: list[Ahead]
    says: Annotated[str, "Why this one; or why nothing is offered"]


class Skip(TypedDict):
    """What was passed on, and until when it is not offered again."""

    number: int
    why: Skipped.Why
    until: datetime


TimeOfDay = Annotated[str, "By their own clock", Facts(pattern="^[0-2][0-9]:[0-5][0-9]$")]


class Habits(TypedDict):
    """What a reviewer knows, how many decisions a day they take, and when they rest."""

    skills: list[str]
    cap: int | None
    quiet_from: TimeOfDay | None
    quiet_until: TimeOfDay | None
    time_zone: Annotated[str, "A name of the IANA database"]


class Affiliation(TypedDict):
    """To which organisation an account's person belongs."""

    name: Name
    organisation: Annotated[str, "In lower case; empty for none"]


class Tie(TypedDict):
    """Evidence that two accounts may be one person's; it keeps them off each other's work."""

    number: int
    accounts: list[Name]
    kind: Literal["address", "rows"]
    says: str
    evidence: dict[str, Any]
    found_at: datetime
    dismissed_by: Name | None
    dismissed_because: str


class Bringing(Contribution):
    """The contribution as it stands, and the next item where it was asked for."""

    next: NotRequired[Annotated[Next, "What POST reviews/next gives; where it was asked for"]]


class Decided(Bringing):
    """The decision and the contribution as it stands after it."""

    decision: Decision


class DecisionProposed(Bringing):
    """The contribution as it stands, and the decision that waits for a second person."""

    proposal: Proposal


class DecisionAwaited(Bringing):
    """The contribution as it stands, in review, and what the stored verdict waits for."""

    awaits: Awaits
