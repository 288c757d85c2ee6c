"""The whole contract of a build: frozen, serialisable, and free of torch.

Every number that can change the adapter stands here, so that the same specification, the same
data and the same thread count give the same bytes.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from training.errors import SpecRefused

Kind = Literal["sft", "pair", "rating"]
LINEAR_LAYERS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class Source:
    """Where a row came from: contribution number, revision, and row within the revision."""

    contribution: int
    revision: int = 1
    row: int = 0


@dataclass(frozen=True)
class Turn:
    """One message of a conversation; the roles are those of a chat template."""

    role: str
    content: str


@dataclass(frozen=True)
class Example:
    """One contributed row.

    `sft` has a completion; `pair` has chosen and rejected; `rating` has a completion and a label
    (True for a thumb up). `context` holds the turns before the prompt, oldest first.
    """

    skill: str
    kind: Kind
    prompt: str
    completion: str | None = None
    chosen: str | None = None
    rejected: str | None = None
    label: bool | None = None
    source: Source | None = None
    context: tuple[Turn, ...] = ()

    @property
    def messages(self) -> list[dict[str, str]]:
        """Everything said before the answer, as chat messages."""
        asked = Turn("user", self.prompt)
        return [dataclasses.asdict(turn) for turn in (*self.context, asked)]

    def as_row(self) -> dict[str, Any]:
        """The row as it stands in a manifest: unused keys are absent."""
        values = dataclasses.asdict(self)
        return {key: value for key, value in values.items() if value not in (None, ())}


@dataclass(frozen=True)
class SkillRule:
    """Whether a build may touch a skill, and by how many points it may fall (one-sided).

    `title` is what people call it; a skill without one goes by its name.
    """

    protected: bool = False
    margin: float = 5.0
    title: str = ""


@dataclass(frozen=True)
class LoraSettings:
    """Shape of the adapter (LoRA, arXiv 2106.09685)."""

    rank: int = 16
    alpha: int = 32
    dropout: float = 0.0
    targets: tuple[str, ...] = LINEAR_LAYERS


@dataclass(frozen=True)
class PreferenceSettings:
    """One preference phase: DPO for pairs (arXiv 2305.18290), KTO for ratings (arXiv 2402.01306).

    `guards` trusted rows are turned into pairs or ratings of their own and mixed in, because a
    phase without them was measured to unlearn refusals; so was one at 1e-4 with 40 of them.
    """

    learning_rate: float = 3e-5
    beta: float = 0.1
    epochs: int = 2
    batch: int = 16
    guards: int = 120


@dataclass(frozen=True)
class Schedule:
    """How long and how fast the supervised phase trains."""

    epochs: int
    learning_rate: float

    @classmethod
    def starting_from(cls, start_from: str | None) -> Self:
        """The measured schedule: a long first build, a short one that continues an adapter."""
        return cls(epochs=4, learning_rate=3e-3) if start_from else cls(10, 5e-3)


@dataclass(frozen=True)
class BuildSpec:
    """Everything `recipe.build_adapter` needs. Paths are read as they stand.

    `manifest` holds the rows that are new; `replay` trusted rows of what the base knows; `earlier`,
    in the manifest's form, rows of builds that the live version has learned already. For each new
    row an epoch repeats `replay_ratio` and `earlier_ratio` rows of these, so that nothing fades; a
    build of fewer than `least_new` rows repeats as many as one of that size.
    """

    build: int
    base: str
    manifest: str
    manifest_sha256: str
    holdout: str
    holdout_sha256: str
    skills: Mapping[str, SkillRule]
    start_from: str | None = None
    replay: str | None = None
    replay_sha256: str | None = None
    replay_ratio: float = 4.0
    earlier: str | None = None
    earlier_sha256: str | None = None
    earlier_ratio: float = 2.0
    least_new: int = 100
    probes: tuple[str, ...] = ()
    lora: LoraSettings = field(default_factory=LoraSettings)
    epochs: int = 10
    learning_rate: float = 5e-3
    warmup: float = 0.1
    pack_rows: int = 20
    pack_tokens: int = 96
    pairs: PreferenceSettings = field(default_factory=PreferenceSettings)
    ratings: PreferenceSettings = field(default_factory=PreferenceSettings)
    max_new_tokens: int = 40
    probe_cases: int = 24
    probe_threshold: float = 20.0
    seed: int = 0
    threads: int = 1
    engine: Literal["local"] = "local"

    def __post_init__(self) -> None:
        """Refuse numbers that no build can follow."""
        wrong = {
            "epochs must be at least 1": self.epochs < 1,
            "threads must be at least 1": self.threads < 1,
            "learning_rate must be above 0": not self.learning_rate > 0,
            "replay_ratio must be 0 or more": not self.replay_ratio >= 0,
            "earlier_ratio must be 0 or more": not self.earlier_ratio >= 0,
            "lora.rank must be at least 1": self.lora.rank < 1,
            "skills must name at least one skill": not self.skills,
            f"engine {self.engine!r} is not known; this library has 'local'": self.engine
            != "local",
        }
        for sentence, is_wrong in wrong.items():
            if is_wrong:
                raise SpecRefused(
                    f"The specification of build {self.build} is refused: {sentence}."
                )

    def title(self, skill: str) -> str:
        """What people call a skill; its name where nobody gave it a title."""
        rule = self.skills.get(skill)
        return rule.title if rule and rule.title else skill

    def to_json(self) -> str:
        """Canonical JSON: sorted keys, so that equal specifications are equal text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The specification in `text`; unknown, missing or mistyped keys are refused by name."""
        try:
            data = json.loads(text)
        except json.JSONDecodeError as broken:
            raise SpecRefused(f"The specification is not JSON: {broken}.") from broken
        return read_as(cls, data, "specification")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The specification in the file at `path`."""
        try:
            return cls.from_json(Path(path).read_text())
        except OSError as gone:
            raise SpecRefused(f"The specification {path} cannot be read.") from gone


def sha256_of(path: str | Path) -> str:
    """The sha256 of a file's bytes, in hex, read a megabyte at a time."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


Contract = typing.TypeVar("Contract")


def read_as(kind: type[Contract], data: Any, where: str) -> Contract:
    """Decoded JSON as a dataclass of a contract; keys that do not fit are refused by name."""
    return typing.cast(Contract, _read(kind, data, where))


def _read(kind: Any, value: Any, where: str) -> Any:
    """Turn decoded JSON into `kind`, a type this file uses; say where it does not fit."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if dataclasses.is_dataclass(kind):
        return _read_dataclass(kind, value, where)
    if origin in (typing.Union, types.UnionType):
        return None if value is None else _read(inner[0], value, where)
    if origin is Literal and value in inner:
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_read(inner[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is Mapping and isinstance(value, dict):
        return {key: _read(inner[1], item, f"{where}.{key}") for key, item in value.items()}
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and type(value) is kind:
        return value
    raise SpecRefused(f"{where} should be {kind}, not {value!r}.")


def _read_dataclass(kind: Any, value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise SpecRefused(f"{where} should be an object, not {value!r}.")
    hints = typing.get_type_hints(kind)
    fields = {f.name: f for f in dataclasses.fields(kind)}
    if unknown := sorted(set(value) - set(fields)):
        raise SpecRefused(f"{where} has unknown keys: {', '.join(unknown)}.")
    needed = {
        name
        for name, f in fields.items()
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING
    }
    if missing := sorted(needed - set(value)):
        raise SpecRefused(f"{where} lacks {', '.join(missing)}.")
    return kind(**{key: _read(hints[key], item, f"{where}.{key}") for key, item in value.items()})
