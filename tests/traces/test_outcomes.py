"""Outcomes of answers: each row has its verdict, and one judge counts once."""

from __future__ import annotations

from threading import Event, Thread

import pytest
from django.db import connection, transaction

from apps.accounts.models import Account, Role
from apps.skills.models import ModelLine
from apps.traces import actions, queries, rules
from apps.traces.models import Arm, Feedback, Outcome, Trace
from tests.people import a_line, somebody
from tests.traces.delivering import send

pytestmark = pytest.mark.django_db


def a_trace(line: ModelLine | None = None, **more: object) -> Trace:
    fields = {"channel": "stable", "version": "base", "version_digest": "b", "messages": []}
    return Trace.objects.create(line=line or a_line(), **{**fields, **more})


def statuses(verdicts: list[actions.Verdict]) -> list[tuple[str, str]]:
    return [(verdict.status, verdict.code) for verdict in verdicts]


def test_good_rows_are_stored_and_bad_ones_are_named():
    trace, ada = a_trace(), somebody()
    rows = [
        {"trace": trace.public_id, "success": True, "rating": 4, "client_id": "mine-1"},
        {"trace": "tr_999999999", "success": True},
        {"trace": trace.public_id, "success": "yes"},
        {"trace": trace.public_id, "success": True, "rating": 9},
        {"trace": 12, "success": True},
        "a thumb",
    ]

    receipt = send(ada, *rows)

    assert {at: bad.code for at, bad in receipt.refused.items()} == {
        1: "unknown_trace",
        2: "bad_success",
        3: "bad_rating",
        4: "bad_trace",
        5: "not_an_object",
    }
    assert all(bad.mend for bad in receipt.refused.values())
    stored = Outcome.objects.get()
    assert (stored.success, stored.rating, stored.client_id) == (True, 4, "mine-1")


def test_a_judge_counts_once_for_an_answer():
    trace, ada = a_trace(), somebody()
    row = {"trace": trace.public_id, "success": True}

    first = send(ada, row, row)
    number = Feedback.objects.get().public_id
    assert (first.counts["stored"], first.repeats) == (1, {1: number})
    assert send(ada, row).repeats == {0: number}
    assert send(somebody(), row).counts["stored"] == 1
    assert Outcome.objects.count() == 2


def test_a_correction_says_that_the_answer_was_wrong_and_counts_beside_a_thumb():
    trace, ada, grace = a_trace(), somebody(), somebody()

    send(ada, {"trace": trace.public_id, "correction": "four"})
    send(grace, {"trace": trace.public_id, "success": False})
    late = send(grace, {"trace": trace.public_id, "correction": "four"})

    assert late.counts["stored"] == 1
    assert list(Outcome.objects.values_list("judge", "success")) == [
        (ada.pk, False),
        (grace.pk, False),
    ]
    assert Feedback.objects.count() == 3


def test_what_others_asked_is_judged_by_judges_only():
    asked_by, ada, grader = somebody(), somebody(), somebody(Role.REVIEWER)
    row = {"trace": a_trace(asked_by=asked_by).public_id, "success": True}

    assert send(ada, row).refused[0].code == "unknown_trace"
    assert send(grader, row).counts["stored"] == 1
    assert send(asked_by, row).counts["stored"] == 1


def test_shadow_answers_are_not_judged_by_themselves():
    live = a_trace()
    shadow = a_trace(live.line, arm=Arm.SHADOW, mirror_of=live)

    receipt = send(somebody(), {"trace": shadow.public_id, "success": True})

    assert receipt.refused[0].code == "unknown_trace"


@pytest.mark.django_db(transaction=True)
def test_gates_wait_for_an_outcome_with_a_lower_key_that_is_not_committed():
    """A key is given out before its commit: reading past it would lose the outcome for ever."""
    trace, ada, grace = a_trace(experiment="7:1"), somebody(), somebody()
    waits, commits, read = Event(), Event(), []

    def slow() -> None:
        with transaction.atomic():
            send(ada, {"trace": trace.public_id, "success": True})
            waits.set()
            commits.wait(20)
        connection.close()

    def gates() -> None:
        read.extend(queries.outcomes_after("7:1", 0))
        connection.close()

    writer = Thread(target=slow)
    writer.start()
    assert waits.wait(20)
    send(grace, {"trace": trace.public_id, "success": True})
    reader = Thread(target=gates)
    reader.start()
    reader.join(0.3)
    assert reader.is_alive()
    commits.set()
    writer.join(20)
    reader.join(20)

    assert [outcome.judge for outcome in read] == [ada, grace]


