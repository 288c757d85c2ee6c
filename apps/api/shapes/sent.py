"""What a client sends in bulk."""

from __future__ import annotations

from typing import Annotated, Any, NotRequired, TypedDict

from apps.contributions.models import Consent, Kind, Licence


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

    items: list[SentLine]
    batch: NotRequired[str]
    kind: NotRequired[Kind]
    title: NotRequired[str]
    description: NotRequired[str]
    licence: NotRequired[Licence]
    consent: NotRequired[Consent]
    signed_off: NotRequired[bool]
    skill: NotRequired[str]
