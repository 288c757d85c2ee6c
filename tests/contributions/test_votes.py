"""Who asked may judge, once; what a stranger says counts when they sign in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from apps.accounts.models import Account, Role
from apps.contributions import votes
from apps.contributions.drafts import Owner
from apps.contributions.errors import ContributionRefused, NotYourAnswer
from apps.contributions.models import Vote
from apps.skills.models import ModelLine
from apps.traces.actions import log
from apps.traces.clusters import help_wanted
from apps.traces.models import Arm, Outcome, Trace
from tests.people import a_line, somebody

STRANGER, OTHER = Owner(None, "a" * 64), Owner(None, "b" * 64)


def answered(
    owner: Owner, prompt: str = "Which day?", line: ModelLine | None = None, user: str = ""
) -> Trace:
    said = {"choices": [{"message": {"content": f"Answer to {prompt}"}}]}
    return log(
        line or a_line(), version="v1", digest="d" * 64, arm=Arm.LIVE, experiment="",
        channel="stable", user=user or votes.asker(owner), skill="", asked_by=owner.account,
        messages=[{"role": "user", "content": prompt}], answer=said, error="", seconds=0.1,
    )  # fmt: skip


@pytest.mark.django_db
def test_a_strangers_thumb_is_kept_and_counts_when_they_sign_in():
    trace, ada = answered(STRANGER), somebody()

    votes.rate(trace, by=STRANGER, verdict="bad")
    assert Outcome.objects.count() == 0

    votes.claim(Owner(ada, STRANGER.visitor))
    outcome = Outcome.objects.get()
    assert (outcome.trace, outcome.judge, outcome.success) == (trace, ada, False)
    assert votes.own_trace(trace.public_id, Owner(ada)) == trace


@pytest.mark.django_db
@pytest.mark.parametrize(("stars", "success"), [(1, False), (3, False), (4, True), (5, True)])
def test_stars_are_an_outcome_with_their_number(stars: int, success: bool):
    ada = Owner(somebody())

    votes.rate(answered(ada), by=ada, verdict="", stars=stars)

    assert list(Outcome.objects.values_list("rating", "success")) == [(stars, success)]


@pytest.mark.django_db
def test_nobody_sees_or_judges_what_others_asked():
    trace, ada = answered(STRANGER), Owner(somebody())
    pair = votes.pair_up(trace, answered(STRANGER), by=STRANGER)

    for other in (OTHER, ada, Owner(None)):
        assert votes.own_trace(trace.public_id, other) is None
        assert votes.own_pair(pair.key, other) is None
        with pytest.raises(NotYourAnswer):
            votes.rate(trace, by=other, verdict="good")
        with pytest.raises(NotYourAnswer):
            votes.vote(pair, by=other, verdict="a")
    assert not Vote.objects.exists()


@pytest.mark.django_db
def test_a_strangers_pair_is_theirs_when_they_sign_in_and_so_are_its_answers():
    pair = votes.pair_up(answered(STRANGER), answered(STRANGER), by=STRANGER)
    votes.vote(pair, by=STRANGER, verdict="both_bad")
    ada = Owner(somebody())

    votes.claim(Owner(ada.account, STRANGER.visitor))

    assert votes.own_pair(pair.key, ada) == pair
    assert votes.own_trace(pair.a.public_id, ada) == pair.a
    assert votes.own_trace(pair.b.public_id, ada) == pair.b
    assert votes.own_pair(pair.key, STRANGER) is None


@pytest.mark.django_db
def test_a_pair_whose_answers_one_may_not_judge_is_not_there():
    ada = Owner(somebody())
    pair = votes.pair_up(answered(ada), answered(Owner(somebody())), by=ada)

    assert votes.own_pair(pair.key, ada) is None


@pytest.mark.django_db
def test_what_somebody_judged_is_shown_to_them_while_they_may_judge_it():
    trace, grace = answered(Owner(somebody())), somebody(Role.REVIEWER)
    Outcome.objects.create(trace=trace, judge=grace, success=True)
    assert votes.own_trace(trace.public_id, Owner(grace)) == trace

    grace.role = Role.CONTRIBUTOR

    assert votes.own_trace(trace.public_id, Owner(grace)) is None


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("verdict", "outcomes"), [("a", []), ("tie", [True, True]), ("both_bad", [False, False])]
)
def test_a_vote_on_a_pair_says_of_each_answer_what_it_implies(verdict: str, outcomes: list[bool]):
    ada = Owner(somebody())
    pair = votes.pair_up(answered(ada), answered(ada), by=ada)

    votes.vote(pair, by=ada, verdict=verdict)

    assert list(Outcome.objects.values_list("success", flat=True)) == outcomes


@pytest.mark.django_db
def test_the_sides_of_pairs_fall_both_ways():
    one, other = answered(STRANGER), answered(STRANGER)

    sides = {votes.pair_up(one, other, by=STRANGER).a_id for _ in range(40)}

    assert sides == {one.pk, other.pk}


@pytest.mark.django_db(transaction=True)
def test_of_many_votes_at_once_one_is_stored():
    ada = Owner(somebody())
    pair = votes.pair_up(answered(ada), answered(ada), by=ada)

    def vote(number: int) -> bool:
        try:
            return votes.vote(pair, by=ada, verdict=("a", "both_bad")[number % 2])[1]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as clicks:
        fresh = list(clicks.map(vote, range(8)))

    assert sum(fresh) == Vote.objects.count() == 1


@pytest.mark.django_db
def test_a_vote_for_nothing_is_refused():
    with pytest.raises(ContributionRefused, match="say whether the answer is good"):
        votes.rate(answered(STRANGER), by=STRANGER, verdict="a")


def wrong(line: ModelLine, by: Account, prompt: str, user: str) -> None:
    trace = answered(Owner(by), prompt, line, user)
    Outcome.objects.create(trace=trace, judge=by, success=False)


@pytest.mark.django_db
def test_help_is_wanted_where_three_people_asked_alike_and_numbers_are_left_out():
    line, app = a_line(), somebody()
    for user, day in (("u1", "3.4.2026"), ("u2", "9.11.2027"), ("u3", "1.1.2020")):
        wrong(line, app, f"Which day  is {day}?", user)
        wrong(line, app, f"My secret {day} of {user}", "u1")
        wrong(line, app, "Who was first?", user)
    wrong(a_line(), app, "Which day is 1.1.2020?", "u9")

    found = {one.form: (one.question, one.answers, one.askers) for one in help_wanted(line)}

    assert found == {
        "which day is ….….…?": ("", 3, 3),
        "who was first?": ("Who was first?", 3, 3),
    }
