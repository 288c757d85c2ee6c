"""The shape of every answer, declared once: the OpenAPI document is made of these types.

A class is a component of the document under its own name, its docstring the description. What
`apps.api.answers` returns is held against them by the tests: a field that is missing here, or
there, fails. Write `Annotated[str, "what it means"]` where the name does not say it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from apps.accounts.models import Role, Scope
from apps.api.calls import Facts
from apps.builds.models import Verdict as BuildVerdict
from apps.builds.stages import Stage as BuildStage
from apps.checks.models import Severity
from apps.contributions.models import Consent, Kind, Licence
from apps.contributions.stages import Stage
from apps.reviews.models import Verdict
from apps.rollouts.stages import Stage as RolloutStage

Name = Annotated[str, Facts(minLength=1)]
Digest = Annotated[str, "SHA-256, in hexadecimal", Facts(pattern="^([0-9a-f]{64})?$")]
Address = Annotated[str, Facts(format="uri")]
Count = Annotated[int, Facts(minimum=0)]
Percent = Annotated[int, Facts(minimum=0, maximum=100)]
TraceId = Annotated[str, "As it came with the answer", Facts(pattern="^tr_[0-9]+$")]


# A file as it streams: lines of JSON, Parquet, or a zip.
Exported = Annotated[str, "The rows, in the form that was asked for", Facts(format="binary")]


# -- Refusals -------------------------------------------------------------------------------------


class Fault(TypedDict):
    """One thing that needs mending."""

    pointer: Annotated[str, "Where in the body, as a JSON Pointer (RFC 6901)"]
    code: str
    detail: str
    mend: NotRequired[Annotated[str, "What to do about it"]]
    row: NotRequired[Count]
    verdict: NotRequired[Literal["refused"]]


class Problem(TypedDict):
    """A refusal as RFC 9457 has it; `type` can be opened and says what the code means."""

    type: Address
    title: str
    status: Annotated[int, Facts(minimum=400, maximum=599)]
    detail: Annotated[str, "One sentence that names the mend"]
    code: Annotated[str, "For programs; it never changes its meaning"]
    instance: str
    request_id: Annotated[str, "Name it when you report something"]
    errors: NotRequired[list[Fault]]
    counts: NotRequired[Annotated[dict[str, Any], "What was stored before a stream broke"]]
    contributions: NotRequired[list[dict[str, Any]]]
    rows: NotRequired[list[dict[str, Any]]]


# -- The front door -------------------------------------------------------------------------------


class Described(TypedDict):
    """An address and what it does."""

    address: str
    does: str


class Addresses(TypedDict):
    """Every address of this API."""

    addresses: list[Described]


class ProblemKind(TypedDict):
    """What the code of a problem means."""

    code: str
    status: int
    title: str


class Skill(TypedDict):
    """What the model should be good at."""

    name: Name
    title: str
    description: str
    protected: Annotated[bool, "A version that is worse here never goes out"]
    margin: Annotated[float, "How much worse it may be measured before that is a loss"]


class Skills(TypedDict):
    """The skills of the model line."""

    line: Name
    items: list[Skill]


# -- Accounts -------------------------------------------------------------------------------------


class Token(TypedDict):
    """A token; its text is shown only by the answer that made it."""

    id: int
    name: str
    prefix: Annotated[str, "How it begins, to know it again"]
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None


class NewToken(Token):
    """A token with its text, which is never shown again."""

    token: Annotated[str, Facts(pattern="^ofw_pat_")]


class Account(TypedDict):
    """A person as they see themselves."""

    name: Name
    role: Role
    email: str


class NewAccount(Account):
    """The account that was made, with its first token where one was asked for."""

    token: NotRequired[NewToken]


class Caller(Account):
    """Who is calling, what their role allows, and by which token."""

    scopes_possible: list[Scope]
    token: NotRequired[Token]


class Tokens(TypedDict):
    """One's own tokens, newest first."""

    items: list[Token]


class Proposal(TypedDict):
    """What waits for a second person; they agree by sending the same request."""

    action: str
    terms: Annotated[dict[str, Any], "What exactly is to be done; the second must say the same"]
    because: str
    by: Name
    at: datetime
    expires_at: datetime
    needs: str


