"""Feedback becomes PRs: by sender, source, skill, day, kind and terms, and each row once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Account, Role
from apps.contributions import gathering, rules
from apps.contributions.models import Contribution, GatheredDay, Kind, Row
from apps.contributions.queries import rows_of
from apps.contributions.stages import Stage
from apps.history.queries import life_of
from apps.skills.models import ModelLine
from apps.traces.models import Delivery, Feedback, Trace
from tests.people import a_line, somebody
from tests.traces.delivering import send

pytestmark = pytest.mark.django_db

TERMS = {"licence": "CC0-1.0", "consent": "train"}
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date()


def yesterday(account: Account, *rows: dict[str, Any], **more: Any) -> None:
    """Feedback that came yesterday."""
    receipt = send(account, *rows, **{**TERMS, **more})
    at = datetime.now(UTC) - timedelta(days=1)
    Delivery.objects.filter(pk=receipt.delivery.pk).update(received_at=at)


def said(**more: Any) -> dict[str, Any]:
    return {"prompt": "2+2", "answer": "5", "skill": "sums", **more}


@pytest.fixture
def line() -> ModelLine:
    return a_line("sums", "manners")


def test_corrections_and_labels_of_a_day_become_two_contributions(line: ModelLine):
    ada = somebody()
    yesterday(ada, said(correction="4", rating=1), said(success=True), source="help desk")
    yesterday(ada, said(rating=2), said(rating=3), source="help desk")

    ratings, corrections = gathering.gather(YESTERDAY)[::-1]

    if ratings.kind == Kind.CORRECTION:
        ratings, corrections = corrections, ratings
    assert [(row.original, row.completion) for row in rows_of(corrections)] == [("5", "4")]
    assert [row.label for row in rows_of(ratings)] == [True, False]
    for made in (ratings, corrections):
        assert (made.author, made.stage, made.skill.name) == (ada, Stage.SUBMITTED, "sums")
        assert (made.licence, made.consent, made.source) == (
            "CC0-1.0", "train", "feedback, help desk",
        )  # fmt: skip
    assert corrections.title.startswith("Corrections from help desk: sums, ")


def test_each_row_names_the_feedback_it_came_from(line: ModelLine):
    yesterday(somebody(), said(correction="4"), said(correction="four"))

    (made,) = gathering.gather(YESTERDAY)

    found = Feedback.objects.order_by("pk").values_list("pk", "correction")
    assert list(rows_of(made).values_list("feedback", "completion")) == list(found)
    assert [event.verb for event in life_of(made)] == ["moved", "gathered"]


def test_a_day_is_gathered_once(line: ModelLine):
    yesterday(somebody(), said(correction="4"))

    assert len(gathering.gather(YESTERDAY)) == 1
    # As after a worker that was killed before it had ticked off the day.
    GatheredDay.objects.all().delete()

    assert gathering.gather(YESTERDAY) == []
    assert Contribution.objects.count() == 1


def test_only_days_that_are_over_and_not_gathered_wait(line: ModelLine):
    send(somebody(), said(correction="4"), **TERMS)
    assert gathering.waiting_days() == []

    yesterday(somebody(), said(correction="4"))
    Delivery.objects.all().update(received_at=datetime.now(UTC) - timedelta(days=1))
    tomorrow = datetime.now(UTC).replace(hour=1)
    assert gathering.waiting_days(tomorrow) == [YESTERDAY]

    gathering.gather(YESTERDAY)
    assert gathering.waiting_days(tomorrow) == []


def test_feedback_without_terms_or_content_is_never_gathered(line: ModelLine):
    yesterday(somebody(), said(correction="4"), licence="", consent="")
    yesterday(somebody(), said(rating=3))

    assert gathering.gather(YESTERDAY) == []


def test_other_senders_sources_skills_and_terms_are_other_contributions(line: ModelLine):
    ada, grace = somebody(), somebody()
    yesterday(ada, said(correction="4"), said(correction="4", skill="manners"))
    yesterday(ada, said(correction="4"), source="shop")
    yesterday(ada, said(correction="4"), licence="MIT")
    yesterday(grace, said(correction="4"))

    assert len(gathering.gather(YESTERDAY)) == 5


def test_a_correction_of_ones_own_answer_takes_prompt_and_answer_from_the_trace(line: ModelLine):
    ada = somebody()
    fields = {"channel": "stable", "version": "base", "version_digest": "b", "answer": "5"}
    turns = [
        {"role": "user", "content": "1+1"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "2+2"},
    ]
    own = Trace.objects.create(line=line, asked_by=ada, messages=turns, **fields)
    anybodys = Trace.objects.create(line=line, messages=turns, **fields)
    yesterday(ada, *({"trace": trace.public_id, "correction": "4"} for trace in (own, anybodys)))

    (made,) = gathering.gather(YESTERDAY)

    row = Row.objects.get(revision__contribution=made)
    assert (row.prompt, row.original, row.completion, row.trace) == ("2+2", "5", "4", own)
    assert row.context == turns[:2]


def test_a_day_waits_while_one_of_its_deliveries_is_being_stored(line: ModelLine):
    yesterday(somebody(), said(correction="4"))
    Delivery.objects.update(stage="waiting")

    assert gathering.gather(YESTERDAY) == []
    assert not GatheredDay.objects.exists()


def test_who_has_no_room_or_may_not_offer_any_more_holds_up_nobody_else(
    line: ModelLine, settings: Any, monkeypatch: pytest.MonkeyPatch
):
    settings.LIMITS_FACTOR = 1
    full, appointed, other = (somebody() for _ in range(3))
    for account in (full, appointed, other):
        yesterday(account, said(correction="4"), said(success=False))
    Account.objects.filter(pk=appointed.pk).update(role=Role.ADMIN)
    room = {**rules.QUOTAS, Role.CONTRIBUTOR: rules.Quota(contributions=1)}
    Account.objects.exclude(pk=full.pk).filter(role=Role.CONTRIBUTOR).update(role=Role.TRUSTED)
    monkeypatch.setattr(rules, "QUOTAS", room)

    made = gathering.gather(YESTERDAY)

    assert sorted(pr.author_id for pr in made) == [full.pk, other.pk, other.pk]
    assert not GatheredDay.objects.exists()
    monkeypatch.setattr(rules, "QUOTAS", {})
    assert [pr.author_id for pr in gathering.gather(YESTERDAY)] == [full.pk]
    assert GatheredDay.objects.exists()


def test_a_large_group_is_cut_into_parts(line: ModelLine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gathering, "MOST_ROWS", 2)
    yesterday(somebody(), *(said(correction=str(number)) for number in range(5)))

    assert sorted(made.row_count for made in gathering.gather(YESTERDAY)) == [1, 2, 2]
    assert connection.in_atomic_block
