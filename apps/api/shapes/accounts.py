"""Accounts, tokens, services and roles."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from apps.accounts.models import Role, Scope
from apps.api.calls import Facts
from apps.api.shapes.base import Name


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
