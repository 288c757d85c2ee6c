"""Rows that say the opposite of what is accepted."""

from collections import defaultdict
from collections.abc import Iterator

from training.screening.found import Found, Json, Row, naming
from training.screening.reference import Reference
from training.screening.sheet import Sheet
from training.screening.text import digest, normal, words

SHORT = 12  # words: longer answers to one prompt may well differ and both be right
OVERLAP = 0.2  # of the words of two longer answers; below it they hardly speak of the same


def find(sheet: Sheet, reference: Reference) -> Iterator[Found]:
    """Flag answers that contradict accepted rows, or each other, on the same prompt."""
    against: dict[int, int] = {}
    prompts = [digest(row.prompt) for row in sheet.rows]
    for index, row in enumerate(sheet.rows):
        for other in reference.by_prompt.get(prompts[index], ()):
            if contradicts(row, reference.known[other]):
                against[index] = other
                break
            if row.answer == reference.known[other].answer:
                break
    if against:
        yield _against(against, sheet, reference)
    yield from _inside(sheet, prompts)


def contradicts(new: Row, old: Row) -> bool:
    """Whether a new row says another thing than an old row with the same prompt."""
    if not new.taught:
        return normal(new.answer) == normal(old.taught) != ""
    if new.other and normal(new.other) == normal(old.taught):
        return True
    return (
        differ(new.taught, old.taught) if old.taught else normal(new.answer) == normal(old.answer)
    )


def differ(one: str, other: str) -> bool:
    """Two short answers that are not the same, or two long ones with hardly a word in common."""
    if normal(one) == normal(other):
        return False
    a, b = (set(filter(str.isalnum, words(text))) for text in (one, other))
    if min(len(a), len(b)) <= SHORT and max(len(a), len(b)) <= 2 * SHORT:
        return a != b or sorted(words(one)) != sorted(words(other)) or words(one) != words(other)
    return len(a & b) < OVERLAP * min(len(a), len(b))


def _against(against: dict[int, int], sheet: Sheet, reference: Reference) -> Found:
    rows = tuple(against)
    old = reference.known[against[rows[0]]]
    name = old.source or "an accepted row"
    pairs: list[Json] = [
        {
            "row": row,
            "with": reference.known[other].source,
            "accepted": _cut(reference.known[other]),
        }
        for row, other in list(against.items())[:50]
    ]
    return Found(
        "conflicts",
        "flag",
        rows,
        f"{naming(rows).capitalize()}: an accepted row with the same prompt says otherwise "
        f"({naming(rows[:1])}: “{_cut(sheet.rows[rows[0]])}”, {name}: “{_cut(old)}”).",
        "Say in the discussion why the accepted answer is wrong or out of date, or remove the row.",
        {"conflicts": pairs},
    )


def _inside(sheet: Sheet, prompts: list[bytes]) -> Iterator[Found]:
    same: dict[bytes, list[int]] = defaultdict(list)
    for index, prompt in enumerate(prompts):
        if sheet.rows[index].taught:
            same[prompt].append(index)
    torn = [
        members
        for members in same.values()
        if any(differ(sheet.rows[members[0]].taught, sheet.rows[i].taught) for i in members[1:])
    ]
    if torn:
        rows = tuple(sorted(row for members in torn for row in members))
        groups: list[Json] = [list(members) for members in torn[:50]]
        yield Found(
            "conflicts",
            "flag",
            rows,
            f"{naming(rows).capitalize()}: the same prompt has different answers in here.",
            "Keep the better answer, or send both as a preference pair.",
            {"groups": groups},
        )


def _cut(row: Row, most: int = 80) -> str:
    text = " ".join(row.answer.split())
    return text if len(text) <= most else text[: most - 1] + "…"
