"""Drafts belong to one person, lose nothing to a second tab, and become one contribution."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from apps.accounts.models import Account
from apps.contributions import drafts
from apps.contributions.draft_rows import Window
from apps.contributions.drafts import Owner, Typed
from apps.contributions.errors import ContributionRefused, DraftMissing, DraftMoved
from apps.contributions.models import Contribution, Draft, Kind
from apps.skills.models import ModelLine
from openflywheel.reading.faults import BadRow
from tests.people import TERMS, a_line, somebody

STRANGER = Owner(None, "a" * 64)
KEY = "the-key-of-a-draft"


def saved(line: ModelLine, typed: Typed, *, owner: Owner = STRANGER, **more: Any) -> Draft:
    kind = more.pop("kind", Kind.CORRECTION)
    return drafts.save(more.pop("key", KEY), typed, owner=owner, line=line, kind=kind, **more)


def words(prompt: str) -> Typed:
    return Typed({"prompt": prompt, "completion": "An answer."}, [])


def table(*rows: tuple[str, str], first: int = 0, gone: tuple[str, ...] = ()) -> Typed:
    """Rows named by their prompts."""
    cells = [{"prompt": prompt, "completion": completion} for prompt, completion in rows]
    return Typed({}, window=Window(first, [prompt for prompt, _ in rows], cells, list(gone)))


def sent(draft: Draft, by: Account) -> Contribution:
    return drafts.send(
        draft, by=by, title="One", terms=TERMS, skill=None, description=""
    ).contribution


def prompts(draft: Draft) -> list[str]:
    return [given["prompt"] for given in draft.rows.values_list("given", flat=True)]


@pytest.mark.django_db
def test_a_strangers_draft_is_theirs_alone_until_their_account_takes_it():
    line, ada, eve = a_line(), somebody(), somebody()
    draft = saved(line, words("Mine?"))

    for other in (Owner(None, "b" * 64), Owner(None), Owner(eve, "b" * 64)):
        with pytest.raises(DraftMissing):
            drafts.draft_named(KEY, other)
        with pytest.raises(DraftMissing):
            saved(line, words("Theirs."), owner=other)

    assert drafts.claim(Owner(ada, STRANGER.visitor)) == 1
    assert drafts.draft_named(KEY, Owner(ada)) == draft
    with pytest.raises(DraftMissing):
        drafts.draft_named(KEY, STRANGER)


@pytest.mark.django_db
def test_a_late_tab_is_told_and_both_versions_are_kept():
    line = a_line()
    first = saved(line, words("one"), tab="tab-one")
    saved(line, words("two"), version=first.version, tab="tab-one")

    with pytest.raises(DraftMoved):
        saved(line, words("three"), version=first.version, tab="tab-two")

    draft = Draft.objects.get()
    assert draft.fields["prompt"] == "two"
    aside = draft.asides.get()
    assert aside.fields["prompt"] == "three"
    drafts.take_aside(draft, aside.pk)
    draft.refresh_from_db()
    assert (draft.fields["prompt"], draft.asides.get().fields["prompt"]) == ("three", "two")


@pytest.mark.django_db(transaction=True)
def test_of_many_tabs_at_once_one_is_stored_and_the_others_are_kept_aside():
    line = a_line()
    version = saved(line, words("begun")).version

    def save(number: int) -> bool:
        try:
            saved(line, words(f"tab {number}"), version=version, tab=f"tab-{number}")
        except DraftMoved:
            return False
        finally:
            connections.close_all()
        return True

    with ThreadPoolExecutor(8) as tabs:
        won = list(tabs.map(save, range(8)))

    draft = Draft.objects.get()
    told = {draft.fields["prompt"], *(aside.fields["prompt"] for aside in draft.asides.all())}
    assert sum(won) == 1
    assert told == {f"tab {number}" for number in range(8)}


@pytest.mark.django_db
def test_rows_of_a_table_are_added_moved_mended_and_taken_out_by_their_names():
    line = a_line()
    draft = saved(line, table(("a", "1"), ("b", "2"), ("c", "")), kind=Kind.DATASET)
    assert prompts(draft) == ["a", "b", "c"]
    assert [row.given["prompt"] for row in drafts.faulty(draft)] == ["c"]

    again = table(("c", "3"), ("new", "4"), ("a", "1"), gone=("b",))
    draft = saved(line, again, kind=Kind.DATASET, version=draft.version)
    assert prompts(draft) == ["c", "new", "a"]
    assert not drafts.faulty(draft).exists()

    drafts.move_row(draft, 0, 2)
    drafts.remove_row(draft, 0)
    assert prompts(draft) == ["a", "c"]


@pytest.mark.django_db
def test_a_table_of_the_second_page_leaves_the_first_where_it_is():
    line = a_line()
    draft = saved(line, table(*((f"q{n}", "a") for n in range(6))), kind=Kind.DATASET)

    page = table(("q4", "a"), ("q3", "a"), first=3, gone=("q5",))
    draft = saved(line, page, kind=Kind.DATASET, version=draft.version)

    assert prompts(draft) == ["q0", "q1", "q2", "q4", "q3"]


@pytest.mark.django_db
def test_uploaded_rows_take_the_place_of_those_uploaded_before_and_bad_ones_are_named():
    line = a_line("sums")
    good = {"prompt": "q", "completion": "a", "skill": "sums"}
    bad = BadRow("bad_json", "", "NaN is not JSON", "write null")
    first = Typed({}, incoming=[(1, good), (2, bad), (3, good | {"skill": "none"})])
    draft = saved(line, first, kind=Kind.DATASET)
    faults = drafts.faulty(draft).values_list("place", "fault__code")
    assert list(faults) == [(2, "bad_json"), (3, "unknown_skill")]
    with pytest.raises(ContributionRefused, match="row 2 cannot be sent: NaN"):
        sent(draft, somebody())

    turns = [
        {"role": "user", "content": "Hello."},
        {"role": "assistant", "content": "Good day."},
        {"role": "user", "content": "And now?"},
        {"role": "assistant", "content": "Goodbye."},
    ]
    second = Typed({}, incoming=[(1, {"messages": turns})])
    draft = saved(line, second, kind=Kind.DATASET, version=draft.version)
    row = sent(draft, somebody()).revisions.get().rows.get()
    assert (row.context, row.prompt, row.completion) == (turns[:2], "And now?", "Goodbye.")


@pytest.mark.django_db
def test_a_correction_of_a_conversation_keeps_its_earlier_turns():
    turns = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": "Good day."}]
    typed = Typed({"prompt": "And now?", "original": "What?", "completion": "Goodbye."}, turns)

    row = sent(saved(a_line(), typed), somebody()).revisions.get().rows.get()

    assert (row.context, row.prompt, row.original) == (turns, "And now?", "What?")


@pytest.mark.django_db(transaction=True)
def test_a_draft_sent_many_times_at_once_is_one_contribution():
    line, ada = a_line(), somebody()
    draft = saved(line, words("Once?"), owner=Owner(ada))

    def send(_: int) -> int:
        try:
            return sent(Draft.objects.select_related("line").get(pk=draft.pk), ada).pk
        except ContributionRefused:
            return 0
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as clicks:
        numbers = set(clicks.map(send, range(6))) - {0}

    assert numbers == {Contribution.objects.get().pk}
    assert drafts.sent_as(KEY, Owner(ada)) == Contribution.objects.get()


@pytest.mark.django_db
def test_only_drafts_that_nobody_touched_for_a_month_are_swept():
    line = a_line()
    for number, days in enumerate((29, 31)):
        draft = saved(line, words("?"), key=f"the-key-of-draft-{number}")
        then = timezone.now() - timedelta(days=days)
        Draft.objects.filter(pk=draft.pk).update(touched_at=then)

    assert drafts.sweep() == 1
    assert [draft.key for draft in Draft.objects.all()] == ["the-key-of-draft-0"]


@pytest.mark.django_db
def test_a_draft_that_is_too_long_is_refused_with_a_mend():
    with pytest.raises(ContributionRefused, match="send long texts as a file"):
        saved(a_line(), words("x" * (drafts.LONGEST + 1)))
