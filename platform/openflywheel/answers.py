"""What the site answers, typed. Fields that a later site adds are passed over."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

Item = TypeVar("Item")


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything that the site answers."""


class Token(Answer, frozen=True):
    """A token; its text stands only in the answer that made it."""

    id: int | str
    name: str
    prefix: str
    scopes: list[str]
    expires_at: datetime
    created_at: datetime
    last_used_at: datetime | None = None
    token: str = ""


class Account(Answer, frozen=True):
    """Who is calling (and, just after signing up, the first token)."""

    name: str
    role: str
    email: str = ""
    scopes_possible: list[str] = []
    token: Token | None = None


class Skill(Answer, frozen=True):
    """What the model should be good at."""

    name: str
    title: str = ""
    description: str = ""
    protected: bool = False


class Skills(Answer, frozen=True):
    """The skills of the site's model line."""

    line: str
    items: list[Skill]


class Turn(Answer, frozen=True):
    """Whose turn it is, and what they do."""

    who: str
    what: str


class Contribution(Answer, frozen=True):
    """A PR as it stands in a list."""

    number: int
    title: str
    kind: str
    stage: str
    author: str
    licence: str
    consent: str
    url: str = ""
    page: str = ""
    skill: str | None = None
    acts_next: Turn | None = None
    revision: int = 1
    digest: str = ""
    row_count: int = 0
    created_at: datetime | None = None
    submitted_at: datetime | None = None
    batch: str = ""


class Finding(Answer, frozen=True):
    """What a screen found; the words are there for those who may see the rows."""

    screen: str
    severity: str
    message: str = ""
    mend: str = ""
    rows: list[int] = []
    dismissed: bool = False


class Decision(Answer, frozen=True):
    """One person's verdict."""

    reviewer: str
    verdict: str
    because: str = ""
    at: datetime | None = None


class Comment(Answer, frozen=True):
    """A line of the discussion."""

    author: str
    text: str
    at: datetime | None = None


class ContributionPage(Contribution, frozen=True):
    """A PR with what was found, said and decided; `comments` are the latest, oldest first."""

    description: str = ""
    findings: list[Finding] = []
    decisions: list[Decision] = []
    comments: list[Comment] = []
    comments_next: str | None = None


class Hop(Answer, frozen=True):
    """One station of a PR's life."""

    kind: str
    title: str
    id: int | str | None = None
    at: datetime | None = None
    because: str = ""
    facts: Any = None


class Life(Answer, frozen=True):
    """Every station of a PR, from submission to the answers it led to."""

    number: int
    hops: list[Hop]


class Turned(Answer, frozen=True):
    """One turn of a conversation."""

    role: str
    content: str


class Row(Answer, omit_defaults=True, frozen=True):
    """A row of a PR with the fields that it has."""

    prompt: str
    context: list[Turned] = []
    completion: str = ""
    chosen: str = ""
    rejected: str = ""
    label: bool | None = None
    stars: int | None = None
    original: str = ""
    skill: str | None = None
    client_id: str = ""
    trace: str = ""
    position: int | None = None
    digest: str = ""


class Page(Answer, Generic[Item], frozen=True):
    """One page of a list; `next` is the address of the following one."""

    items: list[Item]
    next: str | None = None


class Counts(Answer, frozen=True):
    """How many rows met which verdict."""

    rows: int = 0
    stored: int = 0
    duplicate: int = 0
    refused: int = 0


class Verdict(Answer, omit_defaults=True, frozen=True):
    """What became of one row, by its place in what was sent (0-based)."""

    row: int
    verdict: str
    code: str = ""
    pointer: str = ""
    detail: str = ""
    mend: str = ""
    contribution: int | str | None = None
    id: str = ""
    of: str = ""


class Feedback(Answer, frozen=True):
    """What became of some feedback; `rows` holds the verdicts that the site gives."""

    counts: Counts = Counts()
    rows: list[Verdict] = []

    def and_(self, more: Feedback) -> Feedback:
        """This and what became of the rows that were sent after it."""
        added = {
            name: getattr(self.counts, name) + getattr(more.counts, name)
            for name in Counts.__struct_fields__
        }
        later = [
            msgspec.structs.replace(verdict, row=verdict.row + self.counts.rows)
            for verdict in more.rows
        ]
        return Feedback(counts=Counts(**added), rows=[*self.rows, *later])


class Delivered(Feedback, frozen=True):
    """The answer to rows of feedback: their verdicts, or the operation that stores them later."""

    id: str = ""
    stage: str = ""
    done: bool | None = None
    fault: str | None = None


class Batch(Answer, frozen=True):
    """What became of one batch of a bulk request."""

    number: int | None = None
    batch: str = ""
    stored: int = 0
    refused: int = 0
    detail: str | None = None


class Offered(Answer, frozen=True):
    """What became of a bulk request."""

    counts: Counts = Counts()
    contributions: list[Batch] = []
    rows: list[Verdict] = []
