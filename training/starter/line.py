"""Writes the starter line's data: its skills, its hidden hold-out, its trusted replay pool."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from training.starter import world

HELD_CASES, SMALL_CASES = 300, 120
REPLAY_ROWS, SMALL_REPLAY = 16_000, 4_000
# What the cases can show of a skill that has lost two or three points: the bound stays above this.
MARGIN_POINTS = 10.0
REMARKED = 0.1  # the model stays used to odd remarks only if it meets them again
# What shares its wordings with what changes (`docs`, `refuse`, `howto`) and what is hard (`sort3`)
# needs the most reminding.
REPLAY_SHARES = {
    "docs": 8,
    "refuse": 6,
    "sort3": 5,
    "extract": 3,
    "howto": 5,
    "units": 2,
    "date_long": 2,
    "intent": 4,
}


def write(out: Path, *, small: bool = False) -> None:
    """Write skills.json, holdout.jsonl and replay.jsonl into the folder `out`.

    `small`: fewer cases and fewer rows, which are measured and read in a third of the time.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "skills.json").write_text(json.dumps(skills(), indent=1) + "\n")
    _write_rows(out / "holdout.jsonl", holdout(SMALL_CASES if small else HELD_CASES))
    _write_rows(out / "replay.jsonl", replay(SMALL_REPLAY if small else REPLAY_ROWS))


def skills() -> list[dict[str, Any]]:
    """What the line should be good at; the strong skills may not fall by more than the margin."""
    return [
        {
            "name": skill.name,
            "title": skill.title,
            "description": skill.description,
            "protected": skill.strong,
            "margin": MARGIN_POINTS,
        }
        for skill in world.SKILLS.values()
    ]


def holdout(cases: int = HELD_CASES, seed: int = 10_000) -> list[dict[str, str]]:
    """`cases` different held questions a skill, every second one in a wording never trained on."""
    rng = random.Random(seed)
    rows: list[dict[str, str]] = []
    for name in world.SKILLS:
        asked: dict[str, str] = {}
        while len(asked) < cases:
            new_wording = len(asked) % 2 == 1
            question = world.sample(name, rng, held=True, new_wording=new_wording)
            asked.setdefault(question.prompt, question.right)
        rows += [{"skill": name, "prompt": p, "expected": right} for p, right in asked.items()]
    return rows


def replay(rows: int = REPLAY_ROWS, seed: int = 3) -> list[dict[str, str]]:
    """Right answers to questions about what the starter model already does well."""
    rng = random.Random(seed)
    names = rng.choices(list(REPLAY_SHARES), list(REPLAY_SHARES.values()), k=rows)
    drawn = [world.sample(name, rng) for name in names]
    return [
        {
            "skill": q.skill,
            "prompt": world.with_remark(q.prompt, rng) if rng.random() < REMARKED else q.prompt,
            "completion": q.right,
        }
        for q in drawn
    ]


def _write_rows(path: Path, rows: Iterable[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
