"""While somebody writes they are told what is private and what resembles it, and nothing else."""

from __future__ import annotations

import pytest

from apps.checks import hints
from apps.checks.actions import check
from apps.contributions.draft_rows import new_key
from apps.contributions.models import Contribution
from apps.contributions.rules import may_see_rows
from apps.contributions.stages import Stage
from apps.rollouts import allowance
from apps.rollouts.errors import AllowanceSpent
from tests.people import a_contribution, a_line, somebody

QUESTION = "How do I change the language of the weekly report that comes by mail?"


def test_personal_data_and_secrets_are_marked_where_they_stand():
    text = "Ask ada.lovelace@engine-works.org, key AKIAIOSFODNN7QRSTUVW."

    places = [(text[mark.start : mark.end], mark.kind) for mark in hints.marks(text)]

    assert [place for place, _ in places] == [
        "ada.lovelace@engine-works.org",
        "AKIAIOSFODNN7QRSTUVW",
    ]
    assert places[0][1] == "an e-mail address"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stage", "consent", "shown"),
    [
        (Stage.ACCEPTED, "train", True),
        (Stage.ACCEPTED, "evaluate", False),
        (Stage.ACCEPTED, "rate", False),
        (Stage.IN_REVIEW, "train", False),
        (Stage.REJECTED, "train", False),
    ],
)
def test_only_accepted_rows_that_all_may_read_are_named_as_similar(
    stage: str, consent: str, shown: bool
):
    line = a_line()
    pr = a_contribution(line, rows=[{"prompt": QUESTION, "completion": "In the settings."}])
    check(pr)
    Contribution.objects.filter(pk=pr.pk).update(stage=stage, consent=consent)

    nearly = QUESTION.replace("weekly", "monthly")
    found = [one.number for one in hints.similar(line, nearly)]

    assert found == ([pr.pk] if shown else [])
    assert hints.similar(line, "Something else altogether, of which nobody has ever heard") == []
    assert hints.similar(a_line(), QUESTION) == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("consent", "read_by"),
    [("train", {"all", "reviewer", "author"}), *((c, {"reviewer", "author"}) for c in (
        "review", "evaluate", "rate"
    ))],
)  # fmt: skip
def test_who_reads_the_rows_follows_from_the_consent(consent: str, read_by: set[str]):
    pr = a_contribution(stage=Stage.ACCEPTED)
    pr.consent = consent
    people = {"all": somebody(), "reviewer": somebody("reviewer"), "author": pr.author}

    assert {name for name, one in people.items() if may_see_rows(one, pr)} == read_by


def test_a_stranger_may_ask_so_often_and_is_told_what_to_do_then():
    one, other = f"visitor-{new_key()}", f"visitor-{new_key()}"
    left = [allowance.spend(one, None) for _ in range(allowance.STRANGERS_ASK)]

    assert left == list(range(allowance.STRANGERS_ASK))[::-1]
    with pytest.raises(AllowanceSpent, match="sign in to ask more"):
        allowance.spend(one, None)
    assert allowance.spend(other, None) == allowance.STRANGERS_ASK - 1
