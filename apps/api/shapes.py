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
from apps.reviews.models import Skip as Skipped
from apps.reviews.models import Verdict
from apps.rollouts.stages import Stage as RolloutStage
from apps.traces.stages import Stage as DeliveryStage

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


# (A name with a hyphen cannot stand in a class.)
_Limits = TypedDict(
    "_Limits",
    {"violated-policies": NotRequired[Annotated[list[str], "The limits that are used up"]]},
)


class Problem(_Limits):
    """A refusal as RFC 9457 has it; `type` can be opened and says what the code means."""

    type: Address
    title: str
    status: Annotated[int, Facts(minimum=400, maximum=599)]
    detail: Annotated[str, "One sentence that names the mend"]
    code: Annotated[str, "For programs; it never changes its meaning"]
    instance: str
    request_id: Annotated[str, "Name it when you report something"]
    errors: NotRequired[list[Fault]]
    now: NotRequired[Annotated[dict[str, Any], "The contribution as it stands, for the loser"]]
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
    mend: Annotated[str, "What to do about it"]


class ProblemKinds(TypedDict):
    """Every kind of problem."""

    items: list[ProblemKind]


class Leaving(TypedDict):
    """An address, or a field of its answers, that is going away."""

    route: str
    field: str | None
    since: datetime
    sunset: datetime
    use: Annotated[str, "What takes its place"]


class Versions(TypedDict):
    """The dated versions of this API, oldest first, and what is going away."""

    versions: list[str]
    default: str
    notice_days: int
    deprecated: list[Leaving]


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

    id: str
    number: int
    name: str
    prefix: Annotated[str, "How it begins, to know it again"]
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    last_used_from: Annotated[str | None, "The address of the caller"]


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


class TokenPattern(TypedDict):
    """What a token of ours looks like, for scanners of secrets."""

    type: str
    prefix: str
    pattern: Annotated[str, "A regular expression"]
    checksum: str
    revoke: Annotated[str, "Where to send one that was found", Facts(format="uri")]


class SentLeak(TypedDict):
    """A token that a scanner found, in the words of GitHub's secret scanning."""

    token: str
    type: NotRequired[str]
    url: NotRequired[str]
    source: NotRequired[str]


class SentLeaks(TypedDict):
    """Tokens that a scanner found."""

    tokens: list[SentLeak | str]


class Leaked(TypedDict):
    """Whether a token that was found is ours; if so, it has ended."""

    token_hash: Annotated[str, "SHA-256 of the token's text, in base 64"]
    token_type: str
    label: Literal["true_positive", "false_positive"]


class ArgillaEvent(TypedDict):
    """An event as Argilla's webhooks send it, signed as Standard Webhooks has it."""

    type: Annotated[str, "Responses are read (`response.created` …), other kinds are left alone"]
    version: NotRequired[int]
    timestamp: str
    data: dict[str, Any]


class RoleHeld(TypedDict):
    """The role that an account has now."""

    name: Name
    role: Role


class Proposal(TypedDict):
    """What waits for a second person, who agrees by sending the same request."""

    action: str
    terms: dict[str, Any]
    because: str
    by: Name
    at: datetime
    expires_at: datetime
    needs: str


class RoleProposed(RoleHeld):
    """The role that an account has, and the change of it that waits for a second person."""

    proposal: Proposal


class Service(TypedDict):
    """A service account as its owner sees it."""

    name: Name
    role: Role
    since: datetime


class Services(TypedDict):
    """One's own service accounts."""

    items: list[Service]


class NewService(Service):
    """The service account that was made, with its first token where one was asked for."""

    token: NotRequired[NewToken]


# -- Contributions --------------------------------------------------------------------------------


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


class Decided(Contribution):
    """The decision and the contribution as it stands after it."""

    decision: Decision
    next: NotRequired[Annotated[Next, "What POST reviews/next gives; where it was asked for"]]


class DecisionProposed(Contribution):
    """The contribution as it stands, and the decision that waits for a second person."""

    proposal: Proposal


# -- The queue ------------------------------------------------------------------------------------


class Claim(TypedDict):
    """Until when an item is held for a reviewer."""

    number: int
    by: Name
    until: datetime


class Factor(TypedDict):
    """One factor of a score."""

    name: Literal["demand", "votes", "cluster", "novelty", "fit", "age"]
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


# -- Several reviewers, second looks and samples ---------------------------------------------------


class Awaits(TypedDict):
    """What a stored verdict waits for; which way the others went is told when all are in."""

    given: Annotated[Count, "Verdicts that are in, this one among them"]
    of: Annotated[Count, "Verdicts that are opened together"]
    because: Annotated[
        list[Literal["override", "flagged", "newcomer", "protected", "overlap"]],
        "Why one verdict is not enough",
    ]
    adjudication: Annotated[bool, "Those who were asked differ; one more person decides"]
    needs: str


class DecisionAwaited(Contribution):
    """The contribution as it stands, in review, and what the stored verdict waits for."""

    awaits: Awaits


class Alpha(TypedDict):
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

    weeks: list[Alpha]
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


class Samples(TypedDict):
    """Every sample of a contribution, oldest first."""

    samples: list[Sample]


# -- What is sent ---------------------------------------------------------------------------------


class SentRow(TypedDict, total=False):
    """A row in any format that TRL trains on; which fields it needs depends on the kind.

    A row that cannot be kept is refused alone, with its place and its mend.
    """

    prompt: Annotated[Any, "The question: text, or a list of messages that ends with the user's"]
    completion: Annotated[Any, "The answer: text, or a list of messages"]
    chosen: Annotated[Any, "The better of two answers"]
    rejected: Annotated[Any, "The worse of two answers"]
    label: Annotated[Any, "true for a good answer, false for a bad one"]
    stars: Annotated[Any, "1 to 5, beside a label or instead of it: 4 and 5 are good, 1 and 2 bad"]
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

    items: list[Any]
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


# -- Builds and rollouts --------------------------------------------------------------------------


class Progress(TypedDict):
    """Steps of training."""

    done: Count
    total: Count


class Build(TypedDict):
    """A build as it stands in a list."""

    id: str
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
    """The build as it stands, and the override that waits for a second person."""

    proposal: Proposal


class HeldNow(TypedDict):
    """A contribution that is kept out of builds."""

    number: int
    held: Held


class Rollout(TypedDict):
    """A rollout as it stands in a list."""

    id: str
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

    id: str
    number: int
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
