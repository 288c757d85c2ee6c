"""Rows that are there already: in this contribution, or among the accepted ones."""

from collections.abc import Iterator

from training.screening.found import Found, Json, Severity, naming
from training.screening.near import near_within
from training.screening.reference import Reference
from training.screening.sheet import Sheet, told
from training.screening.text import digest

ALIKE = 0.7  # of the word 3-shingles of prompt and answer
MANY = 0.3  # of the rows: more than that, and a person should look


def find(sheet: Sheet, reference: Reference) -> Iterator[Found]:
    """Note repeated rows (exact and near), and flag a contribution that is made of them."""
    prints = [digest(row.prompt) + digest(told(row)) for row in sheet.rows]
    first = {mark: row for row, mark in reversed(list(enumerate(prints)))}
    inside = {row: first[mark] for row, mark in enumerate(prints) if first[mark] != row}
    known = {row: reference.seen[mark] for row, mark in enumerate(prints) if mark in reference.seen}
    yield from _told(sheet, "inside", inside, "repeat an earlier row of this contribution")
    yield from _told(sheet, "known", known, "are accepted already", _names(known, reference))
    exact = inside.keys() | known.keys()

    # Rows with one prompt and different answers are no copies; the conflicts screen reads those.
    asked = [mark[:16] for mark in prints]
    near = {
        hit.query: hit.found
        for hit in near_within(sheet.whole, at_least=ALIKE)
        if hit.query not in exact and asked[hit.query] != asked[hit.found]
    }
    yield from _told(sheet, "near inside", near, "say nearly the same as another row here")
    hits = reference.near.near(sheet.whole, at_least=ALIKE)
    close = {
        hit.query: hit.found
        for hit in hits
        if hit.query not in exact and asked[hit.query] != digest(reference.known[hit.found].prompt)
    }
    what = "say nearly the same as an accepted row"
    yield from _told(sheet, "near known", close, what, _names(close, reference))


def _names(found: dict[int, int], reference: Reference) -> dict[int, str]:
    return {row: reference.known[other].source for row, other in found.items()}


def _told(
    sheet: Sheet, kind: str, found: dict[int, int], what: str, names: dict[int, str] | None = None
) -> Iterator[Found]:
    if not found:
        return
    rows = tuple(sorted(found))
    share = len(rows) / len(sheet)
    # Templates make honest rows nearly alike, so that only exact copies count as a flood.
    severity: Severity = "flag" if share > MANY and not kind.startswith("near") else "note"
    example = (names or {}).get(rows[0]) or ("" if names else f"row {found[rows[0]] + 1}")
    pairs: list[Json] = [[row, found[row]] for row in rows[:200]]
    yield Found(
        "duplicates",
        severity,
        rows,
        f"{naming(rows).capitalize()} {what if len(rows) > 1 else _singular(what)}"
        + (f" ({naming(rows[:1])} like {example})." if example else "."),
        "Keep one of them; copies teach the model nothing more.",
        {"kind": kind, "pairs": pairs},
    )


def _singular(what: str) -> str:
    for many, one in (("repeat ", "repeats "), ("are ", "is "), ("say ", "says ")):
        if what.startswith(many):
            return one + what.removeprefix(many)
    return what
