"""Who has named a skill is asked to review what comes in for it."""

from __future__ import annotations

import pytest

from apps.accounts.models import Account, Role
from apps.contributions.discussion.models import Involvement
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.affiliations import affiliate
from apps.history.queries import life_of
from apps.reviews.queue import habits, places
from apps.skills.models import Skill
from tests.people import a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db


def knowing(skill: Skill, **told: object) -> Account:
    """A reviewer who has named this skill."""
    person = somebody(Role.REVIEWER)
    rest = {"cap": None, "quiet_from": None, "quiet_until": None, "time_zone": "UTC"}
    habits.set_habits(person, skills=[skill], **(rest | told))
    return person


def asked(contribution: Contribution) -> list[Account]:
    places.pull()
    named = Involvement.objects.filter(contribution=contribution, part="reviewer")
    return [one.account for one in named.select_related("account")]


def test_of_those_who_know_the_skill_the_least_busy_is_asked_on_record():
    line = a_line("sums", "manners")
    sums, manners = line.skills.all()
    first, second = knowing(sums), knowing(sums)
    knowing(manners)
    items = [a_contribution(line, skill=sums, stage=Stage.IN_REVIEW) for _ in range(2)]

    assert [asked(item) for item in items] == [[first], [second]]
    told = life_of(items[0]).get(verb="review asked for")
    assert (told.actor, told.because) == ("reviews", "they named the skill sums")


def test_nobody_is_asked_who_is_too_close_or_rests_or_where_somebody_was_asked_before():
    line = a_line()
    sums = line.skills.get()
    item = a_contribution(line, skill=sums, stage=Stage.IN_REVIEW)
    colleague = knowing(sums)
    for one in (colleague, item.author):
        affiliate(one, "acme", by=one)

    assert asked(item) == []

    other = a_contribution(line, skill=sums, stage=Stage.IN_REVIEW)
    named = somebody(Role.REVIEWER)
    Involvement.objects.create(contribution=other, account=named, part="reviewer")
    assert asked(other) == [named]
