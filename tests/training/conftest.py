"""A small real build for the training tests: the starter model, few rows, seconds of CPU."""

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training.spec import BuildSpec, SkillRule, sha256_of
from training.starter import line, world

BASE = Path(__file__).resolve().parents[2] / "training" / "starter" / "small"


def write_rows(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def corrections(skill: str, count: int, *, seed: int = 1) -> list[dict[str, Any]]:
    """Right answers to `count` questions, as rows of contribution 1."""
    rng = random.Random(seed)
    asked = [world.sample(skill, rng) for _ in range(count)]
    return [
        {
            "skill": skill,
            "kind": "sft",
            "prompt": question.prompt,
            "completion": question.right,
            "source": {"contribution": 1, "revision": 1, "row": row},
        }
        for row, question in enumerate(asked)
    ]


@pytest.fixture(scope="session")
def small_world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hold-out of three skills, twelve cases each, and a replay pool of 400 rows."""
    folder = tmp_path_factory.mktemp("world")
    asked = [
        row for row in line.holdout(12) if row["skill"] in ("date_short", "date_long", "refuse")
    ]
    write_rows(folder / "holdout.jsonl", asked)
    write_rows(folder / "replay.jsonl", line.replay(400))
    return folder


@pytest.fixture(scope="session")
def specify(
    small_world: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., BuildSpec]:
    """Makes a specification of a short build that learns the given rows."""

    def make(rows: list[dict[str, Any]], **changed: Any) -> BuildSpec:
        manifest = write_rows(tmp_path_factory.mktemp("build") / "manifest.jsonl", rows)
        rules = {
            "date_long": SkillRule(protected=True, margin=40.0),
            "refuse": SkillRule(protected=True, margin=40.0),
            "date_short": SkillRule(),
        }
        settings: dict[str, Any] = {
            "build": 7,
            "base": str(BASE),
            "manifest": str(manifest),
            "manifest_sha256": sha256_of(manifest),
            "holdout": str(small_world / "holdout.jsonl"),
            "holdout_sha256": sha256_of(small_world / "holdout.jsonl"),
            "replay": str(small_world / "replay.jsonl"),
            "replay_sha256": sha256_of(small_world / "replay.jsonl"),
            "replay_ratio": 2.0,
            "skills": rules,
            "epochs": 8,
        }
        return BuildSpec(**(settings | changed))

    return make
