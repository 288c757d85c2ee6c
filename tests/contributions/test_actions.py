"""Offering, revising, withdrawing: what is kept, what is refused, what happens once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import Account
from apps.contributions import actions, queries
from apps.contributions.actions import Offered, Terms
from apps.contributions.errors import BatchTaken, NothingUsable, NotYours, TermsMissing
from apps.contributions.models import Contribution, Kind, Revision, Row
from apps.contributions.rules import may_see_rows
from apps.contributions.stages import CONTRIBUTION, Stage
from apps.history.errors import MoveRefused
from apps.history.queries import life_of, verify_chain
from apps.skills.models import ModelLine
from apps.traces.models import Trace
from tests.people import TERMS, a_contribution, a_line, somebody

GOOD = {"prompt": "2+2", "completion": "4"}


def offer(line: ModelLine, by: Account, *rows: Any, **more: Any) -> Offered:
    fields: dict[str, Any] = {"kind": Kind.DATASET, "title": "Sums", "terms": TERMS} | more
    return actions.offer(line, by=by, rows=rows, **fields)


@pytest.mark.django_db
def test_an_offer_is_submitted_with_its_good_rows_and_remembers_the_bad_ones() -> None:
    offered = offer(a_line(), somebody(), GOOD, {"prompt": "2+2"}, {**GOOD, "skill": "cooking"})

    contribution = offered.contribution
    revision = queries.current_revision(contribution)
    assert contribution.stage == Stage.SUBMITTED
    assert contribution.submitted_at
    assert [(bad.row, bad.code) for bad in offered.refused] == [
        (1, "missing"),
        (2, "unknown_skill"),
    ]
    assert [bad["row"] for bad in revision.refused] == [1, 2]
    assert [row.prompt for row in queries.rows_of(contribution)] == ["2+2"]
    assert (contribution.digest, contribution.row_count) == (revision.digest, 1)


@pytest.mark.django_db
def test_every_field_of_a_row_comes_back_as_it_was_offered() -> None:
    line = a_line("sums")
    trace = Trace.objects.create(
        line=line, channel="stable", version="base", version_digest="0", messages=[]
    )
    turns = [{"role": "system", "content": "Be\tbrief.\\N"}, {"role": "user", "content": "hi"}]
    sent = {
        "prompt": [*turns, {"role": "user", "content": "2+2?\n"}],
        "completion": "4 \\.",
        "original": "5",
        "skill": "sums",
        "trace": trace.public_id,
        "client_id": "row 7",
    }

    offered = offer(line, somebody(), sent, kind=Kind.CORRECTION)

    row = Row.objects.get()
    assert (row.context, row.prompt, row.completion) == (turns, "2+2?\n", "4 \\.")
    assert (row.original, row.trace, row.client_id) == ("5", trace, "row 7")
    assert row.skill == offered.contribution.skill == line.skills.get()
    assert (row.label, row.chosen, row.rejected) == (None, "", "")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("terms", "said"),
    [
        (Terms("WTFPL", "train", signed_off=True), "pick one of CC0-1.0"),
        (Terms("CC0-1.0", "maybe", signed_off=True), "pick one of rate, evaluate"),
        (Terms("CC0-1.0", "train", signed_off=False), "sign-off is missing"),
    ],
)
def test_without_terms_nothing_is_stored(terms: Terms, said: str) -> None:
    with pytest.raises(TermsMissing, match=said):
        offer(a_line(), somebody(), GOOD, terms=terms)

    assert not Contribution.objects.exists()


@pytest.mark.django_db
def test_an_offer_without_a_good_row_is_refused_whole_and_names_the_first() -> None:
    with pytest.raises(NothingUsable, match="row 1: completion is missing") as refusal:
        offer(a_line(), somebody(), {"prompt": "2+2"}, None)

    assert len(refusal.value.refused) == 2
    assert not Contribution.objects.exists()


@pytest.mark.django_db
def test_a_repeated_offer_is_the_first_one_and_other_rows_are_refused() -> None:
    line, author = a_line(), somebody()
    first = offer(line, author, GOOD, batch="monday")

    second = offer(line, author, GOOD, batch="monday")

    assert (second.contribution, second.repeated) == (first.contribution, True)
    assert second.places == first.places
    with pytest.raises(BatchTaken, match="with other rows"):
        offer(line, author, {**GOOD, "completion": "5"}, batch="monday")
    assert offer(line, somebody(), GOOD, batch="monday").contribution != first.contribution


@pytest.mark.django_db
def test_a_batch_stays_repeatable_after_its_contribution_was_revised() -> None:
    line, author = a_line(), somebody()
    first = offer(line, author, GOOD, batch="monday").contribution
    Contribution.objects.update(stage=Stage.CHANGES_REQUESTED)
    first.refresh_from_db()
    actions.revise(first, by=author, rows=[{**GOOD, "completion": "four"}], note="in words")

    assert offer(line, author, GOOD, batch="monday").repeated


@pytest.mark.django_db(transaction=True)
def test_of_four_equal_offers_at_once_one_is_stored_and_all_get_its_number() -> None:
    line, author, ready = a_line(), somebody(), Barrier(4)

    def send(_: int) -> int:
        try:
            ready.wait()
            return offer(line, author, GOOD, batch="monday").contribution.pk
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as workers:
        numbers = set(workers.map(send, range(4)))

    assert len(numbers) == Contribution.objects.count() == Row.objects.count() == 1
    assert verify_chain() == 1


@pytest.mark.django_db
def test_a_revision_takes_the_place_of_the_rows_and_keeps_the_old_ones() -> None:
    contribution = a_contribution(stage=Stage.CHANGES_REQUESTED)
    before, first_sent = contribution.digest, contribution.submitted_at

    actions.revise(contribution, by=contribution.author, rows=[GOOD], note="in digits")

    contribution.refresh_from_db()
    assert (contribution.stage, contribution.revision) == (Stage.SUBMITTED, 2)
    assert contribution.submitted_at == first_sent
    assert [row.completion for row in queries.rows_of(contribution)] == ["4"]
    assert [r.digest for r in Revision.objects.all()] == [before, contribution.digest]
    assert life_of(contribution).last().because == "in digits"


@pytest.mark.django_db
def test_only_the_author_revises_or_withdraws() -> None:
    contribution, other = a_contribution(stage=Stage.CHANGES_REQUESTED), somebody()

    with pytest.raises(NotYours):
        actions.revise(contribution, by=other, rows=[GOOD], note="")
    with pytest.raises(NotYours):
        actions.withdraw(contribution, by=other)


@pytest.mark.django_db
@pytest.mark.parametrize("stage", Stage.values)
def test_what_is_open_can_be_withdrawn_and_what_has_ended_cannot(stage: str) -> None:
    contribution = a_contribution(stage=stage)

    if stage in (*CONTRIBUTION.final(), Stage.REJECTED):
        with pytest.raises(MoveRefused):
            actions.withdraw(contribution, by=contribution.author)
    else:
        actions.withdraw(contribution, by=contribution.author)
        contribution.refresh_from_db()
        assert contribution.stage == Stage.WITHDRAWN


@pytest.mark.django_db
def test_examining_stores_nothing() -> None:
    places, refused = actions.examine(
        a_line(), kind=Kind.DATASET, rows=[GOOD, {"prompt": "2+2"}], terms=TERMS
    )

    assert (places, [bad.code for bad in refused]) == ([0], ["missing"])
    assert not Contribution.objects.exists()


@pytest.mark.django_db
def test_drafts_are_their_author_s_and_quarantined_rows_not_for_strangers() -> None:
    draft = a_contribution(stage=Stage.DRAFT)
    aside = a_contribution(stage=Stage.QUARANTINED)
    reviewer, stranger = somebody("reviewer"), somebody()

    assert may_see_rows(draft.author, draft)
    assert not may_see_rows(reviewer, draft)
    assert may_see_rows(reviewer, aside)
    assert not may_see_rows(stranger, aside)
    assert draft not in queries.public()


@pytest.mark.django_db
def test_an_offer_of_many_rows_asks_the_database_no_more_often(
    django_assert_max_num_queries: Any,
) -> None:
    line, author = a_line(), somebody()

    for count in (1, 500):
        rows = [{"prompt": f"{number}+1", "completion": "?"} for number in range(count)]
        with django_assert_max_num_queries(18):
            offer(line, author, *rows, batch=f"{count} rows")
