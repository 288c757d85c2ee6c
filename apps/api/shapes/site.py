"""The front door: addresses, problems, versions, skills."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, TypedDict

from apps.api.shapes.base import Name


class Described(TypedDict):
    """An address and what it does."""

    address: str
    does: str


class Directory(TypedDict):
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


class DatedVersions(TypedDict):
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
