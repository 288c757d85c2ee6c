"""Roles: given by those who may, in pairs where it matters, and always on record."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from apps.accounts import actions
from apps.accounts.errors import AccountRefused, BadToken, LastAdministrator, NotAllowed
from apps.accounts.models import Account, Role, Scope
from apps.accounts.queries import token_holder
from apps.history.appointments import OPERATOR, RULE, appoint
from apps.history.models import Event, Proposal
from apps.history.queries import life_of, verify_chain
from tests.people import somebody

pytestmark = pytest.mark.django_db

# (giver, from, to): how many people it takes; what is not here is refused.
C, T, R, M, RM, A = (
    Role.CONTRIBUTOR,
    Role.TRUSTED,
    Role.REVIEWER,
    Role.MAINTAINER,
    Role.RELEASE_MANAGER,
    Role.ADMIN,
)
ALONE = {
    *product([M, A], [(C, T), (T, C), (C, C), (T, T)]),
    *product([A], [(R, C), (R, T), (R, R)]),
}
IN_PAIRS = {
    *product([M], [(C, R), (T, R)]),
    (R, (C, T)),
    *product([A], [(C, R), (T, R)]),
    *product([A], product([C, T, R, M, RM, A], [M, RM, A])),
    *product([A], product([M, RM, A], [C, T, R])),
}


@pytest.mark.parametrize("giver", list(Role))
def test_who_may_change_which_role_alone_in_a_pair_or_never(giver: str):
    somebody(Role.ADMIN)
    for left, entered in product(Role.values, Role.values):
        account, first, second = somebody(left), somebody(giver), somebody(giver)
        step = (giver, (left, entered))
        if step not in ALONE | IN_PAIRS:
            with pytest.raises(NotAllowed):
                appoint(account, entered, by=first)
            continue
        proposal = appoint(account, entered, by=first)
        account.refresh_from_db()
        if step in ALONE:
            assert (proposal, account.role) == (None, entered), step
        else:
            assert (proposal.agreed, account.role) == (False, left), step
            if giver != Role.REVIEWER:
                assert appoint(account, entered, by=second).agreed
                account.refresh_from_db()
                assert account.role == entered, step


def test_a_reviewer_proposes_whom_to_trust_and_a_maintainer_does_it():
    ada, grace, mary = somebody(), somebody(Role.REVIEWER), somebody(Role.MAINTAINER)

    appoint(ada, Role.TRUSTED, by=grace, because="careful work")
    appoint(ada, Role.TRUSTED, by=mary, because="I saw it too")

    ada.refresh_from_db()
    said = [(event.verb, event.actor, event.because) for event in life_of(ada)]
    assert ada.role == Role.TRUSTED
    assert said == [
        ("proposed", str(grace), "careful work"),
        ("appointed", str(mary), "I saw it too"),
    ]


def test_an_appointment_is_a_line_of_the_record_with_both_people_in_it():
    ada, anna, otto = somebody(), somebody(Role.ADMIN), somebody(Role.ADMIN)

    appoint(ada, Role.REVIEWER, by=anna, because="proposed by the desk")
    appoint(ada, Role.REVIEWER, by=otto, because="agreed")

    appointed = life_of(ada).get(verb="appointed")
    assert (appointed.left, appointed.entered, appointed.account) == (
        "contributor",
        "reviewer",
        otto,
    )
    assert appointed.details == {"proposed_by": str(anna)}
    assert verify_chain() == 3


def test_no_role_changes_without_a_line_of_the_record():
    ada = somebody()

    appoint(ada, Role.ADMIN, by=OPERATOR)
    with pytest.raises(NotAllowed):
        appoint(ada, Role.TRUSTED, by=RULE)
    with pytest.raises(NotAllowed):
        appoint(ada, Role.CONTRIBUTOR, by="a stranger")
    with pytest.raises(AccountRefused, match="pick one of"):
        appoint(ada, "emperor", by=OPERATOR)

    assert [(e.actor, e.entered) for e in Event.objects.all()] == [("operator", "admin")]


def test_one_voice_said_twice_is_one_voice():
    ada, anna = somebody(), somebody(Role.ADMIN)

    for _ in range(3):
        assert not appoint(ada, Role.REVIEWER, by=anna).agreed

    assert Proposal.objects.count() == 1


def test_a_proposal_ends_with_its_proposers_rights_after_a_week_and_with_other_terms():
    ada, anna, otto = somebody(), somebody(Role.ADMIN), somebody(Role.ADMIN)
    somebody(Role.ADMIN)

    appoint(ada, Role.REVIEWER, by=anna)
    Account.objects.filter(pk=anna.pk).update(role=Role.REVIEWER)
    assert not appoint(ada, Role.REVIEWER, by=otto).agreed

    Account.objects.filter(pk=anna.pk).update(role=Role.ADMIN)
    anna.refresh_from_db()
    assert not appoint(ada, Role.MAINTAINER, by=anna).agreed

    Proposal.objects.filter(closed_at=None).update(expires_at=timezone.now() - timedelta(hours=1))
    assert not appoint(ada, Role.MAINTAINER, by=otto).agreed
    assert appoint(ada, Role.MAINTAINER, by=anna).agreed


def test_nobody_changes_their_own_role_even_as_the_second():
    anna, otto = somebody(Role.ADMIN), somebody(Role.ADMIN)

    appoint(anna, Role.RELEASE_MANAGER, by=otto)
    with pytest.raises(NotAllowed, match="themselves"):
        appoint(anna, Role.RELEASE_MANAGER, by=anna)


def test_the_last_administrator_stays():
    anna = somebody(Role.ADMIN)
    for by in (OPERATOR,):
        with pytest.raises(LastAdministrator, match="appoint another one first"):
            appoint(anna, Role.CONTRIBUTOR, by=by)

    somebody(Role.ADMIN)
    appoint(anna, Role.CONTRIBUTOR, by=OPERATOR)

    assert Account.objects.filter(role=Role.ADMIN).count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_fall_at_once_leave_one():
    pair = [somebody(Role.ADMIN), somebody(Role.ADMIN)]
    barrier, refused = Barrier(2), list[str]()

    def fall(account: Account) -> None:
        barrier.wait()
        try:
            appoint(account, Role.CONTRIBUTOR, by=OPERATOR)
        except LastAdministrator as refusal:
            refused.append(str(refusal))
        finally:
            connection.close()

    threads = [Thread(target=fall, args=(account,)) for account in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(refused) == 1
    assert Account.objects.filter(role=Role.ADMIN).count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_propose_at_once_one_becomes_the_second():
    ada = somebody()
    pair, barrier = [somebody(Role.ADMIN), somebody(Role.ADMIN)], Barrier(2)

    def want(by: Account) -> None:
        barrier.wait()
        try:
            appoint(ada, Role.REVIEWER, by=by)
        finally:
            connection.close()

    threads = [Thread(target=want, args=(by,)) for by in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ada.refresh_from_db()
    assert ada.role == Role.REVIEWER
    assert [e.verb for e in life_of(ada)] == ["proposed", "seconded", "appointed"]


def test_losing_a_role_ends_the_tokens_that_need_it():
    grace, admin = somebody(Role.REVIEWER), somebody(Role.ADMIN)
    _, reviewing = actions.make_token(grace, name="desk", scopes=[Scope.REVIEW])
    _, chatting = actions.make_token(grace, name="chat", scopes=[Scope.CHAT])

    appoint(grace, Role.CONTRIBUTOR, by=admin)

    assert token_holder(chatting).account == grace
    with pytest.raises(BadToken, match="revoked"):
        token_holder(reviewing)
