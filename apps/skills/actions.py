"""Founding a model line from its files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db import transaction

from apps.skills.errors import BadLineData, LineExists
from apps.skills.models import EvalCase, ModelLine, Skill, TrustedRow

ROWS_A_BATCH = 2000
ALLOWED_LICENCES = ["CC0-1.0", "CC-BY-4.0", "Apache-2.0", "MIT"]


def found_line(name: str, *, title: str, base: str, data: Path) -> ModelLine:
    """Create a line from `skills.json`, `holdout.jsonl` and `replay.jsonl` in the folder `data`.

    Raises `LineExists`, or `BadLineData` with file, row and mend; then nothing is stored.
    """
    if ModelLine.objects.filter(name=name).exists():
        raise LineExists(f"the line “{name}” was founded before")
    with transaction.atomic():
        policy = {"licences": ALLOWED_LICENCES}
        line = ModelLine.objects.create(name=name, title=title, base=base, policy=policy)
        skills = _found_skills(line, data / "skills.json")
        _load(EvalCase, data / "holdout.jsonl", skills, answer="expected")
        _load(TrustedRow, data / "replay.jsonl", skills, answer="completion")
    return line


def _found_skills(line: ModelLine, path: Path) -> dict[str, Skill]:
    described = json.loads(path.read_text(encoding="utf-8"))
    skills = Skill.objects.bulk_create(Skill(line=line, **entry) for entry in described)
    return {skill.name: skill for skill in skills}


def _load(
    kind: type[EvalCase] | type[TrustedRow], path: Path, skills: dict[str, Skill], *, answer: str
) -> None:
    rows = (
        kind(skill=skills[row["skill"]], **{"prompt": row["prompt"], answer: row[answer]})
        for row in _rows(path, skills, answer)
    )
    kind.objects.bulk_create(rows, batch_size=ROWS_A_BATCH)  # type: ignore[arg-type]


def _rows(path: Path, skills: dict[str, Skill], answer: str) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            row = json.loads(line)
            if missing := {"skill", "prompt", answer} - set(row):
                raise BadLineData(f"{path.name}, line {number}: add {', '.join(sorted(missing))}")
            if row["skill"] not in skills:
                raise BadLineData(
                    f"{path.name}, line {number}: skill “{row['skill']}” is not in skills.json"
                )
            yield row
