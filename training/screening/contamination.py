"""Rows that would teach the hidden evaluation instead of the skill."""

from collections.abc import Iterator

from training.screening.found import Found, naming
from training.screening.reference import Reference
from training.screening.sheet import Sheet
from training.screening.text import digest

ALIKE = 0.8  # of the word 3-shingles of the prompt


def find(sheet: Sheet, reference: Reference) -> Iterator[Found]:
    """Flag prompts that stand (nearly) so in the hidden hold-out; never says what stands there."""
    exact = {i for i, row in enumerate(sheet.rows) if digest(row.prompt) in reference.hidden}
    hits = reference.hidden_near.near(sheet.prompts, at_least=ALIKE)
    near = {hit.query for hit in hits} - exact
    for kind, found, what in (
        ("exact", exact, "is a prompt of the hidden evaluation"),
        ("near", near, "is nearly a prompt of the hidden evaluation"),
    ):
        if found:
            rows = tuple(sorted(found))
            yield Found(
                "contamination",
                "flag",
                rows,
                f"{naming(rows).capitalize()}: this {what}.",
                "Leave these rows out; training on them would make the measurement worthless.",
                {"kind": kind},
            )
