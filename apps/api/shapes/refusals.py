"""What a refusal looks like."""

from __future__ import annotations

from typing import Annotated, Any, Literal, NotRequired, TypedDict

from apps.api.calls import Facts
from apps.api.shapes.base import Address, Count


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
