"""How the simulated reviewers decide: by what the screens found, then by reading every row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flywheel.demo.client import Person
from flywheel.demo.offers import Truth

# Findings for which a reviewer sends a PR away without reading on, with the reason they give.
HOPELESS = {
    "licence": "This licence does not let us train on it; send it again under one we can take.",
    "noise": "These rows are not language; send real questions with their answers.",
    "duplicates": "These rows were sent before; thank you all the same.",
}


def decide(reviewers: Sequence[Person], number: int, truth: Truth) -> None:
    """Read a PR over the API and give verdicts with their reasons, as many as are asked for."""
    for reviewer in reviewers:
        pr = reviewer.get(f"contributions/{number}")
        rows = reviewer.every(f"contributions/{number}/rows")
        verdict, because = judge(pr, rows, truth)
        answer = reviewer.post(
            f"contributions/{number}/decision",
            {"verdict": verdict, "because": because, "digest": pr["digest"]},
        )
        if "awaits" not in answer:
            return


def judge(pr: dict[str, Any], rows: list[dict[str, Any]], truth: Truth) -> tuple[str, str]:
    """The verdict (accept, changes or reject) and its reason."""
    flagged = [found["screen"] for found in pr["findings"] if found["severity"] == "flag"]
    for screen in flagged:
        if screen in HOPELESS:
            return "reject", HOPELESS[screen]
    wrong = [place for place, row in enumerate(rows, start=1) if not known_right(row, truth)]
    if not wrong:
        return "accept", ""
    named = ", ".join(map(str, wrong))
    if len(wrong) * 2 > len(rows):
        return "reject", f"Most answers are wrong (rows {named})."
    return "changes", f"The answers of rows {named} are wrong; please put them right."


def known_right(row: dict[str, Any], truth: Truth) -> bool:
    """Whether the row is right; rows about which a reviewer knows nothing pass."""
    return row["prompt"] not in truth.right or truth.holds(row)
