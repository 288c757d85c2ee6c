"""Rows out of files: each format as it should be, and each way in which it is not."""

from __future__ import annotations

import csv
import gzip
import io
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from openflywheel.reading.columns import Numbered
from openflywheel.reading.faults import BadFile, BadRow
from openflywheel.reading.files import (
    CHUNK,
    FORMULA,
    LONGEST_LINE,
    gunzipped,
    lines,
    rows_in,
    rows_in_text,
)
from openflywheel.reading.paths import rows_in_path

ROWS = [
    {"prompt": "2+2", "completion": "4"},
    {"prompt": "Zeile 1\nZeile 2, „so“", "completion": '"ja", gut'},
    {"prompt": "3+3", "completion": "6"},
]
GOOD, BAD = json.dumps(ROWS[0]), '{"prompt": "x", "completion": NaN}'


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_json(rows: list[dict[str, Any]]) -> bytes:
    return json.dumps(rows, indent=1).encode()


def as_csv(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), file)
    return file.getvalue()


FORMATS = {".jsonl": as_jsonl, ".json": as_json, ".csv": as_csv, ".parquet": as_parquet}


def read(data: bytes, name: str) -> list[Numbered]:
    return list(rows_in(io.BytesIO(data), name=name))


def rows_of(numbered: list[Numbered]) -> list[dict[str, Any]]:
    return [row for _, row in numbered if isinstance(row, dict)]


def faults_of(numbered: list[Numbered]) -> list[tuple[int, str]]:
    return [(number, row.code) for number, row in numbered if isinstance(row, BadRow)]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_gives_the_rows_that_were_written(ending: str, packed: bool) -> None:
    data = FORMATS[ending](ROWS)

    numbered = read(gzip.compress(data), f"rows{ending}.gz") if packed else read(data, "f" + ending)

    assert rows_of(numbered) == ROWS
    assert not faults_of(numbered)


@pytest.mark.parametrize(
    "rows",
    [
        [{"prompt": "p", "chosen": "a", "rejected": "b"}],
        [{"prompt": "p", "completion": "c", "label": True}],
        [{"instruction": "i", "input": "", "output": "o"}],
        [{"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]}],
    ],
)
@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_of_trl_passes_through_every_kind_of_file(
    ending: str, rows: list[dict[str, Any]]
) -> None:
    written = [
        {name: json.dumps(value) if ending == ".csv" and name == "messages" else value
         for name, value in row.items()}
        for row in rows
    ]  # fmt: skip

    assert rows_of(read(FORMATS[ending](written), f"rows{ending}")) == rows


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), min_size=1)


@given(st.lists(st.fixed_dictionaries({"prompt": TEXT, "completion": TEXT}), min_size=1))
def test_jsonl_and_csv_hold_any_text(rows: list[dict[str, str]]) -> None:
    assert rows_of(read(as_jsonl(rows), "rows.jsonl")) == rows
    plain = [row for row in rows if not any(map(FORMULA.match, row.values()))]
    assert rows_of(read(as_csv(rows), "rows.csv")) == plain


@pytest.mark.parametrize(
    "cell", ["=1+1", " =A1", "=cmd|' /C calc'!A0", "@SUM(1,2)", "+cmd|x!A1", "-HYPERLINK(x)"]
)
def test_a_formula_in_csv_is_refused_with_its_column(cell: str) -> None:
    rows = [ROWS[0], {"prompt": "p", "completion": cell}]

    numbered = read(as_csv(rows), "rows.csv")

    assert rows_of(numbered) == [ROWS[0]]
    assert faults_of(numbered) == [(3, "formula")]


@pytest.mark.parametrize("cell", ["- one\n- two", "+49 30 1234", "-5", "@ada wrote", "a = b"])
def test_text_that_only_looks_like_a_formula_is_kept(cell: str) -> None:
    rows = [{"prompt": "p", "completion": cell}]

    assert rows_of(read(as_csv(rows), "rows.csv")) == rows


@pytest.mark.parametrize("ending", [*FORMATS, ".jsonl.gz", ".csv.gz"])
def test_an_empty_file_says_what_to_put_in(ending: str) -> None:
    data = gzip.compress(b"") if ending.endswith(".gz") else b""

    with pytest.raises(BadFile, match=rf"rows\{ending} is empty; put .* into it"):
        read(data, f"rows{ending}")


@pytest.mark.parametrize("ending", FORMATS)
def test_wrong_columns_are_listed_beside_those_that_are_needed(ending: str) -> None:
    data = FORMATS[ending]([{"question": "2+2", "answer": "4"}])

    with pytest.raises(BadFile) as refusal:
        read(data, f"rows{ending}")

    text = str(refusal.value)
    assert "has the columns question, answer" in text
    assert "(prompt, completion)" in text
    assert "rename them" in text


def test_a_bad_line_costs_only_itself() -> None:
    text = f'{GOOD}\n{BAD}\n\n{{"prompt": "a", "prompt": "b"}}\n[1]\nnope\n{GOOD}'

    numbered = read(text.encode() + b'\n{"prompt": "\xff"}', "rows.jsonl")

    assert [number for number, row in numbered if isinstance(row, dict)] == [1, 7]
    assert faults_of(numbered) == [
        (2, "bad_json"), (4, "bad_json"), (5, "not_an_object"), (6, "bad_json"), (8, "bad_json"),
    ]  # fmt: skip


