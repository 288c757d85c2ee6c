"""Rings and rubber stamps, in simulated desks whose guilty are known."""

from __future__ import annotations

import random

import pytest

from apps.accounts.models import Account, Role
from apps.reviews.agreement import reckoning
from apps.reviews.agreement.models import Signal
from apps.reviews.agreement.signals import Answered, Decided, adjusted, favours, stamps
from apps.reviews.models import Decision
from tests.people import a_contribution, a_line, somebody

PEOPLE, RING = 100, 5


def a_quarter(seed: int, *, ring: int = RING, steering: float = 0.4) -> list[Decided]:
    """What a hundred reviewers who also write decide in twelve weeks; the first `ring` collude.

    Everybody writes some 30 PRs in one of four skills, and decides in two of them; kindness and
    quality differ. A PR of the ring goes to one of the ring with the chance `steering`, is worse
    than others' work, and is always let pass by them.
    """
    rng = random.Random(seed)
    skills = [rng.sample("abcd", 2) for _ in range(PEOPLE)]
    # Those of a ring meet where they work.
    skills[:ring] = [["a", "b"]] * ring
    kindness = [rng.uniform(-0.15, 0.15) for _ in range(PEOPLE)]
    quality = [0.35 if who < ring else rng.uniform(0.5, 0.9) for who in range(PEOPLE)]
    decided = []
    for author in range(PEOPLE):
        for _ in range(rng.randint(20, 40)):
            skill = rng.choice(skills[author])
            friends = [who for who in range(ring) if who != author and author < ring]
            if friends and rng.random() < steering:
                decided.append((rng.choice(friends), author, skill, True))
                continue
            able = [who for who in range(PEOPLE) if skill in skills[who] and who != author]
            who = rng.choice(able)
            kind = who in friends or rng.random() < quality[author] + kindness[who]
            decided.append((who, author, skill, kind))
    return decided


def test_a_ring_of_five_among_a_hundred_is_found_and_hardly_anybody_else():
    found, innocent, quarters = 0, 0, 6
    for seed in range(quarters):
        named = {who for signal in favours(a_quarter(seed), level=0.01) for who in signal.who}
        found += len(named & set(range(RING)))
        innocent += len(named - set(range(RING)))

    assert found / (quarters * RING) >= 0.9
    assert innocent / (quarters * (PEOPLE - RING)) <= 0.01


def test_where_nobody_colludes_hardly_anybody_is_named():
    named = [
        signal for seed in range(20, 26) for signal in favours(a_quarter(seed, ring=0), level=0.01)
    ]

    assert len(named) <= 1


def gold_answers(seed: int, stampers: int) -> list[Answered]:
    """Sixty reviewers on twenty bad gold items each; the first ones pass all of it, at a glance."""
    rng = random.Random(seed)
    said = []
    for who in range(60):
        careful = rng.uniform(0.75, 0.95)
        for item in range(20):
            if who < stampers:
                said.append((who, item, rng.uniform(2, 6), rng.random() < 0.95))
            else:
                said.append((who, item, rng.lognormvariate(3.5, 0.6), rng.random() > careful))
    return said


def test_rubber_stamps_are_found_and_careful_people_are_not():
    found, innocent = 0, 0
    for seed in range(10):
        named = {signal.who[0] for signal in stamps(gold_answers(seed, 3), level=0.01)}
        found += len(named & {0, 1, 2})
        innocent += len(named - {0, 1, 2})

    assert found >= 27
    assert innocent <= 6


def test_the_false_discovery_rate_is_benjamini_and_hochberg_s():
    from scipy.stats import false_discovery_control

    p_values = [0.001, 0.2, 0.03, 0.0004, 0.9, 0.03]

    assert adjusted(p_values, len(p_values)) == pytest.approx(false_discovery_control(p_values))


@pytest.mark.django_db
def test_the_clock_writes_down_who_favours_whom():
    line = a_line()
    ada, max_ = somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    others = [somebody(Role.REVIEWER) for _ in range(6)]
    work = {person: a_contribution(line, by=person) for person in (ada, max_, *others)}

    def said(reader: Account, author: Account, verdict: str, times: int) -> list[Decision]:
        pr = work[author]
        one = {"contribution": pr, "reviewer": reader, "verdict": verdict, "revision": 1}
        return [Decision(**one, digest=pr.digest) for _ in range(times)]

    taken = said(max_, ada, "accept", 6) + said(ada, max_, "accept", 6)
    for place, other in enumerate(others):
        taken += said(other, ada, "reject", 1) + said(other, max_, "reject", 1)
        taken += said(others[place - 1], other, "accept", 4)
    Decision.objects.bulk_create(taken)

    reckoning.look_for_signals(line)

    named = [{signal.first, signal.second} for signal in Signal.objects.all()]
    assert {ada, max_} in named
    assert Signal.objects.order_by("q").first().facts["accepted"] == [6, 6]
