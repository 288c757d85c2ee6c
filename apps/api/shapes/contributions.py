"""PRs with their rows, revisions and lives."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from apps.accounts.models import Role
from apps.api.calls import Facts
from apps.api.shapes.base import Address, Count, Digest, Name, TraceId
from apps.checks.models import Severity
from apps.contributions.models import Consent, Kind, Licence
from apps.contributions.stages import Stage
from apps.reviews.models import Verdict


class Awaits(TypedDict):
    """What a stored verdict waits for; which way the others went is told when all are in."""

    given: Annotated[Count, "Verdicts of reviewers that are in, this one among them"]
    of: Annotated[Count, "Verdicts that are opened together"]
    because: Annotated[
        list[Literal["override", "flagged", "newcomer", "protected", "overlap"]],
        "Why one verdict is not enough",
    ]
    adjudication: Annotated[bool, "Those who were asked differ; one more person decides"]
    halves: Annotated[Count, "Half voices of trusted contributors that are in"]
    needs: str


class Turn(TypedDict):
    """One message of a conversation."""

    role: str
    content: str


class ActsNext(TypedDict):
    """Whose turn it is, and what they do."""

    who: str
    what: str


class Person(TypedDict):
    """An account as everybody sees it."""

    name: Name
    role: Role
    joined_at: datetime


class Contribution(TypedDict):
    """A contribution in short."""

    id: str
    number: int
    url: Address
    page: Address
    title: str
    kind: Kind
    skill: str | None
    author: Annotated[Name | Person, "The name; the person where `expand` asks for it"]
    stage: Stage
    acts_next: ActsNext
    licence: Licence
    consent: Consent
    revision: Annotated[int, Facts(minimum=1)]
    digest: Digest
    row_count: Count
    created_at: datetime
    submitted_at: datetime | None
    batch: NotRequired[Annotated[str, "The sender's own name for it; shown to the sender alone"]]


class Held(TypedDict):
    """Why an accepted contribution is kept out of builds."""

    by: Name
    because: str
    since: datetime


class Finding(TypedDict):
    """What a screen found; words that can quote rows are shown to whom may see the rows."""

    id: str
    number: int
    screen: str
    severity: Severity
    dismissed: bool
    dismissed_because: str
    rows: NotRequired[list[Count]]
    message: NotRequired[str]
    mend: NotRequired[str]
    evidence: NotRequired[dict[str, Any]]


class Decision(TypedDict):
    """One person's verdict."""

    id: str
    number: int
    reviewer: Name
    verdict: Verdict
    because: str
    revision: int
    digest: Digest
    override: bool
    at: datetime


class RefusedRow(TypedDict):
    """A row that could not be kept, and how to mend it."""

    row: Count
    code: str
    pointer: str
    detail: str
    mend: str


class Revision(TypedDict):
    """A version of the rows, and what could not be kept of it."""

    number: int
    digest: Digest
    note: str
    at: datetime
    refused_count: Count
    refused: NotRequired[list[RefusedRow]]


class Comment(TypedDict):
    """A line of the discussion."""

    id: str
    number: int
    author: Name
    text: str
    at: datetime


class ListedContribution(Contribution):
    """A contribution as it stands in a list, with what `expand` asks for."""

    checks: NotRequired[list[Finding]]
    decisions: NotRequired[list[Decision]]


class Promise(TypedDict):
    """By when whoever acts next has acted, and what that rests on."""

    by: datetime
    seconds: Annotated[int, "From when it came to where it stands"]
    measured: Annotated[bool, "From stays of the last weeks; else what was promised in writing"]
    full: Annotated[bool, "More comes than can be answered"]
    held_back: Annotated[bool, "It waits behind others until the desk has room"]
    says: str


class ContributionPage(Contribution):
    """A contribution with everything that was found, said and decided about it."""

    answer: Promise | None

    checks: NotRequired[Annotated[list[Finding], "Where `expand` asks for them"]]
    description: str
    signed_off: bool
    source: str
    rows_url: Annotated[str, Facts(format="uri")] | None
    held: Held | None
    findings: list[Finding]
    decisions: list[Decision]
    awaits: Annotated[Awaits | None, "Of a review by several, while it is open"]
    revisions: list[Revision]
    comments: Annotated[list[Comment], "The latest 50, oldest first"]
    comments_next: Annotated[
        Annotated[str, Facts(format="uri")] | None, "A page of those before them, newest first"
    ]


