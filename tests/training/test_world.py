"""The starter world asks the same questions everywhere and keeps its hold-out to itself."""

import random

import pytest

from training.starter import line, world


@pytest.mark.parametrize("skill", world.SKILLS)
def test_the_same_seed_asks_the_same_questions(skill: str):
    first = [world.sample(skill, random.Random(5)) for _ in range(3)]
    again = [world.sample(skill, random.Random(5)) for _ in range(3)]

    assert first == again


@pytest.mark.parametrize("skill", world.SKILLS)
def test_a_mistake_is_never_the_right_answer(skill: str):
    rng = random.Random(0)
    asked = [world.sample(skill, rng, held=n % 2 == 0) for n in range(300)]

    assert [q for q in asked if q.right == q.wrong] == []


def test_strong_skills_were_taught_right_and_weak_ones_were_not():
    rng = random.Random(0)
    taught = {name: world.sample(name, rng) for name in world.SKILLS}

    assert tuple(n for n, q in taught.items() if q.stale == q.right) == world.STRONG
    assert tuple(n for n, q in taught.items() if q.stale != q.right) == world.WEAK


def test_no_question_of_the_holdout_can_be_trained_on():
    hidden = {row["prompt"] for row in line.holdout(100)}
    rng = random.Random(1)
    open_to_all = {world.sample(s, rng).prompt for s in world.SKILLS for _ in range(1500)}

    assert hidden & open_to_all == set()


def test_the_holdout_has_equally_many_different_cases_of_every_skill():
    rows = line.holdout(20)

    assert {s: sum(r["skill"] == s for r in rows) for s in world.SKILLS} == dict.fromkeys(
        world.SKILLS, 20
    )
    assert len({row["prompt"] for row in rows}) == len(rows)


def test_the_strong_skills_are_the_protected_ones():
    assert tuple(s["name"] for s in line.skills() if s["protected"]) == world.STRONG
