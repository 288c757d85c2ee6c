"""Outcomes, deliveries, operations and blind pairs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from apps.api.calls import Facts
from apps.api.shapes.base import Count, TraceId
from apps.api.shapes.contributions import Turn
from apps.contributions.models import Consent, Licence
from apps.traces.stages import Stage as DeliveryStage


class SentOutcome(TypedDict, total=False):
    """How an answer turned out: one of ours, by `trace`, or one that the row brings along.

    A row that cannot be kept is refused alone, with its place and its mend.
    """

    trace: Annotated[Any, "The id of our answer"]
    prompt: Annotated[Any, "The question, where the answer was given elsewhere"]
    messages: Annotated[Any, "A conversation in the place of `prompt`"]
    answer: Annotated[Any, "The answer that was given elsewhere"]
    correction: Annotated[Any, "What the answer should have been"]
    success: Annotated[Any, "true or false: whether the answer was good"]
    rating: Annotated[Any, "1 to 5"]
    skill: Annotated[Any, "The name of a skill"]
    source: Annotated[Any, "Where the feedback comes from"]
    client_id: Annotated[Any, "Your own name for the row, up to 80 characters"]
    at: Annotated[Any, "When it was said (RFC 3339)"]


class SentFeedback(TypedDict):
    """Rows of feedback, and beside them what holds for all; each row is judged alone."""

    items: list[SentOutcome]
    source: NotRequired[str]
    skill: NotRequired[str | None]
    licence: NotRequired[Licence]
    consent: NotRequired[Consent]
    signed_off: NotRequired[bool]


class StandingTerms(TypedDict):
    """The terms for whatever one sends; null where one gave none."""

    licence: Licence | None
    consent: Consent | None


class TermsHeld(TypedDict):
    """Under which terms rows are taken."""

    licence: Licence
    consent: Consent


class SentJudgement(TypedDict):
    """What a judge says of both answers of a pair."""

    pair: TraceId
    a_success: bool
    b_success: bool


class SentJudgements(TypedDict):
    """Judgements of pairs; each is taken or refused alone."""

    items: list[SentJudgement]


class OutcomeVerdict(TypedDict):
    """What became of one row, by its place (0-based) in what was sent."""

    row: Count
    verdict: Literal["stored", "duplicate", "refused"]
    code: NotRequired[str]
    pointer: NotRequired[str]
    detail: NotRequired[str]
    mend: NotRequired[str]


class OutcomeCounts(TypedDict):
    """What became of all rows."""

    rows: Count
    stored: Count
    duplicate: Count
    refused: Count


# (`as` is a word of Python's own, so that it cannot stand in a class.)
_Used = TypedDict(
    "_Used",
    {
        "as": NotRequired[
            Annotated[
                Literal["contribution", "signal"], "Whether it becomes part of a PR, or only counts"
            ]
        ]
    },
)


class FeedbackVerdict(_Used):
    """What became of one row of feedback, by its place (0-based) in what was sent."""

    row: Count
    verdict: Literal["stored", "duplicate", "refused"]
    id: NotRequired[Annotated[str, Facts(pattern="^fb_[0-9]+$")]]
    of: NotRequired[Annotated[str, "What it repeats"]]
    code: NotRequired[str]
    pointer: NotRequired[str]
    detail: NotRequired[str]
    mend: NotRequired[str]


class Unstored(TypedDict):
    """A row of a large delivery that was not stored."""

    row: Count
    verdict: Literal["duplicate", "refused"]
    of: NotRequired[Annotated[str, "What it repeats"]]
    code: NotRequired[str]
    pointer: NotRequired[str]
    detail: NotRequired[str]
    mend: NotRequired[str]


class FeedbackExamined(TypedDict):
    """What would be stored, with the verdicts of rows that would not; nothing was stored."""

    dry_run: Literal[True]
    counts: OutcomeCounts
    rows: list[FeedbackVerdict]


class FeedbackStored(TypedDict):
    """A verdict for every row, and the counts."""

    counts: OutcomeCounts
    rows: list[FeedbackVerdict]
    delivery: Annotated[str, Facts(pattern="^op_[0-9]+$")]
    terms: TermsHeld | None
    note: NotRequired[str]


class OperationLinks(TypedDict):
    """Where an operation is shown, and the rows that were not stored."""

    self: str
    rows: str


class Operation(TypedDict):
    """A delivery that is stored after its answer, and how far it is."""

    id: Annotated[str, Facts(pattern="^op_[0-9]+$")]
    stage: DeliveryStage
    done: bool
    progress: Annotated[float, Facts(minimum=0, maximum=1)]
    bytes: Count
    counts: OutcomeCounts
    terms: TermsHeld | None
    fault: Annotated[str | None, "Why it ended before its last row"]
    received_at: datetime
    ended_at: datetime | None
    links: OperationLinks


class Judged(TypedDict):
    """A verdict for every row, and the counts."""

    counts: OutcomeCounts
    rows: list[OutcomeVerdict]


class Pair(TypedDict):
    """Two answers to one request; which of them is the candidate's is not said."""

    pair: TraceId
    skill: str | None
    messages: list[Turn]
    a: str
    b: str
