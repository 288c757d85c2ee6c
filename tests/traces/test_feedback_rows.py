"""Reading rows: the quick reader and the strict one agree, and what is wrong is named."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.traces.feedback import rows
from apps.traces.feedback.bodies import parcels
from apps.traces.feedback.rows import FIELDS, Bad, Sent, read_lines, read_list, read_row
from openflywheel.reading.strict_json import BadJSON

TEXTS = st.text(max_size=12) | st.sampled_from(['a "x": b', "\\", "\x00", "é\n", '"', "tr_7"])
TURNS = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant", "system", "x"]), "content": TEXTS}
)
VALUES = (
    TEXTS
    | st.none()
    | st.booleans()
    | st.integers(-2, 7)
    | st.lists(TURNS, max_size=2)
    | st.just("2026-11-21T14:03:00Z")
)
ROWS = st.dictionaries(st.sampled_from([*FIELDS, "other"]), VALUES, max_size=4) | VALUES


def strictly(raw: bytes) -> Sent | Bad:
    try:
        return rows._checked(rows.strict_json.loads(raw))
    except BadJSON as bad:
        return rows._unreadable(bad)


@given(st.lists(ROWS, max_size=4), st.booleans(), st.sampled_from([None, 1]))
def test_the_quick_reader_takes_what_the_strict_one_takes(
    sent: list[Any], ascii_only: bool, indent: int | None
):
    body = json.dumps(sent, ensure_ascii=ascii_only, indent=indent).encode()
    lines = b"\n".join(json.dumps(row, ensure_ascii=ascii_only).encode() for row in sent)
    expected = [strictly(json.dumps(row).encode()) for row in sent]

    assert read_list(body) == expected
    assert read_lines(lines) == expected


@given(st.lists(ROWS, max_size=6), st.integers(1, 40), st.integers(1, 60), st.booleans())
def test_parcels_hold_every_row_once_and_in_order(
    sent: list[Any], step: int, parcel: int, wrapped: bool
):
    body = json.dumps({"items": sent} if wrapped else sent).encode()
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apps.traces.feedback.bodies.PARCEL", parcel)
        cut = list(parcels(pieces, as_lines=False))

    assert [row for piece in cut for row in json.loads(piece)] == sent


@given(st.lists(st.text("ab", min_size=1, max_size=5), max_size=9), st.integers(1, 12))
def test_parcels_of_lines_end_with_a_line(lines: list[str], step: int):
    body = "\n".join(lines).encode()
    pieces = [body[at : at + step] for at in range(0, len(body), step)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("apps.traces.feedback.bodies.PARCEL", 8)
        cut = list(parcels(pieces, as_lines=True))

    assert b"".join(cut) == body
    assert all(piece.endswith(b"\n") for piece in cut[:-1])


@pytest.mark.parametrize(
    ("raw", "code", "name"),
    [
        (rb'{"prompt": "a", "prompt": "b"}', "bad_json", ""),
        (rb'{"pr\u006fmpt": "a", "prompt": "b"}', "bad_json", ""),
        (rb'{"prompt" : "a", "answer": "b", "prompt": "c"}', "bad_json", ""),
        (rb'{"prompt": "a\u0000"}', "bad_json", "prompt"),
        (rb'{"prompt": "\ud800"}', "bad_json", "prompt"),
        (rb'{"rating": NaN}', "bad_json", "rating"),
        (rb'{"rating": 1e999}', "bad_json", "rating"),
        (rb'{"rating": true}', "bad_rating", "rating"),
        (rb'{"rating": 6}', "bad_rating", "rating"),
        (rb'{"success": 1}', "bad_success", "success"),
        (rb'{"trace": "x"}', "bad_trace", "trace"),
        (rb'{"prompt": 5}', "not_text", "prompt"),
        (rb'{"prompt": ""}', "missing", "prompt"),
        (b'{"prompt": "' + b"a" * 20_001 + b'"}', "too_long", "prompt"),
        (rb'{"client_id": ["a"]}', "bad_name", "client_id"),
        (b'{"source": "' + b"a" * 81 + b'"}', "bad_name", "source"),
        (rb'{"at": "yesterday"}', "bad_time", "at"),
        (rb'{"at": "2026-11-21T14:03:00"}', "bad_time", "at"),
        (rb'{"messages": []}', "bad_messages", "messages"),
        (rb'{"messages": [{"role": "king", "content": "a"}]}', "bad_messages", "messages/0/role"),
        (rb'{"raiting": 5}', "unknown_field", "raiting"),
        (rb"[1]", "not_an_object", ""),
        (b'{"prompt": "\xff"}', "bad_json", ""),
        (b"[" * 100_000, "bad_json", ""),
        (b'{"a":' * 200_000, "bad_json", ""),
    ],
)
def test_a_bad_row_is_named_and_spoils_no_other(raw: bytes, code: str, name: str):
    good = b'{"prompt": "2+2", "answer": "4", "success": true}'

    first, bad, last = read_lines(b"\n".join([good, raw, good]))

    assert isinstance(bad, Bad)
    assert (bad.code, bad.name) == (code, name)
    assert bad.mend
    assert first == last == Sent(prompt="2+2", answer="4", success=True)


def test_a_small_number_may_be_a_name_and_a_whole_float_a_rating():
    assert read_row(b'{"client_id": 7, "rating": 4.0}') == Sent(client_id="7", rating=4)


@pytest.mark.parametrize("body", [b"[{}", b'{"a": 1}', b"5", b"[{} {}]", b"nonsense", b'[{"a":1}'])
def test_a_body_that_is_no_list_is_refused_whole(body: bytes):
    with pytest.raises(BadJSON):
        list(parcels([body], as_lines=False)) and read_list(body)
