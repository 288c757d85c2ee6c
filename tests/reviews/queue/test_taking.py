"""Taking from the queue: the item worth most, held for a while, by one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts.models import Role
from apps.contributions import actions as contributions
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.queries import life_of
from apps.reviews import actions
from apps.reviews.errors import ClaimedByAnother, ReasonMissing
from apps.reviews.models import Claim, Place, Skip
from apps.reviews.queue import claims, habits, places, skips, worth
from apps.reviews.queue.models import Demand, Pulled
from apps.skills.models import ModelLine
from apps.traces.models import Outcome, Trace
from tests.people import a_contribution, a_line, somebody
from tests.reviews.queue.racing import ahead_of

pytestmark = pytest.mark.django_db


A_WEEK = 168


def waiting(line: ModelLine, skill: str = "sums", **more: object) -> Contribution:
    """A contribution of this skill in review."""
    return a_contribution(line, stage=Stage.IN_REVIEW, skill=line.skills.get(name=skill), **more)


def skipped(contribution: Contribution, by: object) -> None:
    claims.skip(contribution, by=by, why="not_mine")


def aged(contribution: Contribution, hours: float) -> None:
    """Let it have come so much earlier."""
    came = timezone.now() - timedelta(hours=hours)
    place = Place.objects.get(pk=contribution.pk)
    rule = worth.QueueRule.of(place.line)
    place.arrived_at = place.counts_from = came
    place.standing = worth.standing_of(place.worth, came, rule)
    place.save()


def test_what_comes_to_review_gets_a_place_and_what_leaves_it_loses_it():
    stays, goes = (a_contribution(stage=Stage.IN_REVIEW) for _ in range(2))

    given = places.pull()
    contributions.withdraw(goes, by=goes.author)
    again = places.pull()

    assert (given, again) == (2, 0)
    assert list(Place.objects.values_list("contribution", flat=True)) == [stays.pk]


def test_more_than_one_pull_can_take_is_left_for_the_next():
    waiting_ones = [a_contribution(stage=Stage.IN_REVIEW).pk for _ in range(5)]

    assert [places.pull(limit=2) for _ in range(3)] == [2, 2, 1]
    assert set(Place.objects.values_list("contribution", flat=True)) == set(waiting_ones)


def test_what_cannot_be_weighed_holds_up_nobody(monkeypatch: pytest.MonkeyPatch):
    bad, good = (a_contribution(stage=Stage.IN_REVIEW) for _ in range(2))
    weigh = worth.novelty

    def breaks(contribution: Contribution) -> float:
        if contribution == bad:
            raise ValueError("a prompt that nobody foresaw")
        return weigh(contribution)

    monkeypatch.setattr(worth, "novelty", breaks)

    assert places.pull() == 2
    assert set(Place.objects.values_list("contribution", flat=True)) == {bad.pk, good.pk}


def test_what_a_pull_has_missed_is_found_by_looking_again():
    places.pull()
    item = a_contribution(stage=Stage.IN_REVIEW)
    Pulled.objects.update(until=timezone.now() + timedelta(hours=1))
    assert places.pull() == 0

    places.look_again()

    assert places.pull() == 1
    assert Place.objects.get().contribution == item


def test_a_skill_with_more_traffic_and_more_failures_comes_first():
    line, ada = a_line("sums", "manners"), somebody()
    rare, common = waiting(line, "sums"), waiting(line, "manners")
    for number, skill in enumerate(["manners"] * 3 + ["sums"]):
        trace = Trace.objects.create(
            line=line, skill=line.skills.get(name=skill), channel="stable", version="v",
            version_digest="d" * 64, messages=[{"role": "user", "content": f"{number}?"}],
        )  # fmt: skip
        Outcome.objects.create(trace=trace, judge=ada, success=number > 1)
    places.pull()

    places.measure_demand(line)

    manners = Demand.objects.get(heap=common.skill_id)
    assert (manners.traffic, manners.failing) == (0.75, 1.0)
    assert actions.next_for(somebody(Role.REVIEWER)) == common
    assert rare.skill_id != common.skill_id


def test_what_stands_accepted_already_is_worth_least():
    line = a_line()
    asked = "What is the sum of all whole numbers from one to one hundred?"
    rows = [{"prompt": asked, "completion": "5050"}]
    accepted = waiting(line, rows=rows)
    actions.accept(accepted, by=somebody(Role.REVIEWER), digest=accepted.digest)
    copy, fresh = waiting(line, rows=rows), waiting(line)

    places.pull()

    novelties = {p.pk: p.factors["novelty"] for p in Place.objects.all()}
    assert novelties == {copy.pk: worth.LEAST_NOVELTY, fresh.pk: 1.0}
    assert actions.next_for(somebody(Role.REVIEWER)) == fresh


def test_waiting_raises_priority_until_nothing_is_left_behind():
    line = a_line()
    poor, good = waiting(line), waiting(line)
    places.pull()
    worth_of_good = Place.objects.get(pk=good.pk).worth
    Place.objects.filter(pk=poor.pk).update(worth=worth_of_good - 4)

    aged(poor, hours=4 * A_WEEK - 1)
    before = Place.objects.latest("standing").pk
    aged(poor, hours=4 * A_WEEK + 1)
    after = Place.objects.latest("standing").pk

    # Sixteen times less is four half-lives of a week.
    assert (before, after) == (good.pk, poor.pk)


def test_another_half_life_in_the_policy_counts_every_place_anew():
    line = a_line()
    item = waiting(line)
    places.pull()
    line.policy = {"review": {"half_life_hours": 24}}
    line.save()

    places.pull()

    place, rule = Place.objects.get(pk=item.pk), worth.QueueRule(half_life_hours=24)
    expected = worth.standing_of(place.worth, place.counts_from, rule)
    assert place.standing == pytest.approx(expected, abs=1e-6)


def test_a_reviewer_gets_their_own_skills_first_and_the_others_after():
    line = a_line("sums", "manners")
    waiting(line, "sums"), (manners := waiting(line, "manners"))
    grace = somebody(Role.REVIEWER)
    habits.set_habits(
        grace, skills=[manners.skill], cap=None, quiet_from=None, quiet_until=None, time_zone="UTC"
    )
    places.pull()

    assert actions.next_for(grace) == manners
    assert len(ahead_of(grace)) == 1


def test_the_score_is_the_product_of_its_factors_and_says_them():
    item = waiting(a_line())
    places.pull()
    aged(item, hours=2 * A_WEEK)

    place = Place.objects.get(pk=item.pk)
    score = worth.explain(place, item, habits=None, at=timezone.now())

    values = {factor.name: factor.value for factor in score.factors}
    assert list(values) == ["demand", "votes", "cluster", "novelty", "effort", "fit", "age"]
    assert values["age"] == pytest.approx(4, rel=1e-3)
    # A minute for the PR and twenty-one seconds for its row.
    assert values["effort"] == pytest.approx(1 / 1.35)
    assert score.value == pytest.approx(0.04 * 4 / 1.35, rel=1e-3)
    assert score.says == (
        "100 % new beside what is accepted; 1 minute to read; it has waited 336 hours"
    )


def test_the_next_two_are_held_ahead_and_yield_to_who_has_nothing_else():
    first, *others = (waiting(a_line()) for _ in range(3))
    grace, alan = somebody(Role.REVIEWER), somebody(Role.REVIEWER)

    got = actions.next_for(grace)
    ahead = ahead_of(grace)
    taken = actions.next_for(alan)

    assert {got, *ahead} == {first, *others}
    assert taken in ahead
    assert ahead_of(grace) == [one for one in ahead if one != taken]


def test_a_decision_brings_up_what_was_held_ahead():
    for _ in range(4):
        waiting(a_line())
    grace = somebody(Role.REVIEWER)
    first = actions.next_for(grace)
    ahead = ahead_of(grace)

    actions.accept(first, by=grace, digest=first.digest)

    assert actions.next_for(grace) == ahead[0]
    assert ahead_of(grace)[0] == ahead[1]
    assert Claim.objects.filter(reviewer=grace).count() == 3
    assert not Place.objects.filter(pk=first.pk).exists()


def test_a_claim_expires_unless_it_is_renewed():
    item, grace, alan = waiting(a_line()), somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    actions.claim(item, by=grace)
    soon = timezone.now() + timedelta(seconds=1)
    Claim.objects.update(expires_at=soon)

    renewed = actions.claim(item, by=grace)
    with pytest.raises(ClaimedByAnother):
        actions.claim(item, by=alan)
    Claim.objects.update(expires_at=timezone.now() - timedelta(seconds=1))

    assert renewed.expires_at > soon
    assert actions.next_for(alan) == item


def test_what_is_given_back_is_offered_to_the_next():
    item, grace, alan = waiting(a_line()), somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    actions.claim(item, by=grace)

    assert actions.next_for(alan) is None
    claims.give_back(item, by=grace)
    assert actions.next_for(alan) == item


def test_what_is_skipped_is_not_offered_to_the_same_reviewer_for_a_while():
    item, grace, alan = waiting(a_line()), somebody(Role.REVIEWER), somebody(Role.REVIEWER)
    assert actions.next_for(grace) == item

    claims.skip(item, by=grace, why="not_mine", because="I know no sums")

    assert actions.next_for(grace) is None
    assert actions.next_for(alan) == item
    claims.give_back(item, by=alan)
    Skip.objects.update(until=timezone.now())
    assert actions.next_for(grace) == item


def test_a_skip_needs_a_reason_and_several_flag_the_item_on_record():
    item = waiting(a_line())
    places.pull()
    with pytest.raises(ReasonMissing):
        claims.skip(item, by=somebody(Role.REVIEWER), why="")

    for _ in range(3):
        skipped(item, by=somebody(Role.REVIEWER))

    assert Place.objects.get(pk=item.pk).flagged
    flagged = life_of(item).get(verb="flagged")
    assert flagged.because == "3 reviewers skipped it"


def test_a_line_without_skills_has_a_queue_too():
    line = ModelLine.objects.create(name="bare", title="Bare", base="nowhere")
    item = a_contribution(line, stage=Stage.IN_REVIEW)

    assert actions.next_for(somebody(Role.REVIEWER)) == item


def test_what_takes_rows_out_again_is_offered_to_maintainers_alone():
    line = a_line()
    item = waiting(line)
    Contribution.objects.filter(pk=item.pk).update(reverts=a_contribution(line))
    places.pull()

    assert actions.next_for(somebody(Role.REVIEWER)) is None
    assert actions.next_for(somebody(Role.MAINTAINER)) == item


def test_a_skip_taken_back_offers_the_item_again_and_lifts_its_flag():
    item, people = (
        a_contribution(stage=Stage.IN_REVIEW),
        [somebody(Role.REVIEWER) for _ in range(3)],
    )
    places.pull()
    for one in people:
        claims.skip(item, by=one, why="unclear")
    flagged = Place.objects.get().flagged

    assert [skips.take_back(item, by=people[0]) for _ in range(2)] == [True, False]

    assert (flagged, Place.objects.get().flagged) == (True, False)
    assert list(skips.passed_on(people[1]).values_list("contribution", flat=True)) == [item.pk]
    assert actions.next_for(people[0]) == item


def test_what_a_caller_wrote_besides_waits_for_the_disk_as_before():
    waiting(a_line())
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = on")
        assert actions.next_for(somebody(Role.REVIEWER))
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
