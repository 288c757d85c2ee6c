"""The rows of one contribution, read once for all screens."""

from collections.abc import Iterable, Iterator
from functools import cached_property

from training.screening.found import Row
from training.screening.text import Words


class Sheet:
    """The rows under test; what several screens need of them is worked out once."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def prompts(self) -> Words:
        return Words.of(row.prompt for row in self.rows)

    @cached_property
    def answers(self) -> Words:
        """The words of what each row teaches (nothing for a thumb down)."""
        return Words.of(row.taught for row in self.rows)

    @cached_property
    def whole(self) -> Words:
        """Prompt and answer behind each other, as the duplicates screen compares them."""
        pairs = zip(self.prompts.texts, Words.of(told(row) for row in self.rows).texts, strict=True)
        return Words.cut([(*prompt, *answer) for prompt, answer in pairs])

    def fields(self) -> Iterator[tuple[int, str, str]]:
        """Every text a person wrote: the row, what it is called there, and the text."""
        for index, row in enumerate(self.rows):
            yield index, "prompt", row.prompt
            yield index, "answer", row.answer
            if row.other:
                yield index, "rejected answer", row.other


def told(row: Row) -> str:
    """All that a row says beside its prompt; rows that differ here are no duplicates."""
    return "\n".join(part for part in (row.answer, row.other, mark(row)) if part)


def mark(row: Row) -> str:
    """The thumb of a rating as a word."""
    return "" if row.label is None else ("good" if row.label else "bad")