class Row(TypedDict):
    """A row with the fields that it has, under the names that TRL reads."""

    position: Count
    skill: str | None
    prompt: str
    context: NotRequired[list[Turn]]
    completion: NotRequired[str]
    chosen: NotRequired[str]
    rejected: NotRequired[str]
    original: NotRequired[str]
    client_id: NotRequired[str]
    label: NotRequired[bool]
    stars: NotRequired[Annotated[int, Facts(minimum=1, maximum=5)]]
    trace: NotRequired[TraceId]
    feedback: NotRequired[Annotated[str, "The feedback that it was made of"]]
    digest: Digest


class RowVerdict(TypedDict):
    """What became of one row, by its place (0-based) in what was sent."""

    row: Count
    verdict: Literal["stored", "would be stored", "duplicate", "refused"]
    position: NotRequired[Annotated[int, "Its place in what was kept"]]
    contribution: NotRequired[int | None]
    code: NotRequired[str]
    pointer: NotRequired[str]
    detail: NotRequired[str]
    mend: NotRequired[str]


class RowCounts(TypedDict):
    """How many rows were kept, and how many were not."""

    stored: Count
    refused: Count


class Offered(Contribution):
    """The stored contribution with a verdict for every row that was sent."""

    answer: Annotated[Promise, "What to expect until a person answers"]
    counts: RowCounts
    rows: list[RowVerdict]


class Examined(TypedDict):
    """What would be stored; nothing was."""

    dry_run: Literal[True]
    counts: RowCounts
    rows: list[RowVerdict]


class BulkCounts(TypedDict):
    """What became of all rows of a stream."""

    rows: Count
    stored: Count
    duplicate: Count
    refused: Count
    contributions: Count


class Batch(Contribution):
    """A batch that was stored, now or by an earlier request."""

    stored: Count
    refused: Count
    repeated: bool


class RefusedBatch(TypedDict):
    """A batch of which nothing was stored, and why (a dry run stores nothing, for no reason)."""

    batch: str
    number: None
    stored: Count
    refused: Count
    detail: str | None


class BulkStored(TypedDict):
    """Every batch and every row of a stream."""

    counts: BulkCounts
    contributions: list[Batch | RefusedBatch]
    rows: list[RowVerdict]


class BulkExamined(BulkStored):
    """What would be stored; nothing was."""

    dry_run: Literal[True]


class Hop(TypedDict):
    """One station of a contribution's life."""

    kind: str
    id: str
    at: datetime | None
    title: str
    because: str
    facts: dict[str, Any]


class Life(TypedDict):
    """Every station of a contribution's life so far, oldest first."""

    number: int
    hops: list[Hop]


class Said(TypedDict):
    """What one model says to one question."""

    text: str
    right: bool
    likely: Annotated[float, "Sum of log-probabilities (nats) of the wanted answer"]
    rejected: NotRequired[Annotated[float, "The same for the worse answer of a pair"]]


class AskedRow(TypedDict):
    """A row of the PR, asked of the live model and of the preview."""

    row: Annotated[int, "Position, from 0"]
    live: Said
    preview: NotRequired[Said]


class KeptCase(TypedDict):
    """A trusted question near the rows, asked of both."""

    skill: str
    prompt: str
    expected: str
    live: Said
    preview: Said


class Evidence(TypedDict):
    """What the rows would do to the live model: a preview, and no promise of what a build scores.

    Counts are null until they are known, and where nothing may be learned from the rows.
    """

    number: int
    preview: Annotated[bool, "Always true: a micro-adapter was measured, and not a build"]
    state: Annotated[
        Literal[
            "waiting",
            "asking",
            "learning",
            "measured",
            "failed",
            "revert",
            "consent",
            "set_aside",
            "not_yet",
            "over",
            "off",
        ],
        "The last six say why nothing is measured",
    ]
    reason: str
    revision: int | None
    version: Annotated[str | None, "The live version that was asked; empty for the base model"]
    current: Annotated[bool, "Whether that version is live now"]
    asked: int | None
    failing: Annotated[int | None, "Asked rows that come out wrong with the live model"]
    fixed: Annotated[int | None, "Of these, how many come out right with the preview"]
    spoiled: Annotated[int | None, "Rows that only the preview gets wrong"]
    cases: Annotated[int | None, "Trusted questions near the rows that the live model knows"]
    broken: Annotated[int | None, "Of these, how many the preview gets wrong"]
    measured_at: datetime | None
    rows: Annotated[list[AskedRow], "Empty where the rows are not for everybody"]
    kept: Annotated[list[KeptCase], "Empty where the rows are not for everybody"]
