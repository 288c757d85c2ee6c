"""Screening what waits: on to review or quarantine, once, and never past a crash."""

from __future__ import annotations

import pytest

from apps.checks import actions, reference, tasks
from apps.checks.models import Finding, Screening
from apps.contributions import actions as contributions
from apps.contributions.stages import Stage
from apps.history.errors import MoveRefused
from apps.history.models import Letter
from tests.people import a_contribution, a_line
from training import screening

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept():
    """Workers keep references; each test has lines of its own."""
    reference._kept.clear()


def test_clean_rows_go_to_review_with_nothing_found():
    contribution = a_contribution()

    actions.check(contribution)

    assert contribution.stage == Stage.IN_REVIEW
    assert list(Finding.objects.all()) == []


def test_personal_data_goes_to_quarantine_with_its_rows_and_a_mend():
    rows = [
        {"prompt": "Who wrote the manual?", "completion": "The manual team did."},
        {"prompt": "Whom do I ask?", "completion": "Ask jo.smith@gmail.com about it."},
    ]
    contribution = a_contribution(rows=rows)

    actions.check(contribution)

    found = Finding.objects.get(severity="quarantine")
    assert contribution.stage == Stage.QUARANTINED
    assert (found.screen, found.rows) == ("personal data", [1])
    assert found.mend


def test_rows_that_somebody_sent_before_are_named_with_their_number():
    line = a_line()
    rows = [{"prompt": "How tall is the tower?", "completion": "It is 300 m tall."}]
    first = a_contribution(line, rows=rows, stage=Stage.IN_REVIEW)
    second = a_contribution(line, rows=rows)

    actions.check(second)

    found = Finding.objects.get(screen="duplicates")
    assert found.evidence == {"contributions": [first.pk]}


def test_a_rejected_copy_does_not_count_as_sent_before():
    line = a_line()
    rows = [{"prompt": "How tall is the tower?", "completion": "It is 300 m tall."}]
    a_contribution(line, rows=rows, stage=Stage.REJECTED)
    second = a_contribution(line, rows=rows)

    actions.check(second)

    assert not Finding.objects.filter(screen="duplicates").exists()


def test_a_screen_that_crashes_leaves_a_finding_and_the_others_still_run(monkeypatch):
    def crash(*_):
        raise RuntimeError("no more memory")

    monkeypatch.setitem(screening.SCREENS, "noise", crash)
    contribution = a_contribution(
        rows=[{"prompt": "Whom?", "completion": "Ask jo.smith@gmail.com about it."}]
    )

    actions.check(contribution)

    severities = dict(Finding.objects.values_list("screen", "severity"))
    assert severities["noise"] == "flag"
    assert severities["personal data"] == "quarantine"


def test_what_was_withdrawn_meanwhile_keeps_no_screening():
    contribution = a_contribution()
    mine = type(contribution).objects.get(pk=contribution.pk)
    contributions.withdraw(contribution, by=contribution.author)

    with pytest.raises(MoveRefused):
        actions.check(mine)
    assert not Screening.objects.exists()


def test_two_rings_put_a_waiting_contribution_on_the_queue_once():
    contribution = a_contribution()

    tasks.check_waiting()
    tasks.check_waiting()

    assert [letter.arguments for letter in Letter.objects.all()] == [[contribution.pk]]


def test_checking_twice_checks_once():
    contribution = a_contribution()

    tasks.check_one(contribution.pk)
    tasks.check_one(contribution.pk)

    assert Screening.objects.count() == 1


def test_accepted_rows_become_part_of_what_screens_compare_with():
    line = a_line()
    rows = [{"prompt": "How tall is the tower?", "completion": "It is 300 m tall."}]
    assert len(reference.reference_for(line).known) == 0
    a_contribution(line, rows=rows, stage=Stage.ACCEPTED)

    assert [row.answer for row in reference.reference_for(line).known] == ["It is 300 m tall."]
