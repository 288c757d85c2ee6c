"""Dawid-Skene and Krippendorff's alpha: against worlds whose truth is known."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import Role
from apps.contributions.stages import Stage
from apps.reviews import actions
from apps.reviews.agreement import reckoning
from apps.reviews.agreement.consensus import agreement, posteriors
from apps.reviews.agreement.intervals import at_most, upper_bound, wilson
from apps.reviews.agreement.models import Alpha, Round
from tests.people import NO_CHANCE, a_contribution, a_line, somebody

VERDICTS = ("accept", "changes", "reject")


def test_a_careful_minority_outweighs_careless_reviewers_once_it_is_known():
    rng = random.Random(4)
    truth = {item: rng.choice(VERDICTS) for item in range(120)}
    right = {1: 0.97, 2: 0.97, 3: 0.4, 4: 0.4, 5: 0.4}
    said = [
        (item, who, verdict if rng.random() < share else rng.choice(VERDICTS))
        for item, verdict in truth.items()
        for who, share in right.items()
    ]

    found = posteriors(said, {item: truth[item] for item in range(30)}, VERDICTS)

    likeliest = {item: max(shares, key=shares.__getitem__) for item, shares in found.items()}
    majority = {item: _majority([v for i, _, v in said if i == item]) for item in truth}
    correct = sum(likeliest[item] == truth[item] for item in range(30, 120))
    assert correct >= 85
    assert correct > sum(majority[item] == truth[item] for item in range(30, 120))
    assert all(abs(sum(shares.values()) - 1) < 0.001 for shares in found.values())


def _majority(verdicts: list[str]) -> str:
    return max(VERDICTS, key=verdicts.count)


def test_two_voices_of_whom_nothing_is_known_make_no_certainty():
    found = posteriors([(1, 7, "accept"), (1, 8, "accept")], {}, VERDICTS)

    assert 0.5 < found[1]["accept"] < 0.99


# Krippendorff, Computing Krippendorff's alpha-reliability (2011), section C: nominal, four
# observers, missing values; alpha = 0.743.
PUBLISHED = {
    1: "111", 2: "2232", 3: "3333", 4: "3333", 5: "2222", 6: "1234",
    7: "4444", 8: "1121", 9: "2222", 10: "555", 11: "11",
}  # fmt: skip


def test_alpha_is_the_published_one_for_the_published_example():
    said = [
        (item, place, verdict)
        for item, verdicts in PUBLISHED.items()
        for place, verdict in enumerate(verdicts)
    ]

    assert agreement(said).alpha == pytest.approx(0.743, abs=0.0005)


def test_the_interval_covers_the_alpha_of_the_world_nineteen_times_in_twenty():
    from math import isclose

    # Two reviewers of the same carefulness: alpha of the whole world by the formula on many items.
    def world(seed: int, items: int) -> list[tuple[int, int, str]]:
        rng = random.Random(seed)
        said = []
        for item in range(items):
            truth = rng.choice("ar")
            said += [
                (item, who, truth if rng.random() < 0.85 else rng.choice("ar")) for who in (1, 2)
            ]
        return said

    whole = agreement(world(0, 20000), draws=10).alpha
    covered = sum(
        found.low <= whole <= found.high
        for found in (agreement(world(seed, 80), seed=seed, draws=300) for seed in range(1, 201))
    )

    assert isclose(whole, 0.7225, abs_tol=0.02)
    assert covered >= 180


def test_where_all_say_one_thing_alpha_does_not_exist():
    found = agreement([(1, 1, "accept"), (1, 2, "accept"), (2, 1, "accept")])

    assert (found.alpha, found.items) == (None, 1)


@given(hits=st.integers(0, 30), more=st.integers(1, 300), alpha=st.floats(0.001, 0.3))
def test_the_bound_is_clopper_and_pearson_s(hits: int, more: int, alpha: float):
    from scipy.stats import beta, binom

    bound = upper_bound(hits, hits + more, alpha)

    assert bound == pytest.approx(beta.ppf(1 - alpha, hits + 1, more), abs=1e-9)
    assert at_most(hits, hits + more, bound) == pytest.approx(
        binom.cdf(hits, hits + more, bound), abs=1e-9
    )


def test_wilson_s_interval_is_the_textbook_s_and_stays_in_bounds():
    assert wilson(0, 0) is None
    assert [round(edge, 4) for edge in wilson(8, 10)] == [0.4902, 0.9433]
    assert wilson(0, 5)[0] == 0
    assert wilson(5, 5)[1] == 1


@pytest.mark.django_db
def test_the_clock_reckons_posteriors_and_alpha_of_what_was_decided():
    line = a_line()
    line.policy = {"review": {"agreement": NO_CHANCE | {"overlap": 1}}}
    line.save()
    people = [somebody(Role.REVIEWER) for _ in range(4)]
    for verdicts in (("accept", "accept"), ("reject", "reject"), ("accept", "reject", "reject")):
        pr = a_contribution(line, stage=Stage.IN_REVIEW)
        for person, verdict in zip(people, verdicts, strict=False):
            actions.VERDICTS[verdict](pr, by=person, digest=pr.digest, because="seen")

    weighed, measured = reckoning.weigh(line), reckoning.measure(line)
    again = reckoning.measure(line)

    assert (weighed, measured, again) == (3, 1, 1)
    likeliest = [max(r.posterior, key=r.posterior.get) for r in Round.objects.order_by("pk")]
    assert likeliest == ["accept", "reject", "reject"]
    alpha = Alpha.objects.get()
    assert (alpha.items, alpha.voices) == (3, 7)
    assert alpha.low <= alpha.alpha <= alpha.high
