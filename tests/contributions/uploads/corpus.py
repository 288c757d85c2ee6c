"""Files that strangers send: those to take, and those to refuse, each made in a moment."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import stat
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = [{"prompt": f"What is {n} + {n}?", "completion": str(2 * n)} for n in range(1, 4)]
MB = 1024**2


def as_jsonl(rows: Sequence[dict[str, Any]] = ROWS) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def _parquet(table: pa.Table, **how: Any) -> bytes:
    file = io.BytesIO()
    pq.write_table(table, file, **how)
    return file.getvalue()


def as_parquet(rows: Sequence[dict[str, Any]] = ROWS) -> bytes:
    return _parquet(pa.Table.from_pylist(list(rows)))


def as_arrow(rows: Sequence[dict[str, Any]] = ROWS) -> bytes:
    table, file = pa.Table.from_pylist(list(rows)), io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as stream:
        stream.write_table(table)
    return file.getvalue()


def as_zip(members: dict[str, bytes], *, mode: int = 0o644) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return file.getvalue()


CARD = b"---\nlicense: cc0-1.0\n---\n# A dataset\n"


def a_card(configs: str) -> bytes:
    return f"---\nlicense: cc0-1.0\nconfigs:\n{configs}\n---\n# A dataset\n".encode()


# Two configurations with the same rows in two shapes, as our own export has them.
TWO_SHAPES = a_card(
    "- config_name: chat\n  data_files: data/chat/train.parquet\n"
    "- config_name: plain\n  data_files:\n  - split: test\n    path: data/plain/t*\n"
    "  - split: train\n    path: [data/plain/train-*]\n  default: true"
)
AS_CHAT = [
    {"prompt": [{"role": "user", "content": row["prompt"]}], "completion": row["completion"]}
    for row in ROWS
]

ACCEPTED: dict[str, bytes] = {
    "rows.jsonl": as_jsonl(),
    "rows.jsonl.gz": gzip.compress(as_jsonl()),
    "rows.json": json.dumps(ROWS).encode(),
    "rows.csv": b"prompt,completion\n"
    + b"".join(f"{row['prompt']},{row['completion']}\n".encode() for row in ROWS),
    "rows.parquet": as_parquet(),
    "rows.arrow": as_arrow(),
    "folder.zip": as_zip(
        {"set/README.md": CARD, "set/data/train-00000-of-00001.parquet": as_parquet()}
    ),
    "split.zip": as_zip({"data/train.jsonl": as_jsonl(), "data/test.jsonl": as_jsonl([{"x": 1}])}),
    "saved.zip": as_zip(
        {
            "s/data-00000-of-00001.arrow": as_arrow(),
            "s/dataset_info.json": b"{}",
            "s/state.json": b"{}",
        }
    ),
    "splits.zip": as_zip(
        {
            "s/dataset_dict.json": b'{"splits": ["train", "test"]}',
            "s/train/data-00000-of-00001.arrow": as_arrow(),
            "s/test/data-00000-of-00001.arrow": as_arrow([{"prompt": "p", "completion": "c"}]),
        }
    ),
    "shapes.zip": as_zip(
        {
            "set/README.md": TWO_SHAPES,
            "set/data/chat/train.parquet": as_parquet(AS_CHAT),
            "set/data/plain/train-0.parquet": as_parquet(ROWS[:2]),
            "set/data/plain/train-1.parquet": as_parquet(ROWS[2:]),
            "set/data/plain/test.parquet": as_parquet(ROWS),
        }
    ),
    "two.zip": as_zip({"a.jsonl": as_jsonl(ROWS[:1]), "b.parquet": as_parquet(ROWS[1:])}),
    "mac.zip": as_zip({"a.jsonl": as_jsonl(), "__MACOSX/._a.jsonl": b"\x00\x05\x16\x07"}),
}


def parquet_bomb() -> bytes:
    """A few kilobytes that decode to two terabytes: one text of a megabyte, two million times."""
    values = pa.array(["x" * MB])
    indices = pa.nulls(2_000_000, pa.int32()).fill_null(0)
    column = pa.DictionaryArray.from_arrays(indices, values)
    return _parquet(pa.table({"prompt": column, "completion": column}), compression="zstd")


def nested_bomb() -> bytes:
    """The same in a list of messages, where no dictionary keeps a repeated text small."""
    turns = [{"role": "user", "content": "x" * 4 * MB}, {"role": "assistant", "content": "y"}]
    table = pa.Table.from_pylist([{"messages": turns}])
    many = pa.concat_tables([table] * 64)
    return _parquet(many, compression="zstd")


def zip_bomb() -> bytes:
    """A megabyte that unpacks to a gigabyte."""
    file = io.BytesIO()
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("rows.jsonl", "w", force_zip64=True) as member,
    ):
        for _ in range(256):
            member.write(b" " * 4 * MB)
    return file.getvalue()


def gzip_bomb() -> bytes:
    """Packed once more, a gigabyte of one line is small."""
    return gzip.compress(b'{"prompt": "' + b"x" * 512 * MB, compresslevel=1)


class _Opens:
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str, str]]:
        return open, ("/tmp/ofw-canary", "w")


def pickled() -> bytes:
    """Writes a file when a careless reader opens it."""
    return pickle.dumps([_Opens()])


GOOD = as_jsonl(ROWS[:1])

# Name, how to make it, and what its refusal says.
REFUSED: list[tuple[str, Callable[[], bytes], str]] = [
    ("bomb.parquet", parquet_bomb, r"bomb\.parquet has more than 10,000 rows"),
    ("nested.parquet", nested_bomb, r"nested\.parquet"),
    ("bomb.zip", zip_bomb, r"bomb\.zip: rows\.jsonl unpacks to more"),
    ("bomb.jsonl.gz", gzip_bomb, r"bomb\.jsonl\.gz holds more than"),
    ("model.pkl", pickled, r"model\.pkl: \.pkl files can run code"),
    ("rows.jsonl", pickled, r"rows\.jsonl is a pickle"),
    ("weights.pt", lambda: b"PK\x03\x04", r"\.pt"),
    ("slip.zip", lambda: as_zip({"../../etc/cron.d/x.jsonl": GOOD}), "leads out of the folder"),
    ("root.zip", lambda: as_zip({"/etc/x.jsonl": GOOD}), "leads out of the folder"),
    ("drive.zip", lambda: as_zip({"C:\\x.jsonl": GOOD}), "leads out of the folder"),
    ("back.zip", lambda: as_zip({"a\\..\\..\\x.jsonl": GOOD}), "leads out of the folder"),
    ("link.zip", lambda: as_zip({"x.jsonl": b"/etc/passwd"}, mode=stat.S_IFLNK | 0o777), "a link"),
    ("pickle.zip", lambda: as_zip({"a.jsonl": GOOD, "b.pkl": pickled()}), "can run code"),
    ("script.zip", lambda: as_zip({"a.jsonl": GOOD, "set.py": b"import os"}), "can run code"),
    ("inner.zip", lambda: as_zip({"in.zip": as_zip({"a.jsonl": GOOD})}), "archive in an archive"),
    ("none.zip", lambda: as_zip({"README.md": CARD}), r"holds no \.jsonl"),
    (
        "alias.zip",
        lambda: as_zip({"README.md": a_card("- &a [x]\n- *a"), "a.jsonl": GOOD}),
        "not plain YAML; mend it, or leave the card out",
    ),
    (
        "deep.zip",
        lambda: as_zip({"README.md": a_card("- " + "[" * 20_000), "a.jsonl": GOOD}),
        "not plain YAML",
    ),
    (
        "elsewhere.zip",
        lambda: as_zip({"README.md": a_card("- data_files: b/*"), "a.jsonl": GOOD}),
        "no file of the configuration “default”",
    ),
    ("many.zip", lambda: as_zip({f"{n}.jsonl": b"" for n in range(1001)}), "at most 1,000"),
    ("cut.zip", lambda: ACCEPTED["folder.zip"][:-30], "damaged or cut off"),
    ("sheet.xlsx", lambda: as_zip({"xl/workbook.xml": b"<x/>"}), "save it as CSV"),
    ("cut.parquet", lambda: as_parquet()[:-20], "damaged or cut off"),
    ("not.parquet", lambda: b"PAR1 nothing", "damaged or cut off"),
    ("not.arrow", lambda: b"ARROW nothing", r"not\.arrow"),
    ("wide.jsonl", lambda: b"\xff\xfe{\x00", "UTF-16"),
    ("deep.json", lambda: b"[" * 200_000, "nested deeper"),
    ("empty.jsonl", lambda: b"", "is empty"),
    ("words.txt", lambda: b"hello", "none of"),
]

# A line that is bad among good ones, and the code of its refusal.
BAD_LINES: list[tuple[bytes, str]] = [
    (b'{"prompt": "p", "completion": NaN}', "bad_json"),
    (b'{"prompt": "p", "completion": 1e999}', "bad_json"),
    (b'{"prompt": "p", "prompt": "q", "completion": "c"}', "bad_json"),
    (b'{"prompt": "\\ud800", "completion": "c"}', "bad_json"),
    (b'{"prompt": "nul \\u0000", "completion": "c"}', "bad_json"),
    (b'{"prompt": "caf\xe9", "completion": "latin-1"}', "bad_json"),
    (b'{"prompt": ' + b"[" * 200_000, "bad_json"),
    (b'{"prompt": "' + b"x" * 2 * MB + b'", "completion": "c"}', "too_long"),
    (b"[1, 2]", "not_an_object"),
    (b"{", "bad_json"),
]
