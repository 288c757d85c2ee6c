"""What can go wrong between here and the site; each error holds what its reader needs to act."""

from __future__ import annotations

from typing import Any

import msgspec


class OpenFlywheelError(Exception):
    """Base of every error of this package; its text is a sentence for a person."""


class NoSite(OpenFlywheelError):
    """Nobody has said which site, or the address is none."""


class Unreachable(OpenFlywheelError):
    """The site did not answer, however often it was asked."""


class NotTheSite(OpenFlywheelError):
    """Something answered that is not an OpenFlywheel site, or only half of an answer came."""


class OperationFailed(OpenFlywheelError):
    """Work that the site had taken on did not end well."""


class Fault(msgspec.Struct, frozen=True):
    """One thing to mend: where (JSON Pointer), what is wrong, and how to mend it."""

    pointer: str = ""
    code: str = ""
    detail: str = ""
    mend: str = ""


class Problem(msgspec.Struct, frozen=True):
    """What the site says when it refuses (RFC 9457, `application/problem+json`)."""

    status: int
    code: str = ""
    title: str = ""
    detail: str = ""
    type: str = ""
    instance: str = ""
    request_id: str = ""
    errors: list[Fault] = []


class Refused(OpenFlywheelError):
    """The site refused; `problem` holds everything it said, `body` the whole answer."""

    def __init__(self, problem: Problem, body: dict[str, Any] | None = None) -> None:
        super().__init__(problem.detail or problem.title or f"the answer was {problem.status}")
        self.problem, self.body = problem, body or {}

    @property
    def code(self) -> str:
        """The problem's code, for programs: `bad_token`, `nothing_usable` …"""
        return self.problem.code

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem.status

    @property
    def errors(self) -> list[Fault]:
        """Every single fault, each with its pointer and its mend."""
        return self.problem.errors

    @property
    def request_id(self) -> str:
        """The id under which the site has logged this request."""
        return self.problem.request_id


class SignInNeeded(Refused):
    """There is no token, or it has ended (401)."""


class NotAllowed(Refused):
    """Neither this account nor this token may do it (403)."""


class NotFound(Refused):
    """There is no such thing that you may see (404)."""


class Conflict(Refused):
    """It no longer stands as you read it, or is under way already (409, 412)."""


class BadRequest(Refused):
    """The request itself needs mending (other 4xx)."""


class TooMany(Refused):
    """More than the site takes from you now (429)."""


class SiteFailed(Refused):
    """Something broke on the site's side (5xx)."""


BY_STATUS: dict[int, type[Refused]] = {
    401: SignInNeeded,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    412: Conflict,
    429: TooMany,
}


def refusal(problem: Problem, body: dict[str, Any] | None = None) -> Refused:
    """The error for a problem."""
    if problem.status >= 500:
        return SiteFailed(problem, body)
    return BY_STATUS.get(problem.status, BadRequest)(problem, body)
