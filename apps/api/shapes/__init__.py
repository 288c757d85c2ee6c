"""The shape of every answer, declared once: the OpenAPI document is made of these types.

A class is a component of the document under its own name, its docstring the description. What
`apps.api.answers` returns is held against them by the tests: a field that is missing here, or
there, fails. Write `Annotated[str, "what it means"]` where the name does not say it.
"""

from apps.api.shapes.accounts import (
    Account,
    Caller,
    Leaked,
    NewAccount,
    NewService,
    NewToken,
    Proposal,
    RoleHeld,
    RoleProposed,
    SentLeak,
    SentLeaks,
    Service,
    Services,
    Token,
    TokenPattern,
    Tokens,
)
from apps.api.shapes.agreement import (
    Agreement,
    Appeal,
    Audit,
    JudgedRow,
    Opinion,
    Overturned,
    Rounds,
    Sample,
    SampleLook,
    SamplePlan,
    SamplesTaken,
    WeeklyAlpha,
)
from apps.api.shapes.base import Address, Count, Digest, Exported, Name, Percent, TraceId
from apps.api.shapes.builds import (
    Build,
    BuildPage,
    Entry,
    HeldNow,
    Look,
    OverrideProposed,
    Progress,
    Rollout,
    RolloutPage,
)
from apps.api.shapes.community import Contributor, Event, Leaderboard, Subject, WeeklyCounts
from apps.api.shapes.contributions import (
    ActsNext,
    AskedRow,
    Awaits,
    Batch,
    BulkCounts,
    BulkExamined,
    BulkStored,
    Comment,
    Contribution,
    ContributionPage,
    Decision,
    Evidence,
    Examined,
    Finding,
    Held,
    Hop,
    KeptCase,
    Life,
    ListedContribution,
    Offered,
    Person,
    Promise,
    RefusedBatch,
    RefusedRow,
    Revision,
    Row,
    RowCounts,
    RowVerdict,
    Said,
    Turn,
)
from apps.api.shapes.feedback import (
    FeedbackExamined,
    FeedbackStored,
    FeedbackVerdict,
    Judged,
    Operation,
    OperationLinks,
    OutcomeCounts,
    OutcomeVerdict,
    Pair,
    SentFeedback,
    SentJudgement,
    SentJudgements,
    SentOutcome,
    StandingTerms,
    TermsHeld,
    Unstored,
)
from apps.api.shapes.news import (
    ArgillaEvent,
    Delivery,
    Followed,
    KeyedWebhook,
    Marked,
    Notice,
    Webhook,
)
from apps.api.shapes.queue import (
    Affiliation,
    Ahead,
    Claim,
    Decided,
    DecisionAwaited,
    DecisionProposed,
    Factor,
    Habits,
    Next,
    Score,
    Skip,
    Tie,
    TimeOfDay,
)
from apps.api.shapes.refusals import Fault, Problem, _Limits
from apps.api.shapes.sent import SentBulk, SentLine, SentRow
from apps.api.shapes.site import (
    DatedVersions,
    Described,
    Directory,
    Leaving,
    ProblemKind,
    ProblemKinds,
    Skill,
    Skills,
)