def test_a_bad_element_of_a_list_costs_only_itself() -> None:
    numbered = read(f"[{GOOD}, {BAD}, {GOOD}]".encode(), "rows.json")

    assert len(rows_of(numbered)) == 2
    assert faults_of(numbered) == [(2, "bad_json")]


def test_ten_megabytes_in_one_line_are_never_held() -> None:
    text = b"\n".join([GOOD.encode(), b'{"prompt": "' + b"x" * 10 * 1024**2 + b'"}', GOOD.encode()])

    for name in ("rows.jsonl", "rows.csv"):
        data = text if name == "rows.jsonl" else b"prompt,completion\na,b\n" + text[-11_000_000:-40]
        numbered = read(data, name)
        assert "too_long" in [code for _, code in faults_of(numbered)]
    assert len(rows_of(read(text, "rows.jsonl"))) == 2


@given(
    st.lists(st.binary(max_size=40).filter(lambda line: b"\n" not in line), max_size=8),
    st.integers(1, 50),
    st.integers(1, 30),
)
def test_lines_are_the_same_however_they_arrive(
    content: list[bytes], piece: int, longest: int
) -> None:
    whole = b"\n".join(content)
    pieces = [whole[at : at + piece] for at in range(0, len(whole), piece)]

    read_lines = [
        "too long" if isinstance(line, BadRow) else line for _, line in lines(pieces, longest)
    ]

    expected = [line if len(line) <= longest else "too long" for line in whole.split(b"\n")]
    assert read_lines == (expected if expected[-1] else expected[:-1])


@pytest.mark.parametrize("ending", [".jsonl", ".csv"])
def test_of_a_packed_file_that_is_cut_off_the_rows_before_the_cut_are_kept(ending: str) -> None:
    many = [{"prompt": f"{number} and {number * 7919 % 1009}", "completion": "c"}
            for number in range(20_000)]  # fmt: skip
    packed = gzip.compress(FORMATS[ending](many))

    numbered = read(packed[: len(packed) // 2], f"rows{ending}.gz")

    rows, faults = rows_of(numbered), faults_of(numbered)
    assert 1000 < len(rows) < 20_000
    assert rows == many[: len(rows)]
    assert [code for _, code in faults] == ["cut_off"]


@pytest.mark.parametrize("name", ["rows.parquet", "rows.parquet.gz", "rows.json.gz"])
def test_a_file_that_is_read_whole_and_cut_off_is_refused(name: str) -> None:
    data = as_parquet(ROWS) if "parquet" in name else as_json(ROWS)
    data = gzip.compress(data) if name.endswith(".gz") else data

    with pytest.raises(BadFile, match=r"(copy|pack).*again"):
        read(data[: len(data) - 20], name)


def test_ragged_and_badly_quoted_rows_of_a_csv_cost_only_themselves() -> None:
    text = 'prompt,completion\na,b\na,b,c\na\n"a"x,b\na,b\n'

    numbered = read(text.encode(), "rows.csv")

    assert [number for number, row in numbered if isinstance(row, dict)] == [2, 6]
    assert faults_of(numbered) == [(3, "ragged"), (4, "ragged"), (5, "bad_csv")]


def test_a_csv_of_another_country_is_read_too() -> None:
    assert rows_of(read("\ufeffprompt;completion\na,b;c\n".encode(), "rows.csv")) == [
        {"prompt": "a,b", "completion": "c"}
    ]
    assert rows_of(read(b"prompt\tcompletion\na,b\tc\n", "rows.tsv")) == [
        {"prompt": "a,b", "completion": "c"}
    ]


@pytest.mark.parametrize("text", ["prompt,completion,prompt\na,b,c\n", "prompt, prompt\na,b\n"])
def test_a_column_that_stands_there_twice_is_named(text: str) -> None:
    with pytest.raises(BadFile, match="column “prompt” twice"):
        read(text.encode(), "rows.csv")


def test_text_that_is_not_utf_8_is_said_by_row_or_for_the_whole_file() -> None:
    numbered = read(b"prompt,completion\na,b\nM\xfcller,b\nc,d\n", "rows.csv")

    assert faults_of(numbered) == [(3, "not_utf8")]
    assert len(rows_of(numbered)) == 2
    with pytest.raises(BadFile, match="UTF-16; save it as UTF-8"):
        read("prompt,completion\na,b\n".encode("utf-16"), "rows.csv")


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (self.canary,))


@pytest.mark.parametrize("name", ["rows.pkl", "rows.pt", "rows.jsonl", "rows.csv", "rows", "x.npy"])
def test_nothing_pickled_is_ever_opened(tmp_path: Path, name: str) -> None:
    canary = tmp_path / "canary"
    path = tmp_path / name
    path.write_bytes(pickle.dumps(Trap(canary)))

    with pytest.raises(BadFile, match="never opened"):
        list(rows_in_path(path))

    assert not canary.exists()


def test_a_small_parquet_that_claims_a_giant_text_is_not_unpacked() -> None:
    giant = pa.array(["x" * 2**20]).dictionary_encode()
    indices = pa.array([0] * 20_000, pa.int32())
    repeated = pa.DictionaryArray.from_arrays(indices, giant.dictionary)
    file = io.BytesIO()
    pq.write_table(pa.table({"prompt": repeated, "completion": repeated}), file)

    before = pa.total_allocated_bytes()
    peak = 0
    for number, (_, row) in enumerate(rows_in(io.BytesIO(file.getvalue()), name="rows.parquet")):
        peak = max(peak, pa.total_allocated_bytes() - before)
        assert isinstance(row, BadRow)
        assert row.code == "too_long"
        if number > 500:
            break

    assert len(file.getvalue()) < 200_000
    assert peak < 64 * 2**20


def test_who_lacks_pyarrow_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    for name in ("rows.parquet", "rows.arrow"):
        with pytest.raises(BadFile, match=f"{name} is read with pyarrow, .*; install it"):
            read(as_parquet(ROWS), name)


def test_the_nulls_of_a_parquet_are_fields_that_are_not_there() -> None:
    rows = [{"prompt": "p", "completion": "c", "label": None}, {"prompt": None, "completion": "c"}]

    assert rows_of(read(as_parquet(rows), "rows.parquet")) == [
        {"prompt": "p", "completion": "c"},
        {"completion": "c"},
    ]


@given(st.binary(max_size=3000), st.integers(1, 100), st.integers(1, 3))
def test_packed_streams_may_follow_one_another(data: bytes, piece: int, members: int) -> None:
    packed = gzip.compress(data) * members
    pieces = [packed[at : at + piece] for at in range(0, len(packed), piece)]

    assert b"".join(gunzipped(pieces)) == data * members


def test_a_bomb_comes_out_in_bounded_pieces() -> None:
    bomb = gzip.compress(b"\0" * 64 * 1024**2)

    assert max(len(piece) for piece in gunzipped([bomb])) <= CHUNK
    assert LONGEST_LINE < 64 * 1024**2


@given(st.binary(max_size=200), st.sampled_from([".jsonl", ".json", ".csv", ".parquet", ".gz", ""]))
def test_any_bytes_are_rows_or_a_sentence(data: bytes, ending: str) -> None:
    try:
        numbered, said = read(data, "rows" + ending), "rows"
    except BadFile as refusal:
        numbered, said = [], str(refusal)

    assert all(number > 0 and isinstance(row, dict | BadRow) for number, row in numbered)
    assert "rows" in said


def test_a_path_that_leads_nowhere_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="there is no file"):
        list(rows_in_path(tmp_path / "gone.jsonl"))


