"""Rows of every format, read or refused with place and mend."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.contributions.models import Kind
from apps.contributions.rows import (
    MOST_ROWS,
    BadRow,
    RowData,
    content_digest,
    kind_of,
    read_row,
    read_rows,
)

FIELDS = (
    *("prompt", "completion", "messages", "chosen", "rejected", "label", "stars", "original"),
    *("instruction", "input", "output", "skill", "trace", "client_id", "role", "content"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=6)
    ),
    max_leaves=20,
)
WORDS = st.text("abc äöü\n7", min_size=1).filter(str.strip)


@given(st.lists(JSON, max_size=8), st.sampled_from(Kind.values))
def test_every_row_gets_one_verdict_whatever_it_is(rows: list[Any], kind: str) -> None:
    good, places, refused = read_rows(rows, kind)

    assert len(good) == len(places)
    assert sorted([*places, *(bad.row for bad in refused)]) == list(range(len(rows)))
    for bad in refused:
        assert bad.pointer.startswith(f"/rows/{bad.row}")
        assert bad.code
        assert bad.detail
        assert bad.mend


@given(WORDS, WORDS)
def test_the_same_row_in_every_format_teaches_the_same(asked: str, said: str) -> None:
    user, answer = {"role": "user", "content": asked}, {"role": "assistant", "content": said}
    forms: list[dict[str, Any]] = [
        {"prompt": asked, "completion": said},
        {"messages": [user, answer]},
        {"prompt": [user], "completion": [answer]},
        {"instruction": asked, "output": said},
        {"instruction": asked, "input": "", "output": said},
    ]

    read = [read_row(form, Kind.DATASET) for form in forms]

    assert all(row == RowData(prompt=asked, completion=said) for row in read)


@given(WORDS, WORDS, st.booleans())
def test_pairs_and_ratings_keep_their_texts(one: str, other: str, label: bool) -> None:
    if one != other:
        pair = read_row({"prompt": "p", "chosen": one, "rejected": other}, Kind.PREFERENCE)
        assert (pair.chosen, pair.rejected) == (one, other)
    rating = read_row({"prompt": "p", "completion": one, "label": label}, Kind.RATING)
    assert (rating.completion, rating.label) == (one, label)


@pytest.mark.parametrize(
    ("row", "kind", "code", "name"),
    [
        ({}, "dataset", "missing", "prompt"),
        ({"prompt": "p", "completion": ""}, "dataset", "missing", "completion"),
        ({"prompt": "p", "completion": " \n"}, "dataset", "blank", "completion"),
        ({"prompt": 7, "completion": "c"}, "dataset", "not_text", "prompt"),
        ({"prompt": "p", "completion": "x" * 20_001}, "dataset", "too_long", "completion"),
        ({"prompt": "p\x00", "completion": "c"}, "dataset", "bad_character", "prompt"),
        ({"prompt": "p", "completion": "\ud800"}, "dataset", "bad_character", "completion"),
        ({"prompt": "p", "completion": "c", "skill": ["s"]}, "dataset", "bad_name", "skill"),
        ({"prompt": "p", "completion": "c", "trace": True}, "dataset", "bad_name", "trace"),
        ({"prompt": "p", "completion": "c", "client_id": "\x00"}, "dataset", "bad_character",
         "client_id"),
        ({"messages": "hello"}, "dataset", "bad_messages", "messages"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "dataset", "bad_messages", "messages"),
        ({"messages": [{"role": "user", "content": "x"}]}, "dataset", "no_answer", "messages"),
        ({"prompt": "p", "chosen": "c", "rejected": "c"}, "preference", "same_answers", "rejected"),
        ({"prompt": "p", "chosen": "c"}, "preference", "missing", "rejected"),
        ({"prompt": "p", "completion": "c", "label": 1}, "rating", "bad_label", "label"),
        ({"prompt": "p", "completion": "c", "stars": 6}, "rating", "bad_stars", "stars"),
        ({"prompt": "p", "completion": "c", "stars": True}, "rating", "bad_stars", "stars"),
        ({"prompt": "p", "completion": "c", "stars": 4.5}, "rating", "bad_stars", "stars"),
        ({"prompt": "p", "completion": "c", "stars": 5, "label": False}, "rating",
         "stars_against_label", "stars"),
        ({"prompt": "p", "completion": "c", "original": "c"}, "correction", "nothing_corrected",
         "completion"),
        (["p", "c"], "dataset", "not_an_object", ""),
    ],
)  # fmt: skip
def test_a_wrong_field_is_named(row: Any, kind: str, code: str, name: str) -> None:
    with pytest.raises(BadRow) as refusal:
        read_row(row, kind)

    assert (refusal.value.code, refusal.value.name) == (code, name)


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"prompt": "p", "chosen": "c", "rejected": "r"}, Kind.PREFERENCE),
        ({"prompt": "p", "completion": "c", "label": True}, Kind.RATING),
        ({"prompt": "p", "completion": "c", "stars": 2}, Kind.RATING),
        ({"prompt": "p", "completion": "c", "original": "o"}, Kind.CORRECTION),
        ({"messages": []}, Kind.DATASET),
    ],
)
def test_a_row_tells_its_kind_by_its_keys(row: dict[str, Any], kind: Kind) -> None:
    assert kind_of(row) == kind


def test_a_contribution_has_an_end() -> None:
    rows = ({"prompt": str(number), "completion": "c"} for number in range(MOST_ROWS + 2))

    good, _, refused = read_rows(rows, Kind.DATASET)

    assert len(good) == MOST_ROWS
    assert [(bad.row, bad.code) for bad in refused] == [
        (MOST_ROWS, "too_many_rows"),
        (MOST_ROWS + 1, "too_many_rows"),
    ]


def test_a_row_teaches_the_same_whatever_its_case_width_and_spacing() -> None:
    plain = RowData(prompt="Two plus two", completion="four")
    shouted = RowData(prompt="ＴＷＯ  plus\ttwo ", completion="FOUR")

    assert plain.digest == shouted.digest
    assert content_digest([plain]) != content_digest([shouted])
    assert plain.digest != RowData(prompt="Two plus two", chosen="four").digest


@pytest.mark.parametrize(
    ("judged", "label"),
    [
        *(({"stars": stars}, False) for stars in (1, 2)),
        *(({"stars": stars}, True) for stars in (4, 5, 5.0)),
        ({"stars": 3}, None),
        ({"stars": 3, "label": True}, True),
        ({"stars": None, "label": False}, False),
    ],
)
def test_stars_become_the_label_that_is_trained_on(
    judged: dict[str, Any], label: bool | None
) -> None:
    row = read_row({"prompt": "2+2", "completion": "4", **judged}, Kind.RATING)

    assert (row.label, row.stars) == (label, judged["stars"])


def test_a_row_without_stars_keeps_the_digests_that_it_had_before_there_were_any() -> None:
    bad = read_row({"prompt": "2+2", "completion": "5", "label": False}, Kind.RATING)
    good = read_row({"prompt": "2+2", "completion": "4", "label": True}, Kind.RATING)
    data = read_row({"prompt": "2+2", "completion": "4"}, Kind.DATASET)

    assert [row.digest[:16] for row in (bad, good, data)] == [
        *("dcbbebb9d0e820b7", "df7f6aeec0624f3d", "8a02ba2124cacdfb")
    ]
    assert content_digest([bad, good, data])[:16] == "edf32b2f10bb72d1"


def test_stars_are_part_of_what_is_approved_and_not_of_what_is_taught() -> None:
    plain, four, five = (
        read_row({"prompt": "2+2", "completion": "4", "label": True, "stars": stars}, Kind.RATING)
        for stars in (None, 4, 5)
    )

    assert plain.digest == four.digest == five.digest
    assert len({content_digest([row]) for row in (plain, four, five)}) == 3
