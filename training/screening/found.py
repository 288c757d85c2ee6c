"""What goes into a screen and what comes out of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Literal, TypeAlias

Severity: TypeAlias = Literal["note", "flag", "quarantine"]
SEVERITIES: tuple[Severity, ...] = ("note", "flag", "quarantine")

Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"


@dataclass(frozen=True, slots=True)
class Row:
    """One contributed example; of a pair, `answer` was chosen and `other` rejected."""

    prompt: str
    answer: str
    kind: str = "sft"
    other: str = ""
    label: bool | None = None
    stars: int | None = None  # of 5; three say neither good nor bad
    source: str = ""  # how people call this row, such as "PR 12, row 3"

    @property
    def taught(self) -> str:
        """The answer that training would make likelier, or nothing for any but a thumb up."""
        return "" if self.kind == "rating" and not self.label else self.answer


@dataclass(frozen=True, slots=True)
class Found:
    """What one screen has to say: which rows (counted from 0), why, and how to mend it."""

    screen: str
    severity: Severity
    rows: tuple[int, ...]  # empty: the contribution as a whole
    message: str
    mend: str
    evidence: Mapping[str, Json] = field(default_factory=dict)

    def as_json(self) -> dict[str, Json]:
        """The same as plain values, ready for `json.dumps`."""
        return {**asdict(self), "rows": list(self.rows), "evidence": dict(self.evidence)}


def worst(findings: "list[Found]") -> Severity | None:
    """The gravest severity among the findings, or None where nothing was found."""
    return max((found.severity for found in findings), key=SEVERITIES.index, default=None)


def naming(rows: "tuple[int, ...] | list[int]", most: int = 5) -> str:
    """The rows as people count them: "row 3", "rows 1, 2 and 5", "rows 1, 2, 3 and 9 more"."""
    people = [str(row + 1) for row in rows]
    if len(people) == 1:
        return f"row {people[0]}"
    if len(people) > most:
        people = [*people[:most], f"{len(people) - most} more"]
    return f"rows {', '.join(people[:-1])} and {people[-1]}"
