"""Suggested changes: applied by the author, as one revision, only to what was read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Account, Role
from apps.contributions.discussion import actions, queries
from apps.contributions.discussion.models import Suggestion
from apps.contributions.discussion.suggesting import apply
from apps.contributions.errors import ContributionRefused, NotYours, Outdated
from apps.contributions.models import Contribution
from apps.contributions.queries import current_revision, rows_of
from apps.contributions.stages import Stage
from apps.history.errors import MoveRefused
from apps.history.queries import life_of
from apps.reviews import actions as reviews
from apps.reviews.errors import ReviewRefused
from tests.people import a_contribution, somebody

ROWS = [
    {"prompt": "1+1", "completion": "3", "client_id": "a"},
    {"prompt": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "hello"},
                {"role": "user", "content": "2+2"}], "completion": "5"},
    {"prompt": "3+3", "completion": "6"},
]  # fmt: skip


def in_review() -> Contribution:
    return a_contribution(stage=Stage.IN_REVIEW, rows=ROWS)


def suggest(pr: Contribution, position: int, text: str, by: Account | None = None) -> Suggestion:
    row = rows_of(pr)[position]
    said = actions.say_on(row, "completion", by=by or somebody(), text="", suggested=text)
    return said.suggestion


def answers(pr: Contribution) -> list[str]:
    return [row.completion for row in rows_of(pr)]


@pytest.mark.django_db
def test_a_batch_of_suggestions_is_one_revision_that_credits_everybody() -> None:
    pr, ada = in_review(), Account.objects.create(username="ada")
    made = [suggest(pr, 0, "2", ada), suggest(pr, 1, "4")]

    apply(pr, made, by=pr.author, digest=pr.digest)

    event = life_of(pr).filter(verb="suggestions applied").get()
    assert (pr.stage, pr.revision, answers(pr)) == (Stage.SUBMITTED, 2, ["2", "4", "6"])
    assert event.details["suggested_by"] == ["ada", str(made[1].comment.author)]
    assert current_revision(pr).note.startswith("Suggested by ada, ")
    assert [s.applied_in for s in queries.suggestions_named(pr, [s.pk for s in made])] == [
        current_revision(pr)
    ] * 2
    assert all(not talk.open for talk in queries.conversation(pr, pr.author))


@pytest.mark.django_db
def test_what_a_suggestion_does_not_name_stays_to_the_letter() -> None:
    pr = in_review()
    before = list(rows_of(pr))

    apply(pr, [suggest(pr, 0, "2")], by=pr.author, digest=pr.digest)

    kept = ("prompt", "context", "original", "client_id", "trace_id", "skill_id", "label")
    for was, row in zip(before, rows_of(pr), strict=True):
        assert [getattr(was, name) for name in kept] == [getattr(row, name) for name in kept]


@pytest.mark.django_db
def test_only_the_author_applies_and_only_to_the_rows_they_read() -> None:
    pr = in_review()
    made = suggest(pr, 0, "2")

    with pytest.raises(NotYours):
        apply(pr, [made], by=somebody(Role.MAINTAINER), digest=pr.digest)
    with pytest.raises(Outdated):
        apply(pr, [made], by=pr.author, digest="0" * 64)
    with pytest.raises(ContributionRefused, match="pick at least one"):
        apply(pr, [], by=pr.author, digest=pr.digest)

    assert answers(pr) == ["3", "5", "6"]


@pytest.mark.django_db
def test_a_suggestion_for_a_text_that_has_changed_fits_no_more() -> None:
    pr = in_review()
    first, second = suggest(pr, 0, "2"), suggest(pr, 0, "two")
    apply(pr, [first], by=pr.author, digest=pr.digest)
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)
    pr.refresh_from_db()

    [wanted] = queries.suggestions_named(pr, [second.pk])
    with pytest.raises(Outdated, match="row 1 has changed"):
        apply(pr, [wanted], by=pr.author, digest=pr.digest)
    [again] = queries.suggestions_named(pr, [first.pk])
    with pytest.raises(Outdated, match="applied already"):
        apply(pr, [again], by=pr.author, digest=pr.digest)


@pytest.mark.django_db
def test_a_suggestion_finds_its_row_after_rows_have_moved() -> None:
    pr = in_review()
    late = suggest(pr, 2, "six")
    from apps.contributions.actions import revise

    revise(pr, by=pr.author, rows=[ROWS[2], ROWS[0]], note="Fewer rows")
    Contribution.objects.filter(pk=pr.pk).update(stage=Stage.IN_REVIEW)
    pr.refresh_from_db()
    [talk] = queries.conversation(pr, pr.author)
    assert talk.position == 0

    apply(pr, queries.suggestions_named(pr, [late.pk]), by=pr.author, digest=pr.digest)

    assert answers(pr) == ["six", "3"]


@pytest.mark.django_db
def test_two_suggestions_for_one_text_are_not_applied_together() -> None:
    pr = in_review()

    made = [suggest(pr, 0, "2"), suggest(pr, 0, "two")]
    with pytest.raises(ContributionRefused, match="pick one"):
        apply(pr, made, by=pr.author, digest=pr.digest)

    assert pr.revision == 1


@pytest.mark.django_db
def test_a_suggestion_that_spoils_a_row_is_refused_and_nothing_is_lost() -> None:
    row = {"prompt": "1+1", "original": "3", "completion": "2"}
    pr = a_contribution(stage=Stage.IN_REVIEW, kind="correction", rows=[row, *ROWS[1:]])

    with pytest.raises(ContributionRefused, match="row 1: the correction equals the original"):
        apply(pr, [suggest(pr, 0, "3")], by=pr.author, digest=pr.digest)

    pr.refresh_from_db()
    assert (pr.revision, pr.row_count, pr.stage) == (1, 3, Stage.IN_REVIEW)


@pytest.mark.django_db
def test_what_stands_there_already_is_no_suggestion() -> None:
    with pytest.raises(ContributionRefused, match="stands there already"):
        suggest(in_review(), 0, "3")


@pytest.mark.django_db
def test_a_suggestion_in_a_review_still_being_written_cannot_be_applied() -> None:
    pr, reviewer = in_review(), somebody(Role.REVIEWER)
    row = rows_of(pr)[0]
    said = actions.say_on(row, "completion", by=reviewer, text="", suggested="2", pending=True)

    assert queries.suggestions_named(pr, [said.suggestion.pk]) == []
    assert queries.applicable(queries.conversation(pr, reviewer)) == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("rival", ["apply", "accept", "revise"])
def test_of_an_applied_suggestion_and_a_rival_only_one_takes_effect(rival: str) -> None:
    pr, reviewer = in_review(), somebody(Role.REVIEWER)
    made, digest, start = suggest(pr, 0, "2"), pr.digest, Barrier(2)

    def race(act: Any) -> str:
        own = Contribution.objects.get(pk=pr.pk)
        named = queries.suggestions_named(own, [made.pk])
        start.wait()
        try:
            act(own, named)
        except (MoveRefused, Outdated, ReviewRefused) as refusal:
            return type(refusal).__name__
        finally:
            connection.close()
        return "done"

    from apps.contributions.actions import revise

    rivals = {
        "apply": lambda own, named: apply(own, named, by=own.author, digest=digest),
        "accept": lambda own, named: reviews.accept(own, by=reviewer, digest=digest),
        "revise": lambda own, named: revise(own, by=own.author, rows=[ROWS[2]], note="other"),
    }
    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(race, [rivals["apply"], rivals[rival]]))

    pr.refresh_from_db()
    assert sorted(ended)[-1] == "done"
    assert ended.count("done") == 1
    after = {"accept": 1} if pr.stage == Stage.ACCEPTED else {"other": 2}
    assert [pr.revision] == list(after.values())
    assert pr.revisions.count() == pr.revision
    assert current_revision(pr).digest == pr.digest
