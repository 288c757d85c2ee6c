"""What strangers upload is read by a child that may use little: rows, or a sentence in time."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from apps.contributions.uploads import Placed, jail, rows_of_paste, rows_of_upload
from apps.contributions.uploads.jail import ENVIRONMENT, PROGRAM, USUAL
from apps.contributions.uploads.limits import Limits
from openflywheel.reading.columns import Numbered
from openflywheel.reading.faults import BadFile, BadRow
from tests.contributions.uploads.corpus import (
    ACCEPTED,
    BAD_LINES,
    MB,
    REFUSED,
    ROWS,
    as_jsonl,
    as_zip,
    nested_bomb,
    parquet_bomb,
)

CANARY = Path("/tmp/ofw-canary")


def read(data: bytes, name: str, limits: Limits = USUAL) -> list[Numbered]:
    return list(rows_of_upload(io.BytesIO(data), name=name, limits=limits))


@pytest.mark.parametrize("name", ACCEPTED)
def test_what_is_well_packed_gives_its_rows(name: str) -> None:
    assert [row for _, row in read(ACCEPTED[name], name)] == ROWS


def test_of_several_configurations_one_is_read_and_the_sender_is_told_which() -> None:
    notes: list[str] = []

    for name in ("shapes.zip", "folder.zip"):
        list(rows_of_upload(io.BytesIO(ACCEPTED[name]), name=name, told=notes.append))

    (note,) = notes
    assert note.startswith("The card lists 2 configurations, and “plain” was read.")
    assert "(chat)" in note


@pytest.mark.parametrize("name", ["rows.jsonl", "rows.json", "rows.csv"])
def test_what_is_pasted_is_read_by_a_child_too(name: str) -> None:
    assert [row for _, row in rows_of_paste(ACCEPTED[name].decode())] == ROWS
    with pytest.raises(BadFile, match="too much time or memory"):
        list(rows_of_paste(ACCEPTED[name].decode(), limits=Limits(memory=1024)))


@pytest.mark.parametrize(
    ("name", "make", "sentence"), REFUSED, ids=[f"{name}: {said}" for name, _, said in REFUSED]
)
def test_what_is_dangerous_or_broken_is_refused_in_a_sentence_and_in_time(
    name: str, make: Callable[[], bytes], sentence: str
) -> None:
    data = make()
    began = time.monotonic()

    with pytest.raises(BadFile, match=sentence) as refusal:
        read(data, name)

    assert name in str(refusal.value)
    assert ";" in str(refusal.value), "the mend is missing"
    # A bound of the product, not of speed: the kernel ends the child before it.
    assert time.monotonic() - began < 10
    assert not CANARY.exists()


@pytest.mark.parametrize(("line", "code"), BAD_LINES, ids=[line[:40] for line, _ in BAD_LINES])
def test_a_bad_line_is_named_and_the_good_ones_are_kept(line: bytes, code: str) -> None:
    data = as_jsonl(ROWS[:1]) + line + b"\n" + as_jsonl(ROWS[1:])

    (first, bad, *rest) = read(data, "rows.jsonl")

    assert (first, rest) == ((1, ROWS[0]), [(3, ROWS[1]), (4, ROWS[2])])
    assert bad[0] == 2
    assert isinstance(bad[1], BadRow)
    assert bad[1].code == code
    assert bad[1].mend


def test_each_row_in_an_archive_says_in_which_file() -> None:
    data = as_zip({"a.jsonl": as_jsonl(ROWS[:1]), "b.jsonl": b"{\n" + as_jsonl(ROWS[1:])})

    numbered = read(data, "set.zip")

    (number, bad), *_ = [(n, row) for n, row in numbered if isinstance(row, BadRow)]
    assert number == 2
    assert str(bad).startswith("b.jsonl, line 1: ")
    assert [row.at for _, row in numbered if isinstance(row, Placed)] == [
        "a.jsonl, line 1", "b.jsonl, line 2", "b.jsonl, line 3",
    ]  # fmt: skip


@pytest.mark.parametrize("make", [parquet_bomb, nested_bomb])
def test_a_bomb_never_gets_more_than_half_a_gigabyte(make: Callable[[], bytes]) -> None:
    child = [sys.executable, "-I", "-c", PROGRAM, *USUAL.as_arguments(), "file", "bomb.parquet"]
    with tempfile.TemporaryFile() as file:
        file.write(make())
        file.seek(0)
        # A process counts the memory of the one it was forked from, so a small one stands between.
        measured = subprocess.run(
            [sys.executable, "-I", "-c", MEASURING, *child],
            stdin=file,
            env=ENVIRONMENT,
            capture_output=True,
            check=True,
        )

    memory, said = measured.stdout.decode().splitlines()
    assert int(memory) * 1024 < 512 * MB
    assert said.startswith('{"refused": "bomb.parquet ')


MEASURING = """
import resource, subprocess, sys
child = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
print(child.stdout.decode().splitlines()[-1])
"""


def test_a_file_that_takes_too_long_is_given_up() -> None:
    rows = as_jsonl(ROWS * 200_000)

    with pytest.raises(BadFile, match="takes too much time or memory"):
        read(rows, "long.jsonl", Limits(seconds=1, rows=10**9))


def test_no_more_children_read_at_a_time_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(jail, "PATIENCE", 0.01)
    begun = [rows_of_paste(ACCEPTED["rows.csv"].decode()) for _ in range(jail.AT_ONCE)]
    assert [next(rows)[0] for rows in begun] == [2] * jail.AT_ONCE

    with pytest.raises(BadFile, match="send it again in a minute"):
        list(rows_of_paste("prompt,completion\na,b\n"))

    begun.pop().close()
    assert list(rows_of_paste("prompt,completion\na,b\n"))


def test_a_file_of_too_many_rows_says_how_to_send_it() -> None:
    with pytest.raises(BadFile, match=r"long\.jsonl has more than 10,000 rows; split it"):
        read(as_jsonl(ROWS * 4_000), "long.jsonl")


def test_the_child_knows_neither_our_environment_nor_our_folder(monkeypatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    monkeypatch.setenv("SECRET_KEY", "hidden")

    assert "SECRET_KEY" not in ENVIRONMENT
    assert read(as_jsonl(), "rows.jsonl") == list(enumerate(ROWS, start=1))
