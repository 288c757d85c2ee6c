"""How much a stranger's file may cost; tests/contributions/uploads hold files that ask for more."""

from __future__ import annotations

from dataclasses import astuple, dataclass

MB = 1024**2


@dataclass(frozen=True)
class Limits:
    """What the child may use: seconds, bytes of memory, bytes of rows after decoding, rows."""

    seconds: int = 9
    memory: int = 448 * MB
    decoded: int = 64 * MB
    rows: int = 10_000

    def as_arguments(self) -> list[str]:
        """The limits as the child's first arguments, in the order above."""
        return [str(limit) for limit in astuple(self)]

    @classmethod
    def from_arguments(cls, arguments: list[str]) -> Limits:
        """The limits that stand in the child's arguments."""
        return cls(*map(int, arguments))
