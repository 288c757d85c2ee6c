"""What a candidate has to show, fixed before it exists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

OVERALL = "overall"
SHADOW = 0  # the share of traffic, in percent, that names the shadow stage


@dataclass(frozen=True)
class Criteria:
    """What a candidate has to show, fixed before it exists. Margins are points of success rate.

    alpha_harm          chance, per stage, that a candidate as good as live is rolled back; one half
                        guards the overall rate, the other is shared by the skills
    alpha_widen         chance, per stage, that a candidate worse by a margin is widened
    alpha_superiority   error rate of the one superiority test, on the overall rate, for the report
    srm_alpha           chance, per stage, that a sound split of users is called broken
    overall_margin      how much worse overall is still as good as live
    skill_margin        the same for a protected skill, unless `margins` names its own
    protected           skills that may not fall by their margin; rolled back when they fall at all
    watched             skills rolled back when they fall, without a proof needed to widen
    prove_skills_at     stages (percent; 0 is shadow) that must prove each protected skill apart
    judge_within_hours  how long a shadow pair may wait for its judge; then it counts as one
                        that only the live version got right
    titles              what people call the skills; one without a title goes by its name
    """

    protected: tuple[str, ...] = ()
    watched: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=dict)
    overall_margin: float = 2.0
    skill_margin: float = 10.0
    alpha_harm: float = 0.01
    alpha_widen: float = 0.05
    alpha_superiority: float = 0.05
    srm_alpha: float = 0.001
    min_pairs: int = 50
    min_pairs_per_protected_skill: int = 20
    min_candidate_outcomes: int = 200
    prove_skills_at: tuple[int, ...] = (SHADOW,)
    judge_within_hours: float = 48.0
    titles: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("alpha_harm", "alpha_widen", "alpha_superiority", "srm_alpha"):
            if not 0 < getattr(self, name) < 1:
                raise ValueError(f"{name} must lie between 0 and 1, not {getattr(self, name)}")
        if not self.judge_within_hours > 0:
            raise ValueError("judge_within_hours must be more than 0")
        for skill in (OVERALL, *self.protected):
            if not 0 < self.margin(skill) < 100:
                raise ValueError(f"the margin of {skill} must lie between 0 and 100 points")
        if strangers := sorted(set(self.margins) - set(self.protected)):
            raise ValueError(f"margins name skills that are not protected: {', '.join(strangers)}")
        if OVERALL in self.skills:
            raise ValueError(f"a skill cannot be called {OVERALL!r}: that is the rate of them all")
        if len(set(self.skills)) < len(self.skills):
            raise ValueError("a skill is named twice among the protected and watched skills")

    @property
    def skills(self) -> tuple[str, ...]:
        """Every skill whose harm is tested."""
        return (*self.protected, *self.watched)

    def margin(self, stream: str) -> float:
        """Points by which the stream may be worse and still count as as good as live."""
        if stream == OVERALL:
            return self.overall_margin
        return self.margins.get(stream, self.skill_margin)

    def title(self, stream: str) -> str:
        """What people call the stream."""
        return self.titles.get(stream, stream)

    def harm_share(self, stream: str) -> float:
        """The stream's part of alpha_harm: half for the overall rate, half over the skills."""
        if not self.skills:
            return self.alpha_harm
        return self.alpha_harm / 2 / (1 if stream == OVERALL else len(self.skills))

    def to_json(self) -> dict[str, Any]:
        """The criteria as plain lists, dicts and numbers."""
        lists = {name: list(getattr(self, name)) for name in _TUPLES}
        return {**asdict(self), **lists, "margins": dict(self.margins)}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Criteria:
        """What `to_json` wrote; TypeError for an unknown name, ValueError for a bad value."""
        values: dict[str, Any] = {k: tuple(v) if k in _TUPLES else v for k, v in stored.items()}
        return cls(**values)


_TUPLES = ("protected", "watched", "prove_skills_at")
