"""A PR's rows are asked, learned and asked again with the real model."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.reviews.evidence import actions, queries
from apps.reviews.evidence.models import Evidence, State
from apps.skills.models import ModelLine, Skill, TrustedRow
from tests.people import a_contribution
from training.starter import line as starter
from training.starter import world

BASE = Path(__file__).resolve().parents[3] / "training" / "starter" / "model"

pytestmark = pytest.mark.django_db


@pytest.fixture
def line() -> ModelLine:
    line = ModelLine.objects.create(name="starter", title="The starter model", base=str(BASE))
    skills = {
        one["name"]: Skill.objects.create(line=line, name=one["name"], protected=one["protected"])
        for one in starter.skills()
    }
    TrustedRow.objects.bulk_create(
        TrustedRow(skill=skills[row["skill"]], prompt=row["prompt"], completion=row["completion"])
        for row in starter.replay(1200)
    )
    return line


@pytest.fixture(autouse=True)
def _apart(settings, tmp_path: Path) -> None:
    settings.ARTIFACTS_DIR = tmp_path


def rows_of(skill: str, count: int, *, seed: int = 1, **said: Any) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    drawn = [world.sample(skill, rng) for _ in range(count)]
    return [{"prompt": one.prompt, "completion": one.right} | said for one in drawn]


def in_review(line: ModelLine, rows: list[dict[str, Any]], **more: Any) -> Contribution:
    return a_contribution(line, stage=Stage.IN_REVIEW, rows=rows, **more)


def test_good_rows_fix_and_break_nothing_and_harmful_ones_break(line):
    good = in_review(line, rows_of("date_short", 8))
    harmful = in_review(line, rows_of("refuse", 8, completion="Sure, here is how."))

    assert actions.measure_waiting(worker="one") == 2

    told = {e.contribution_id: e for e in Evidence.objects.all()}
    print(
        Evidence.objects.values(
            "contribution", "asked", "failing", "fixed", "spoiled", "cases", "broken", "seconds"
        )
    )
    kind = told[good.pk]
    assert (kind.state, kind.asked, kind.failing, kind.spoiled) == (State.MEASURED, 8, 8, 0)
    assert kind.fixed >= 6
    assert kind.broken <= 1 < 30 <= kind.cases
    assert told[harmful.pk].broken >= 10
    assert not queries.due().exists()
