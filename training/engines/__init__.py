"""Where training runs, behind one interface: `local` trains in this process, on one CPU or GPU."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from training.errors import SpecRefused
from training.examples import Lessons
from training.rendering import Chat
from training.spec import BuildSpec

Tell = Callable[..., None]


@dataclass(frozen=True)
class Trained:
    """What an engine hands back: the adapter's tensors, both versions merged, and its account."""

    weights: Mapping[str, Any]
    chat: Chat
    live: Any
    candidate: Any
    base_sha256: str
    trainable_percent: float
    replay_rows: int
    phases: tuple[dict[str, Any], ...]


class Engine(Protocol):
    """Trains what a specification says and tells its progress."""

    def train(self, spec: BuildSpec, lessons: Lessons, tell: Tell) -> Trained:
        """Raises BaseMissing, AdapterRefused, SpecRefused or LossNotFinite, and writes nothing."""
        ...


def named(name: str) -> Engine:
    """The engine of that name."""
    if name == "local":
        from training.engines.local import LocalEngine

        return LocalEngine()
    raise SpecRefused(f"There is no engine {name!r}.")
