"""Which of the things a model knows stand nearest to what it is about to learn. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.screening.neighbours import Neighbours
from training.screening.text import Words


@dataclass(frozen=True)
class KnownPrompts:
    """Prompts that the model answers well, to be asked for the nearest; kept by the caller."""

    neighbours: Neighbours

    @classmethod
    def of(cls, prompts: Sequence[str]) -> KnownPrompts:
        """Index them; sixteen thousand short ones take half a second."""
        return cls(Neighbours.indexed(Words.of(prompts)))

    def nearest(self, asked: Sequence[str], *, most: int) -> list[int]:
        """Places of at most so many different prompts: the nearest of each asked one in turn.

        So one odd row does not fill the list, and neither does one that resembles everything.
        """
        places_QK = self.neighbours.nearest(Words.of(asked), most=most)
        in_turn = (int(place) for places_Q in places_QK.T for place in places_Q)
        return list(dict.fromkeys(in_turn))[:most]
