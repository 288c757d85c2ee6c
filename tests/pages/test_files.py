"""Rows come in as people have them; what is wrong is named with its line, what is good is kept."""

import io

import pyarrow
import pytest
from pyarrow import parquet

from apps.contributions.errors import BadFile
from apps.pages import files

ROW = {"prompt": "Which day is 3.4.?", "completion": "3 April."}


def test_json_lines_a_list_csv_and_parquet_give_the_same_rows() -> None:
    written = io.BytesIO()
    parquet.write_table(pyarrow.Table.from_pylist([ROW]), written)

    read = [
        files.read("rows.jsonl", files.as_lines([ROW]).encode()),
        files.read("rows.json", f"[{files.as_lines([ROW])}]".encode()),
        files.read("rows.csv", b"prompt,completion\nWhich day is 3.4.?,3 April.\n"),
        files.read("rows.tsv", b"prompt\tcompletion\nWhich day is 3.4.?\t3 April.\n"),
        files.read("rows.parquet", written.getvalue()),
    ]

    assert read == [files.Table([ROW], [])] * 5


def test_a_bad_line_is_left_out_and_named() -> None:
    table = files.paste(f'{files.as_lines([ROW])}\n{{"prompt": NaN}}\n{{"a": 1, "a": 2}}\nnonsense')

    assert table.rows == [ROW]
    assert [bad.line for bad in table.unreadable] == [2, 3, 4]


def test_a_csv_row_with_too_many_cells_is_left_out_and_named() -> None:
    table = files.paste("prompt,completion\na,b\na,b,c\n")

    assert table.rows == [{"prompt": "a", "completion": "b"}]
    assert [bad.line for bad in table.unreadable] == [3]


def test_the_label_of_a_rating_in_csv_is_true_or_false() -> None:
    table = files.paste("prompt,completion,label\na,b,true\na,c,0\na,d,maybe\n")

    assert [row["label"] for row in table.rows] == [True, False, "maybe"]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.jsonl", b"", "the file is empty"),
        ("a.jsonl", b" \n ", "the file is empty"),
        ("a.exe", b"MZ", "is not a format that is read here"),
        ("a.csv", b"prompt,completion\n", "headings but no rows"),
        ("a.csv", b"prompt,prompt\na,b\n", "same heading"),
        ("a.csv", b'prompt,completion\n"a,b\n', "is not CSV"),
        ("a.jsonl", b"\xff\xfe{", "byte 0 is not UTF-8"),
        ("a.jsonl", b'{"prompt": "' + b"x" * (files.LONGEST_LINE + 1) + b'"}', "characters"),
        ("a.jsonl", b"x" * (files.LARGEST + 1), "split it"),
        ("a.parquet", b"PAR1 and no more", "Parquet file cannot be read"),
        ("a.json", b"[]", "not a list of rows"),
        ("a.json", b'[{"a": 1, "a": 2}]', "stands there twice"),
    ],
)
def test_a_file_without_a_good_row_is_refused_with_its_mend(
    name: str, content: bytes, says: str
) -> None:
    with pytest.raises(BadFile, match=says):
        files.read(name, content)