class RoleHeld(TypedDict):
    """The role that an account has now."""

    name: Name
    role: Role


class RoleProposed(RoleHeld):
    """The role that it still has, and what waits for a second person."""

    proposal: Proposal


class Service(TypedDict):
    """A service account as its owner sees it."""

    name: Name
    role: Role
    since: datetime


class NewService(Service):
    """The service account that was made, with its first token where one was asked for."""

    token: NotRequired[NewToken]


class Services(TypedDict):
    """One's own service accounts, by name."""

    items: list[Service]


# -- Contributions --------------------------------------------------------------------------------


class Turn(TypedDict):
    """One message of a conversation."""

    role: str
    content: str


class ActsNext(TypedDict):
    """Whose turn it is, and what they do."""

    who: str
    what: str


class Contribution(TypedDict):
    """A contribution as it stands in a list."""

    number: int
    url: Address
    page: Address
    title: str
    kind: Kind
    skill: str | None
    author: Name
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

    id: int
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

    id: int
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

    id: int
    author: Name
    text: str
    at: datetime


class ContributionPage(Contribution):
    """A contribution with everything that was found, said and decided about it."""

    description: str
    signed_off: bool
    source: str
    rows_url: Annotated[str, Facts(format="uri")] | None
    held: Held | None
    findings: list[Finding]
    decisions: list[Decision]
    revisions: list[Revision]
    comments: list[Comment]


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
    trace: NotRequired[TraceId]
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


class Decided(Contribution):
    """The decision and the contribution as it stands after it."""

    decision: Decision


class ReleaseProposed(Contribution):
    """The contribution as it stands, and what waits for a second person."""

    proposal: Proposal


class SentRow(TypedDict, total=False):
    """A row in any format that TRL trains on; which fields it needs depends on the kind.

    A row that cannot be kept is refused alone, with its place and its mend.
    """

    prompt: Annotated[Any, "The question: text, or a list of messages that ends with the user's"]
    completion: Annotated[Any, "The answer: text, or a list of messages"]
    chosen: Annotated[Any, "The better of two answers"]
    rejected: Annotated[Any, "The worse of two answers"]
    label: Annotated[Any, "true for a good answer, false for a bad one"]
    original: Annotated[Any, "The answer that `completion` corrects"]
    messages: Annotated[Any, "A whole conversation instead of prompt and completion"]
    instruction: Annotated[Any, "With `input` and `output`, instead of prompt and completion"]
    skill: Annotated[Any, "The name of a skill; by default the contribution's"]
    trace: Annotated[Any, "The id of the answer that this is about"]
    client_id: Annotated[Any, "Your own name for the row, up to 80 characters"]


class SentLine(SentRow, total=False):
    """A row with what it says of its contribution; one contribution is made for each batch."""

    batch: Annotated[Any, "Rows of one batch stand together"]
    kind: Any
    title: Any
    description: Any
    licence: Any
    consent: Any
    signed_off: Any


class SentBulk(TypedDict):
    """Rows, and beside them what holds for all that do not say it themselves."""

    items: list[Any]
    batch: NotRequired[str]
    kind: NotRequired[Kind]
    title: NotRequired[str]
    description: NotRequired[str]
    licence: NotRequired[Licence]
    consent: NotRequired[Consent]
    signed_off: NotRequired[bool]
    skill: NotRequired[str]


# -- Feedback -------------------------------------------------------------------------------------


class SentOutcome(TypedDict):
    """How an answer turned out."""

    trace: TraceId
    success: bool
    rating: NotRequired[Annotated[int, Facts(minimum=1, maximum=5)] | None]
    client_id: NotRequired[str]


class SentOutcomes(TypedDict):
    """Outcomes of answers; each is judged alone."""

    items: list[Any]


class SentJudgement(TypedDict):
    """What a judge says of both answers of a pair."""

    pair: TraceId
    a_success: bool
    b_success: bool


class SentJudgements(TypedDict):
    """Judgements of pairs; each is taken or refused alone."""

    items: list[Any]


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


