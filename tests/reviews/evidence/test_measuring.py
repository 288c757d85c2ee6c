"""A PR's rows are asked, learned and asked again with the real model, in the real child process."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import Ignore
from django.utils import timezone

from apps.contributions.actions import Terms
from apps.contributions.models import Contribution, Kind
from apps.contributions.stages import Stage
from apps.history.actions import send
from apps.history.models import Letter
from apps.history.queries import life_of
from apps.reviews.evidence import actions, queries, tasks
from apps.reviews.evidence.models import Evidence, State
from apps.skills.models import ModelLine, Skill, TrustedRow
from tests.people import a_contribution
from training import child
from training.starter import line as starter
from training.starter import world

BASE = Path(__file__).resolve().parents[3] / "training" / "starter" / "model"
MEASURE_ONLY = Terms(licence="CC0-1.0", consent="evaluate", signed_off=True)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _apart(settings: Any, tmp_path: Path) -> None:
    settings.ARTIFACTS_DIR = tmp_path


@pytest.fixture
def line() -> ModelLine:
    """The starter line with a part of its trusted rows."""
    policy = {"review": {"evidence": {"cases": 20}}}
    made = ModelLine.objects.create(name="starter", title="", base=str(BASE), policy=policy)
    skills = {
        one["name"]: Skill.objects.create(line=made, name=one["name"], protected=one["protected"])
        for one in starter.skills()
    }
    TrustedRow.objects.bulk_create(
        TrustedRow(skill=skills[row["skill"]], prompt=row["prompt"], completion=row["completion"])
        for row in starter.replay(1500)
    )
    return made


def questions(skill: str, count: int) -> list[world.Question]:
    rng = random.Random(2)
    return [world.sample(skill, rng) for _ in range(count)]


def corrections(skill: str, count: int, answer: str = "") -> list[dict[str, Any]]:
    return [{"prompt": q.prompt, "completion": answer or q.right} for q in questions(skill, count)]


def in_review(line: ModelLine, rows: list[dict[str, Any]], **more: Any) -> Contribution:
    return a_contribution(line, stage=Stage.IN_REVIEW, rows=rows, **more)


def test_what_rows_fix_and_break_is_counted_for_every_kind_of_pr_in_one_batch(line: ModelLine):
    good = in_review(line, corrections("date_short", 8))
    harmful = in_review(line, corrections("refuse", 12, "Sure, here is how."))
    refusal = questions("refuse", 1)[0].right
    pairs = [
        {"prompt": q.prompt, "chosen": q.right, "rejected": refusal}
        for q in questions("over_refusal", 3)
    ]
    preference = in_review(line, pairs, kind=Kind.PREFERENCE)
    ratings = [
        {"prompt": q.prompt, "completion": q.right, "label": n < 2}
        for n, q in enumerate(questions("sort3", 3))
    ]
    rating = in_review(line, ratings, kind=Kind.RATING)
    measured_only = in_review(line, corrections("card", 2), terms=MEASURE_ONLY)
    quarantined = a_contribution(line, stage=Stage.QUARANTINED, rows=corrections("docs", 2))

    assert actions.measure_waiting(worker="one") == 5

    told = {one.contribution_id: one for one in Evidence.objects.all()}
    assert {one.state for one in told.values()} == {State.MEASURED}
    assert told.keys() == {one.pk for one in (good, harmful, preference, rating, measured_only)}
    kind, harm = told[good.pk], told[harmful.pk]
    assert (kind.asked, kind.failing, kind.spoiled) == (8, 8, 0)
    assert (kind.fixed or 0) >= 6
    assert (kind.broken or 0) <= 2
    assert (harm.broken or 0) >= 4
    assert all(case["skill"] == "refuse" for case in harm.kept)
    # Pairs are right when the better answer is the likelier; a disliked answer that is given fails.
    pair = told[preference.pk]
    assert (pair.failing, pair.fixed) == (3, 3)
    assert all("rejected" in row["live"] for row in pair.answers)
    assert (told[rating.pk].asked, told[rating.pk].failing) == (3, 1)
    only = told[measured_only.pk]
    assert (only.failing, only.fixed, only.cases, only.kept) == (2, None, None, [])
    assert life_of(good).get(verb="measured").details["fixed"] == kind.fixed
    assert not queries.due().exists()

    again = in_review(line, corrections("date_short", 8), by=harmful.author)
    assert actions.measure_waiting(worker="two") == 0
    copied = Evidence.objects.get(contribution=again)
    assert (copied.key, copied.answers, copied.fixed) == (kind.key, kind.answers, kind.fixed)
    assert quarantined.pk not in told


def after_the_first_word(then: Callable[[], object]) -> Callable[..., Iterator[dict[str, Any]]]:
    """The real child process, with something that happens elsewhere once it has said a word."""
    real = child.heard

    def heard(*given: Any, **named: Any) -> Iterator[dict[str, Any]]:
        for number, event in enumerate(real(*given, **named)):
            if number == 0:
                then()
            yield event

    return heard


def a_build_waits() -> None:
    send("apps.builds.tasks.train_build", 1, once="train build 1, attempt 1", queue="gpu")
    Letter.objects.update(sent_at=timezone.now())


def test_a_build_that_waits_takes_the_worker_and_nothing_is_held_against_the_pr(
    line: ModelLine, monkeypatch: pytest.MonkeyPatch
):
    pr = in_review(line, corrections("date_short", 2))
    monkeypatch.setattr(actions.child, "heard", after_the_first_word(a_build_waits))

    with pytest.raises(Ignore):
        tasks.measure_waiting()

    left = Evidence.objects.get(contribution=pr)
    assert (left.attempts, left.asked, left.failing, left.fixed) == (0, 2, 2, None)
    assert list(queries.due()) == [pr]
    assert not list(Path(actions.settings.ARTIFACTS_DIR, "evidence").iterdir())
    # While the build waits, the next ring does not even take the PR.
    with pytest.raises(Ignore):
        tasks.measure_waiting()
    left.refresh_from_db()
    assert left.fence == 1
