"""Rows that cannot be trained on as they stand."""

from collections.abc import Iterator

from training.screening.found import Found, Row, naming
from training.screening.reference import Reference
from training.screening.sheet import Sheet
from training.screening.text import normal

KINDS = ("sft", "pair", "rating")
LONGEST = 32_000  # characters of one field; about 8,000 tokens of English


def find(sheet: Sheet, reference: Reference) -> Iterator[Found]:
    """Flag rows that lack a part, are of no known kind, or hold what no tokenizer can read."""
    if not sheet.rows:
        yield Found("format", "flag", (), "The contribution has no rows.", "Add at least one row.")
    for problem, mend in PROBLEMS:
        rows = tuple(i for i, row in enumerate(sheet.rows) if PROBLEMS[problem, mend](row))
        if rows:
            yield Found("format", "flag", rows, f"{naming(rows).capitalize()}: {problem}.", mend)


def _unreadable(row: Row) -> bool:
    text = row.prompt + row.answer + row.other
    return "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text)


def _too_long(row: Row) -> bool:
    return max(len(row.prompt), len(row.answer), len(row.other)) > LONGEST


PROBLEMS = {
    ("the kind of example is not known", f"Use one of {', '.join(KINDS)}."): (
        lambda row: row.kind not in KINDS
    ),
    ("the prompt is empty", "Write what the user asked, or remove the row."): (
        lambda row: not normal(row.prompt)
    ),
    ("the answer is empty", "Write the answer the model should give, or remove the row."): (
        lambda row: not normal(row.answer)
    ),
    ("the rejected answer is missing", "Add the worse answer, or send the row as a correction."): (
        lambda row: row.kind == "pair" and not normal(row.other)
    ),
    ("both answers of the pair are the same", "Remove the row or correct one of the answers."): (
        lambda row: row.kind == "pair" and normal(row.answer) == normal(row.other) != ""
    ),
    ("the rating says neither good nor bad", "Set the label to true or false."): (
        lambda row: row.kind == "rating" and row.label is None and row.stars is None
    ),
    (f"a field is longer than {LONGEST:,} characters", "Shorten the text or split the row."): (
        _too_long
    ),
    ("there are NUL or half characters", "Save the file as UTF-8 and send it again."): _unreadable,
}
