"""Nobody gets their own, their organisation's, or their cluster's work."""

from __future__ import annotations

import pytest
from allauth.usersessions.models import UserSession

from apps.accounts.actions import make_service
from apps.accounts.errors import NotAllowed
from apps.accounts.models import Account, Role
from apps.contributions.models import Contribution
from apps.contributions.stages import Stage
from apps.history.affiliations import affiliate
from apps.history.queries import life_of
from apps.reviews import actions
from apps.reviews.errors import Affiliated, NotAReviewer, OwnWork
from apps.reviews.models import Tie
from apps.reviews.queries import queue_for
from apps.reviews.queue import affiliation, places
from apps.reviews.queue.policy import QueueRule
from tests.people import a_contribution, a_line, somebody

pytestmark = pytest.mark.django_db

ELSEWHERE = "93.184.216.34"


def waiting(by: Account) -> Contribution:
    return a_contribution(by=by, stage=Stage.IN_REVIEW)


def signed_in(account: Account, address: str) -> None:
    number = UserSession.objects.count()
    UserSession.objects.create(user=account, ip=address, session_key=f"k{number}", user_agent="x")


def nothing_for(reviewer: Account, item: Contribution, refusal: type[Exception]) -> None:
    """Not in the list, not by next, not by opening it, not by deciding or skipping."""
    assert item not in queue_for(reviewer)
    assert actions.next_for(reviewer) is None
    for tried in (
        lambda: actions.claim(item, by=reviewer),
        lambda: actions.accept(item, by=reviewer, digest=item.digest),
        lambda: actions.reject(item, by=reviewer, digest=item.digest, because="no"),
    ):
        with pytest.raises(refusal):
            tried()


def test_the_work_of_ones_own_service_is_ones_own():
    grace = somebody(Role.REVIEWER)

    nothing_for(grace, waiting(make_service(grace, "nightly-import")), OwnWork)


def test_colleagues_do_not_decide_on_each_other_however_they_spell_the_name():
    grace, ada = somebody(Role.REVIEWER), somebody()
    affiliate(grace, "Example  University", by=grace)
    affiliate(ada, "EXAMPLE UNIVERSITY", by=ada)

    nothing_for(grace, waiting(ada), Affiliated)
    nothing_for(grace, waiting(make_service(ada, "ada-bot")), Affiliated)


def test_leaving_an_organisation_does_not_open_its_work_at_once():
    grace, ada = somebody(Role.REVIEWER), somebody()
    for one in (grace, ada):
        affiliate(one, "acme", by=one)

    affiliate(grace, "", by=grace, because="a new job")

    nothing_for(grace, waiting(ada), Affiliated)


def test_where_somebody_belongs_is_said_by_them_or_a_maintainer_and_recorded():
    ada, mary = somebody(), somebody(Role.MAINTAINER)
    affiliate(ada, "acme", by=mary, because="their address says so")
    with pytest.raises(NotAllowed):
        affiliate(ada, "", by=somebody(Role.REVIEWER))

    told = life_of(ada).get(verb="affiliated")
    assert (told.actor, told.details) == (mary.username, {"from": "", "to": "acme"})


def test_who_signs_in_from_one_address_is_kept_apart_before_and_after_the_clock():
    grace, ada = somebody(Role.REVIEWER), somebody()
    item = waiting(ada)
    for one in (grace, ada):
        signed_in(one, ELSEWHERE)

    with pytest.raises(Affiliated):
        actions.accept(item, by=grace, digest=item.digest)
    assert affiliation.tie_by_address(QueueRule()) == 1
    nothing_for(grace, item, Affiliated)
    assert Tie.objects.get().evidence == {"days_apart": 0.0}


@pytest.mark.parametrize("address", ["127.0.0.1", "192.168.1.7", "10.0.0.1", "::1"])
def test_an_address_inside_a_house_ties_nobody(address: str):
    for one in (somebody(), somebody(Role.REVIEWER)):
        signed_in(one, address)

    assert affiliation.tie_by_address(QueueRule()) == 0


def test_an_address_of_a_crowd_ties_nobody_and_one_network_of_six_ties_two():
    crowd = [somebody() for _ in range(6)]
    for one in crowd:
        signed_in(one, ELSEWHERE)
    signed_in(crowd[0], "2a02:2f0e::1")
    signed_in(crowd[1], "2a02:2f0e::2")

    affiliation.tie_by_address(QueueRule())

    pairs = set(Tie.objects.values_list("one", "other"))
    assert pairs == {(crowd[0].pk, crowd[1].pk)}


def test_who_sends_the_same_rows_is_kept_apart():
    line, grace, ada = a_line(), somebody(Role.REVIEWER), somebody()
    rows = [{"prompt": f"What is {n} plus {n}?", "completion": str(2 * n)} for n in range(3)]
    a_contribution(line, by=grace, rows=rows)
    item = a_contribution(line, by=ada, rows=rows, stage=Stage.IN_REVIEW)

    places.pull()

    nothing_for(grace, item, Affiliated)
    assert Tie.objects.get().evidence["rows"] == 3


def test_ties_reach_over_a_few_accounts_and_end_when_they_are_dismissed():
    grace, middle, ada = somebody(Role.REVIEWER), somebody(), somebody()
    for one, other in ((grace, middle), (middle, ada)):
        Tie.objects.create(one=one, other=other, kind="rows")
    item, mary = waiting(ada), somebody(Role.MAINTAINER)
    nothing_for(grace, item, Affiliated)

    with pytest.raises(NotAReviewer):
        affiliation.dismiss(Tie.objects.first(), by=grace, because="it is not so")
    affiliation.dismiss(Tie.objects.first(), by=mary, because="a shared data set")

    assert actions.next_for(grace) == item
    assert life_of(grace).get(verb="tie dismissed").because == "a shared data set"


def test_a_dismissed_address_does_not_come_back():
    grace, ada = somebody(Role.REVIEWER), somebody()
    for one in (grace, ada):
        signed_in(one, ELSEWHERE)
    affiliation.tie_by_address(QueueRule())
    affiliation.dismiss(Tie.objects.get(), by=somebody(Role.MAINTAINER), because="one café")

    affiliation.tie_by_address(QueueRule())

    item = waiting(ada)
    assert actions.accept(item, by=grace, digest=item.digest).digest == item.digest