@pytest.mark.parametrize("form", [as_jsonl, as_json, as_csv])
@pytest.mark.parametrize("before", ["", "\n \n"])
def test_pasted_text_is_json_lines_a_list_or_csv(form: Any, before: str) -> None:
    assert rows_of(list(rows_in_text(before + form(ROWS).decode()))) == ROWS


def test_a_bad_line_of_pasted_text_is_counted_as_an_editor_shows_it() -> None:
    jsonl = list(rows_in_text(f"\n{GOOD}\n\n{BAD}\nnonsense"))
    of_csv = list(rows_in_text("\n\nprompt,completion\r\na,b\r\na,b,c\r\n"))

    assert faults_of(jsonl) == [(4, "bad_json"), (5, "bad_json")]
    assert faults_of(of_csv) == [(5, "ragged")]
    assert rows_of(of_csv) == [{"prompt": "a", "completion": "b"}]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (" \n ", "the text is empty; put"),
        ("[]", "the text is empty; put at least one row"),
        ("prompt,completion\n", "the text is empty; put at least one row"),
        ("question,answer\na,b\n", "the text has the columns question, answer"),
        ('{"question": "a"}', "the text has the columns question"),
    ],
)
def test_pasted_text_without_rows_is_refused_with_its_mend(text: str, says: str) -> None:
    with pytest.raises(BadFile, match=says):
        list(rows_in_text(text))


def test_a_heading_that_is_not_utf_8_is_named_by_its_line() -> None:
    with pytest.raises(BadFile, match=r"rows\.csv, line 2: byte 2 of the line is not UTF-8"):
        read(b"\nM\xfcller,completion\na,b\n", "rows.csv")


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.jsonl.gz", "rows.csv", "rows.parquet"])
def test_no_more_is_read_than_the_caller_takes_packed_or_not(name: str) -> None:
    rows = [{"prompt": "p" * 10_000, "completion": "c"}] * 400
    data = FORMATS["." + name.split(".")[1]](rows)
    data = gzip.compress(data) if name.endswith(".gz") else data

    with pytest.raises(BadFile, match=f"{name} holds more than 2 MB; split it"):
        list(rows_in(io.BytesIO(data), name=name, most=2 * 1024**2))

    assert rows_of(list(rows_in(io.BytesIO(data), name=name, most=5 * 1024**2))) == rows
