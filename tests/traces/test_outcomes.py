"""Outcomes of answers: each row has its verdict, and one judge counts once."""

from __future__ import annotations

import pytest

from apps.skills.models import ModelLine
from apps.traces import actions, queries
from apps.traces.errors import BadOutcome, UnknownTrace
from apps.traces.models import Arm, Outcome, Trace
from tests.people import a_line, somebody

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

    verdicts = actions.record_outcomes(rows, by=ada)

    assert statuses(verdicts) == [
        ("stored", ""),
        ("refused", "unknown_trace"),
        ("refused", "bad_success"),
        ("refused", "bad_rating"),
        ("refused", "bad_trace"),
        ("refused", "not_an_object"),
    ]
    assert all(verdict.mend for verdict in verdicts[1:])
    stored = Outcome.objects.get()
    assert (stored.success, stored.rating, stored.client_id) == (True, 4, "mine-1")


def test_a_judge_counts_once_for_an_answer():
    trace, ada = a_trace(), somebody()
    row = {"trace": trace.public_id, "success": True}

    assert statuses(actions.record_outcomes([row, row], by=ada)) == [
        ("stored", ""),
        ("duplicate", ""),
    ]
    assert statuses(actions.record_outcomes([row], by=ada)) == [("duplicate", "")]
    assert statuses(actions.record_outcomes([row], by=somebody())) == [("stored", "")]


def test_shadow_answers_are_not_judged_by_themselves():
    live = a_trace()
    shadow = a_trace(live.line, arm=Arm.SHADOW, mirror_of=live)
    row = {"trace": shadow.public_id, "success": True}

    verdicts = actions.record_outcomes([row], by=somebody())

    assert statuses(verdicts) == [("refused", "unknown_trace")]


@pytest.mark.parametrize("right", [True, False])
def test_a_blind_pair_is_stored_on_the_side_it_belongs_to(right: bool):
    live = a_trace(answer="one")
    shadow = a_trace(live.line, arm=Arm.SHADOW, mirror_of=live, answer="two")
    grader = somebody()
    assert list(queries.unjudged_pairs(grader)) == [shadow]
    marks = (right, not right) if actions.shadow_is_a(shadow) else (not right, right)
    row = {"pair": shadow.public_id, "a_success": marks[0], "b_success": marks[1]}

    assert statuses(actions.judge_pairs([row], by=grader)) == [("stored", "")]

    said = dict(Outcome.objects.values_list("trace", "success"))
    assert said == {shadow.pk: right, live.pk: not right}
    assert list(queries.unjudged_pairs(grader)) == []
    assert statuses(actions.judge_pairs([row], by=grader)) == [("duplicate", "")]


def test_nobody_judges_pairs_of_their_own_requests():
    app = somebody()
    live = a_trace(answer="one", asked_by=app)
    a_trace(live.line, arm=Arm.SHADOW, mirror_of=live, answer="two", asked_by=app)

    assert list(queries.unjudged_pairs(app)) == []
    assert queries.unjudged_pairs(somebody()).count() == 1


@pytest.mark.parametrize("name", ["", "tr_", "tr_x", "12x", "tr_999999"])
def test_an_unknown_trace_is_refused_with_what_ids_look_like(name: str):
    with pytest.raises(UnknownTrace, match="ids look like tr_42"):
        queries.trace_named(name)


def test_too_many_outcomes_at_once_are_refused_whole():
    with pytest.raises(BadOutcome, match="at most 5000"):
        actions.record_outcomes([{}] * 5001, by=somebody())
