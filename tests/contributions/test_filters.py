"""The filter box: any text can be read, and each term finds what it says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import Account, Role
from apps.contributions import filters
from apps.contributions.discussion import actions
from apps.contributions.discussion.models import Label
from apps.contributions.discussion.queries import prs_like
from apps.contributions.filters import Filter, Term, find, parse
from apps.contributions.models import Contribution
from apps.contributions.queries import public
from apps.contributions.stages import Stage
from tests.people import a_contribution, a_line, somebody

LETTERS = st.characters(blacklist_characters='":', blacklist_categories=["C", "Z"])
VALUES = st.text(LETTERS, min_size=1, max_size=12)
TERMS = st.one_of(
    st.builds(Term, st.sampled_from(["label", "skill", *filters.PEOPLE]), VALUES, st.booleans()),
    st.builds(Term, st.just("is"), st.sampled_from(sorted(filters.STATES)), st.booleans()),
    st.builds(Term, st.just("label"), st.just("needs a source")),
    st.builds(Term, st.just(""), VALUES.filter(lambda v: not v.startswith("-")), st.just(False)),
)


@given(st.lists(TERMS, max_size=8, unique=True), st.sampled_from(sorted(filters.SORTS)))
def test_a_filter_written_down_and_read_again_is_the_same(terms: list[Term], sort: str) -> None:
    wish = Filter(tuple(terms), sort)

    if len(str(wish)) <= filters.LONGEST:
        assert parse(str(wish)) == wish


@given(st.text(max_size=400))
def test_any_text_is_read_without_a_crash_and_reading_is_settled(text: str) -> None:
    read = parse(text)

    assert parse(str(read)).terms == read.terms


@given(st.text(alphabet='is:label"- -@#openadsrt', max_size=60))
def test_any_tangle_of_signs_is_settled_too(text: str) -> None:
    assert parse(str(parse(text))).terms == parse(text).terms


@pytest.mark.parametrize("text", ["is:purple", "kind:cake", "sort:upwards", "no:mercy", "author:"])
def test_a_term_that_can_mean_nothing_is_told_back(text: str) -> None:
    assert parse(f"{text} is:open").unknown[0].startswith(text)


def numbers(text: str, reader: Account | None = None) -> list[int]:
    found = find(parse(text), public(), reader)
    return sorted(found.values_list("pk", flat=True))


@pytest.mark.django_db
def test_every_state_finds_exactly_the_stages_it_names() -> None:
    line, author = a_line(), somebody()
    by_stage = {s: a_contribution(line, by=author, stage=s).pk for s in Stage}

    for state, condition in filters.STATES.items():
        found = set(Contribution.objects.filter(condition).values_list("pk", flat=True))
        assert set(numbers(f"is:{state}")) == found - {by_stage[Stage.DRAFT]}
    assert len(numbers("is:open")) + len(numbers("is:closed")) == len(Stage) - 1
    assert numbers("is:accepted -is:accepted") == []
    assert numbers("is:purple") == []


@pytest.mark.django_db
def test_each_term_finds_what_it_says() -> None:
    line, ada, team = a_line("sums", "dates"), somebody(), somebody(Role.REVIEWER)
    Account.objects.filter(pk=ada.pk).update(username="ada")
    ada.refresh_from_db()
    Label.objects.create(name="needs proof")
    Label.objects.create(name="slow")
    hers = a_contribution(line, by=ada, stage=Stage.IN_REVIEW)
    other = a_contribution(line, stage=Stage.IN_REVIEW, kind="rating",
                           rows=[{"prompt": "a", "completion": "b", "label": True}])  # fmt: skip
    Contribution.objects.filter(pk=other.pk).update(title="Leap years", skill=None)
    actions.set_labels(hers, by=team, names=["needs proof", "slow"])
    actions.set_labels(other, by=team, names=["slow"])
    actions.set_involved(other, by=team, part="assignee", names=["ada"])
    actions.say(other, by=team, text="What does @ada say?")
    one, two, both = [hers.pk], [other.pk], sorted([hers.pk, other.pk])

    asked = {
        "author:ada": one, "-author:ada": two, "author:@me": one, "author:@ada": one,
        'label:"needs proof"': one, "label:slow": both, 'label:slow label:"needs proof"': one,
        "label:slow -label:\"needs proof\"": two, "no:label": [], "no:assignee": one,
        "skill:sums": [], "no:skill": both, "kind:rating": two, "leap": two, '"Leap years"': two,
        f"#{other.pk}": two, f"{hers.pk}": one, f"commenter:{team}": two, "mentions:ada": two,
        "assignee:ada": two, "involves:@me": both, "is:open kind:dataset": one, "": both,
    }  # fmt: skip

    assert {text: numbers(text, ada) for text in asked} == asked


@pytest.mark.django_db
def test_digits_that_are_no_number_are_words() -> None:
    line = a_line()
    odd = a_contribution(line, rows=[{"prompt": "2²", "completion": "4", "trace": "tr_²"}])
    Contribution.objects.filter(pk=odd.pk).update(title="A sum with 2²")
    a_contribution(line)

    assert list(find(parse("²"), public(), None)) == [odd]
    assert prs_like("²") == [(odd.pk, "A sum with 2²")]


@pytest.mark.django_db
def test_me_is_nobody_for_a_visitor() -> None:
    a_contribution(stage=Stage.IN_REVIEW)

    assert numbers("author:@me") == numbers("involves:@me") == []
