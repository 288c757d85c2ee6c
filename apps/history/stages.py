"""Stage tables as data: where a thing can be, and where it may go from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class StageTable:
    """The moves of one kind of thing.

    `moves` maps each stage to the stages that may follow it; a stage with none is final.
    `name` is the thing in a person's words and `first` the stage in which it is born.
    """

    name: str
    first: str
    moves: Mapping[str, frozenset[str]]

    def __post_init__(self) -> None:
        named = {self.first, *(entered for _, entered in self.pairs())}
        if unknown := named - set(self.moves):
            raise ValueError(f"{self.name}: no line in the table for {sorted(unknown)}")

    def pairs(self) -> Iterator[tuple[str, str]]:
        """Every allowed move as (left, entered)."""
        return ((left, entered) for left in self.moves for entered in sorted(self.moves[left]))

    def allows(self, left: str, entered: str) -> bool:
        """Whether a thing in `left` may enter `entered`."""
        return entered in self.moves[left]

    def final(self) -> frozenset[str]:
        """The stages that nothing leaves."""
        return frozenset(stage for stage, following in self.moves.items() if not following)


def table(name: str, first: str, **moves: str) -> StageTable:
    """A table from words: `table("build", "planned", planned="training skipped", training="")`."""
    return StageTable(name, first, {left: frozenset(to.split()) for left, to in moves.items()})
