"""What is stored is what was sent: JSON read without guesses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openflywheel.reading.strict_json import DEEPEST, BadJSON, loads

TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES, st.booleans())
def test_what_is_accepted_is_read_as_it_was_written(value: Any, ascii_only: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.text() | st.binary())
def test_any_text_is_read_or_refused_with_a_sentence_and_never_breaks(text: str | bytes) -> None:
    try:
        loads(text)
        said = "accepted"
    except BadJSON as bad:
        said = f"{bad.detail}{bad.mend}"

    assert said


@given(VALUES, st.sampled_from(["NaN", "Infinity", "-Infinity", "1e999", '{"a":1,"a":1}']))
def test_one_bad_element_is_spared_and_named_and_the_others_are_kept(value: Any, bad: str) -> None:
    good = json.dumps(value)
    text = f'{{"rows": [{good}, {{"x": [{bad}]}}, {good}]}}'

    first, fault, last = loads(text, spare="rows")["rows"]

    assert first == last == value
    assert isinstance(fault, BadJSON)
    assert fault.pointer == "/x/0"


@pytest.mark.parametrize(
    ("text", "pointer", "said"),
    [
        ('{"a": {"b": [1, NaN]}}', "/a/b/1", "NaN is not JSON"),
        ('{"a": -Infinity}', "/a", "-Infinity is not JSON"),
        ('{"a": 1e999}', "/a", "larger than any number"),
        ('{"a": ' + "9" * 5000 + "}", "/a", "5,000 digits"),
        ('{"chosen": "a", "chosen": "b"}', "", "“chosen” stands there twice"),
        ('[{"a": 1, "a": 1}]', "/0", "“a” stands there twice"),
        ('{"a/b~c": "\\u0000"}', "/a~1b~0c", "NUL"),
        ('{"a": "\\ud800"}', "/a", "surrogate"),
        ('{"\\udfff": 1}', "/?", "surrogate"),
        (b'{"a": "\xff"}', "", "not UTF-8"),
        ("[1,", "", "line 1, column 4"),
        ('{"a": 1}\n{"b": 2}', "", "line 2, column 1"),
        ("", "", "line 1, column 1"),
    ],
)
def test_what_is_unacceptable_is_pointed_at(text: str | bytes, pointer: str, said: str) -> None:
    with pytest.raises(BadJSON) as refusal:
        loads(text)

    assert refusal.value.pointer == pointer
    assert said in refusal.value.detail
    assert refusal.value.mend


@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_ends_at_the_limit_and_not_in_the_stack(opening: str, closing: str) -> None:
    def nested(levels: int) -> str:
        return opening * levels + "1" + closing * levels

    loads(nested(DEEPEST))
    for levels in (DEEPEST + 1, 200_000):
        with pytest.raises(BadJSON, match="deeper"):
            loads(nested(levels))


def test_the_mark_at_the_start_of_a_file_is_no_part_of_it() -> None:
    assert loads('\ufeff{"a": 1}'.encode()) == {"a": 1}


def test_an_object_of_very_many_keys_is_refused_as_fast_as_one_of_few() -> None:
    """Two hundred thousand keys, compared each with each, would take minutes."""
    keys = ",".join(f'"{number}":0' for number in range(200_000))

    with pytest.raises(BadJSON, match="“199999” stands there twice"):
        loads(f'{{{keys},"199999":1}}')