# -- Builds and rollouts --------------------------------------------------------------------------


class Progress(TypedDict):
    """Steps of training."""

    done: Count
    total: Count


class Build(TypedDict):
    """A build as it stands in a list."""

    number: int
    stage: BuildStage
    reason: str
    row_count: Count
    progress: Progress
    adapter: str | None
    digest: Digest | None
    verdict: BuildVerdict | None
    verdict_reasons: list[str]
    overridden_by: str | None
    overridden_because: str
    created_at: datetime
    ended_at: datetime | None
    shipped_at: datetime | None


class Entry(TypedDict):
    """A contribution in a build's manifest: which revision, with which content."""

    contribution: int
    revision: int
    digest: Digest
    row_count: Count


class BuildPage(Build):
    """A build with its manifest and its comparison."""

    asked_by: str | None
    live_digest: str
    contributions: list[Entry]
    report: dict[str, Any]


class OverrideProposed(BuildPage):
    """The build as it stands, and what waits for a second person."""

    proposal: Proposal


class HeldNow(TypedDict):
    """A contribution that is kept out of builds."""

    number: int
    held: Held


class Rollout(TypedDict):
    """A rollout as it stands in a list."""

    number: int
    channel: str
    candidate: str
    incumbent: str
    build: int | None
    stage: RolloutStage
    percent: Percent
    reason: str
    created_at: datetime
    ended_at: datetime | None


class Look(TypedDict):
    """One look of the gates at the numbers."""

    at: datetime
    stage: RolloutStage
    percent: Percent
    requests: Count
    judged: Count
    decision: str
    reason: str
    statistics: dict[str, Any]


class RolloutPage(Rollout):
    """A rollout with its criteria, its running statistics and every look of the gates."""

    started_by: str | None
    requests: Count
    criteria: dict[str, Any]
    statistics: dict[str, Any]
    looks: list[Look]


# -- What everybody may see -----------------------------------------------------------------------


class Week(TypedDict):
    """The counts of one week."""

    week: datetime
    submitted: Count
    accepted: Count
    shipped: Count


class Contributor(TypedDict):
    """A line of the leaderboard."""

    name: Name
    submitted: Count
    accepted: Count
    shipped: Count


class Leaderboard(TypedDict):
    """Counts by week and by person; latencies are seconds from submission to served."""

    weeks: list[Week]
    contributors: list[Contributor]
    submitted: Count
    accepted: Count
    shipped: Count
    latency_p50: float | None
    latency_p90: float | None


class Subject(TypedDict):
    """What an event is about."""

    kind: str
    id: int


class Event(TypedDict):
    """A line of the record with everything that its digest covers."""

    id: int
    subject: Subject
    verb: str
    left: str
    entered: str
    actor: str
    account: int | None
    because: str
    details: dict[str, Any]
    at: datetime
    previous: Digest
    digest: Digest


# -- News -----------------------------------------------------------------------------------------


class Notice(TypedDict):
    """A line of the inbox."""

    number: int
    text: str
    type: str
    contribution: int
    event: int
    reason: str
    at: datetime
    read_at: datetime | None
    done_at: datetime | None
    saved: bool


class Marked(TypedDict):
    """How many lines of the inbox were changed."""

    changed: Count


class Followed(TypedDict):
    """Whether a PR is followed or muted now."""

    number: int
    muted: bool


class Webhook(TypedDict):
    """An address that is told of events; its key is shown only when it is made."""

    id: str
    number: int
    url: str
    wants: list[str]
    own_only: bool
    algorithm: Literal["v1", "v1a"]
    created_at: datetime
    failing_since: datetime | None
    disabled_at: datetime | None
    disabled_because: str


class KeyedWebhook(Webhook):
    """A webhook with its new key, which is never shown again."""

    key: Annotated[str, Facts(pattern="^wh(sec|pk)_")]


class Delivery(TypedDict):
    """One message to one webhook, and how its last try went."""

    id: str
    number: int
    message: str
    type: str
    body: dict[str, Any]
    created_at: datetime
    tries: Count
    status: int | None
    answer: str
    delivered_at: datetime | None
    next_try_at: datetime | None