@pytest.mark.parametrize("right", [True, False])
def test_a_blind_pair_is_stored_on_the_side_it_belongs_to(right: bool):
    live = a_trace(answer="one")
    shadow = a_trace(live.line, arm=Arm.SHADOW, mirror_of=live, answer="two")
    grader = somebody()
    assert list(rules.pairs_for(grader)) == [shadow]
    marks = (right, not right) if actions.shadow_is_a(shadow) else (not right, right)
    row = {"pair": shadow.public_id, "a_success": marks[0], "b_success": marks[1]}

    assert statuses(actions.judge_pairs([row], by=grader)) == [("stored", "")]

    said = dict(Outcome.objects.values_list("trace", "success"))
    assert said == {shadow.pk: right, live.pk: not right}
    assert list(rules.pairs_for(grader)) == []
    assert statuses(actions.judge_pairs([row], by=grader)) == [("duplicate", "")]


def test_nobody_judges_pairs_of_their_own_requests():
    app = somebody()
    live = a_trace(answer="one", asked_by=app)
    shadow = a_trace(live.line, arm=Arm.SHADOW, mirror_of=live, answer="two", asked_by=app)

    assert list(rules.pairs_for(app)) == []
    assert list(rules.pairs_for(somebody(Role.REVIEWER))) == [shadow]
    pair = {"pair": f"tr_{shadow.pk}", "a_success": True, "b_success": False}
    assert statuses(actions.judge_pairs([pair], by=app)) == [("refused", "own_answers")]
    assert not Outcome.objects.exists()


def a_pair_of(asked_by: Account | None, user: str = "") -> Trace:
    whose = {"asked_by": asked_by, "user": user}
    live = a_trace(answer="one", **whose)
    return a_trace(live.line, arm=Arm.SHADOW, mirror_of=live, answer="two", **whose)


def a_service_of(owner: Account) -> Account:
    name = f"service-{Account.objects.count()}"
    return Account.objects.create(username=name, role=Role.SERVICE, owner=owner)


def judge_it(shadow: Trace, by: Account) -> list[tuple[str, str]]:
    row = {"pair": shadow.public_id, "a_success": True, "b_success": False}
    return statuses(actions.judge_pairs([row], by=by))


@pytest.mark.parametrize("role", [Role.CONTRIBUTOR, Role.TRUSTED, Role.ADMIN])
def test_a_pair_of_somebody_elses_request_is_not_there_for_who_judges_for_nobody(role: str):
    shadow, other = a_pair_of(somebody()), somebody(role)

    assert list(rules.pairs_for(other)) == []
    assert judge_it(shadow, other) == [("refused", "unknown_pair")]
    assert not Outcome.objects.exists()


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.MAINTAINER, Role.RELEASE_MANAGER])
def test_who_judges_for_others_sees_every_pair(role: str):
    shadow, judge = a_pair_of(somebody()), somebody(role)

    assert list(rules.pairs_for(judge)) == [shadow]
    assert judge_it(shadow, judge) == [("stored", "")]


def test_what_a_visitor_asked_is_no_more_open_than_what_an_account_asked():
    shadow, ada = a_pair_of(None, user="visitor-" + "a" * 40), somebody()
    row = {"trace": f"tr_{shadow.mirror_of_id}", "success": True}

    assert list(rules.pairs_for(ada)) == []
    assert judge_it(shadow, ada) == [("refused", "unknown_pair")]
    assert send(ada, row).refused[0].code == "unknown_trace"


def test_what_nobody_asked_is_open_to_every_account():
    shadow, ada = a_pair_of(None, user="imported"), somebody()

    assert list(rules.pairs_for(ada)) == [shadow]
    assert judge_it(shadow, ada) == [("stored", "")]


def test_a_service_sees_no_more_than_the_person_who_answers_for_it():
    shadow, ada, grace = a_pair_of(somebody()), somebody(), somebody(Role.REVIEWER)

    assert list(rules.pairs_for(a_service_of(ada))) == []
    assert judge_it(shadow, a_service_of(ada)) == [("refused", "unknown_pair")]
    assert list(rules.pairs_for(a_service_of(grace))) == [shadow]


def test_what_a_service_asked_is_its_owners_and_its_siblings_too():
    ada = somebody()
    app, desk = a_service_of(ada), a_service_of(ada)
    shadow = a_pair_of(app)
    row = {"trace": f"tr_{shadow.mirror_of_id}", "success": True}

    assert [list(rules.pairs_for(one)) for one in (ada, desk, app)] == [[shadow], [shadow], []]
    assert send(desk, row).counts["stored"] == 1


def test_what_a_person_asks_is_not_their_services():
    ada = somebody()
    a_pair_of(ada)

    assert list(rules.pairs_for(a_service_of(ada))) == []
