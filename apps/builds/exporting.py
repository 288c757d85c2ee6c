"""Rows on their way out: JSON lines, Parquet, and dataset folders that `trl` trains on as they are.

Everything is written as it is read, some hundred rows at a time, so that memory stays flat however
much there is. The same content gives the same bytes. What was accepted goes out without the rows
that a sample found bad, as it goes into builds.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
from django.contrib.auth.models import AnonymousUser
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from apps.accounts.models import Account
from apps.contributions import queries
from apps.contributions.models import Contribution, Kind, Row
from apps.contributions.stages import Stage
from apps.reviews.sampling.models import RowVerdict
from apps.reviews.sampling.queries import bad_now
from openflywheel.mapping import to_trl

# Part of every ETag: raise it when the same rows come out otherwise.
LAYOUT = "4"
ROWS_A_GROUP = 500
STYLES = ("standard", "conversational")
TEXTS = ("completion", "chosen", "rejected", "original")

TEXT, TURNS = pa.string(), pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
PROVENANCE = [
    *(("skill", TEXT), ("kind", TEXT), ("pr", pa.int64()), ("row", pa.int32())),
    *(("author", TEXT), ("licence", TEXT), ("digest", TEXT)),
]
# What a trainer reads of each kind, and the name that it has for it.
TRAINERS: dict[str, tuple[str, tuple[str, ...]]] = {
    Kind.CORRECTION: ("sft", ("completion", "original")),
    Kind.DATASET: ("sft", ("completion", "original")),
    Kind.PREFERENCE: ("dpo", ("chosen", "rejected")),
    Kind.RATING: ("kto", ("completion", "label", "stars")),
}
HUGGING_FACE_LICENCES = {
    "CC0-1.0": "cc0-1.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "Apache-2.0": "apache-2.0",
    "MIT": "mit",
}


@dataclass(frozen=True)
class Selection:
    """Which rows: those that the reader may have, narrowed down."""

    reader: Account | AnonymousUser
    kind: str = ""
    skill: str = ""
    stage: str = ""
    style: str = ""
    mine: bool = False
    pr: int = 0

    def contributions(self) -> QuerySet[Contribution]:
        """The PRs whose rows go out, oldest first; accepted ones, unless others are asked for.

        What was taken out again goes to its author alone, and only where it is asked for.
        """
        found = queries.for_export(self.reader)
        named = self.mine or self.pr
        found = found.filter(author_id=self.reader.pk) if self.mine else found
        if self.stage or not named:
            found = found.filter(stage=self.stage or Stage.ACCEPTED)
        if not named:
            found = found.filter(queries.STANDS)
        if self.kind:
            found = found.filter(kind=self.kind)
        if self.pr:
            found = found.filter(pk=self.pr)
        return found.order_by("pk")

    def rows(
        self, *, kinds: Iterable[str] = (), style: str = "", trains: bool = False
    ) -> QuerySet[Row]:
        """Their current rows; the standard style has no place for those of several turns.

        What is to be trained on as it is (`trains`) has no ratings that say neither good nor bad.
        """
        rows = Row.objects.filter(
            revision__contribution__in=self.contributions(),
            revision__number=F("revision__contribution__revision"),
        )
        here = {"sample__contribution": OuterRef("revision__contribution")}
        left_out = self._left_out().filter(**here, position=OuterRef("position"))
        rows = rows.exclude(Exists(left_out))
        if kinds:
            rows = rows.filter(revision__contribution__kind__in=list(kinds))
        if self.skill:
            rows = rows.filter(skill__name=self.skill)
        if (style or self.style) == "standard":
            rows = rows.filter(context=[])
        if trains:
            rows = rows.exclude(revision__contribution__kind=Kind.RATING, label=None)
        return rows.order_by("revision__contribution_id", "position")

    def etag(self, form: str) -> str:
        """SHA-256 (hex) of what goes out: it follows from the digests of the PRs."""
        whole = hashlib.sha256(repr((LAYOUT, form, self.kind, self.skill, self.style)).encode())
        told = self.contributions().values_list(
            "pk", "revision", "digest", "licence", "author__username"
        )
        for told_of_one in told.iterator():
            whole.update(repr(told_of_one).encode())
        left_out = self._left_out().values_list("sample__contribution", "position")
        whole.update(repr(sorted(set(left_out))).encode())
        return whole.hexdigest()

    def _left_out(self) -> QuerySet[RowVerdict]:
        """What was said of accepted rows found bad; sooner it would give an open sample away."""
        return bad_now(self.contributions().filter(stage=Stage.ACCEPTED))


@dataclass(frozen=True)
class Format:
    """A form of the export: its media type, its file's ending, and how it is written."""

    media_type: str
    ending: str
    write: Callable[[Selection], Iterator[bytes]]


def json_lines(selection: Selection) -> Iterator[bytes]:
    """A row on each line; without a style, as they can be sent again."""
    rows = _rows(selection.rows(), selection.style)
    # Each piece is a write to the network: a line at a time would cost more than the rows do.
    while some := list(islice(rows, ROWS_A_GROUP)):
        yield b"".join(map(_line, some))


def _line(row: dict[str, Any]) -> bytes:
    said = {name: value for name, value in row.items() if value is not None}
    return json.dumps(said, ensure_ascii=False).encode() + b"\n"


def parquet(selection: Selection) -> Iterator[bytes]:
    """One file with the columns of every kind (or of the one asked for)."""
    style = selection.style or "conversational"
    kinds = [selection.kind] if selection.kind else list(TRAINERS)
    sink = _Sink()
    for _ in _written(sink, selection.rows(style=style), style, _schema(kinds, style)):
        yield sink.drained()
    yield sink.drained()


def dataset_folder(selection: Selection) -> Iterator[bytes]:
    """A zip of a Hugging Face dataset: a card, and one Parquet file for each trainer and style."""
    parts = _parts(selection)
    sink = _Sink()
    # What is inside is packed already.
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        with _member(archive, "README.md") as file:
            file.write(_card(parts, _licences(selection)).encode())
        for part in parts:
            with _member(archive, part.path) as file:
                rows = selection.rows(kinds=part.kinds, style=part.style, trains=True)
                for _ in _written(file, rows, part.style, _schema(part.kinds, part.style)):
                    yield sink.drained()
    yield sink.drained()


FORMATS = {
    "ndjson": Format("application/x-ndjson", ".jsonl", json_lines),
    "parquet": Format("application/vnd.apache.parquet", ".parquet", parquet),
    "hf": Format("application/zip", ".zip", dataset_folder),
}


@dataclass(frozen=True)
class _Part:
    """One configuration of the dataset."""

    trainer: str
    style: str
    kinds: tuple[str, ...]
    rows: int

    @property
    def name(self) -> str:
        return self.trainer if self.style == "standard" else f"{self.trainer}_conversational"

    @property
    def path(self) -> str:
        return f"data/{self.name}/train.parquet"


def _parts(selection: Selection) -> list[_Part]:
    """The configurations that have rows."""
    counted = selection.rows(trains=True).values_list("revision__contribution__kind")
    one_turn = Count("pk", filter=Q(context=[]))
    counts = {
        kind: {"standard": single, "conversational": every}
        for kind, single, every in counted.annotate(single=one_turn, every=Count("pk")).order_by()
    }
    parts = []
    for trainer in ("sft", "dpo", "kto"):
        kinds = tuple(kind for kind, (name, _) in TRAINERS.items() if name == trainer)
        for style in [selection.style] if selection.style else STYLES:
            rows = sum(counts.get(kind, {}).get(style, 0) for kind in kinds)
            if rows:
                parts.append(_Part(trainer, style, kinds, rows))
    return parts


def _rows(found: QuerySet[Row], style: str) -> Iterator[dict[str, Any]]:
    """Rows with everything that trains, and with where they come from."""
    columns = (
        *("context", "prompt", *TEXTS, "label", "stars", "digest", "position", "skill__name"),
        *(f"revision__contribution__{name}" for name in ("id", "kind", "licence")),
        "revision__contribution__author__username",
    )
    for row in found.values(*columns).iterator(chunk_size=ROWS_A_GROUP):
        prompt: Any = row["prompt"]
        if row["context"]:
            prompt = [*row["context"], {"role": "user", "content": prompt}]
        shown = {
            "prompt": prompt,
            **{name: row[name] or None for name in TEXTS},
            "label": row["label"],
            "stars": row["stars"],
            "skill": row["skill__name"],
            "kind": row["revision__contribution__kind"],
            "pr": row["revision__contribution__id"],
            "row": row["position"],
            "author": row["revision__contribution__author__username"],
            "licence": row["revision__contribution__licence"],
            "digest": row["digest"],
        }
        yield next(to_trl([shown], style=style)) if style else shown  # type: ignore[arg-type]


def _schema(kinds: Iterable[str], style: str) -> pa.Schema:
    said = TURNS if style == "conversational" else TEXT
    types = {
        "completion": said,
        "chosen": said,
        "rejected": said,
        "original": TEXT,
        "label": pa.bool_(),
        "stars": pa.int8(),
    }
    names = dict.fromkeys(name for kind in kinds for name in TRAINERS[kind][1])
    return pa.schema([("prompt", said), *((name, types[name]) for name in names), *PROVENANCE])


def _written(
    file: BinaryIO | io.RawIOBase, found: QuerySet[Row], style: str, schema: pa.Schema
) -> Iterator[None]:
    """Write Parquet, and come back after each group of rows."""
    rows = _rows(found, style)
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        while some := list(islice(rows, ROWS_A_GROUP)):
            writer.write_table(pa.Table.from_pylist(some, schema))
            yield
    yield


def _member(archive: zipfile.ZipFile, name: str) -> Any:
    """A file inside the zip, with the one date that all have, so that bytes repeat."""
    info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.external_attr = 0o644 << 16
    return archive.open(info, "w", force_zip64=True)


class _Sink(io.RawIOBase):
    """What is written waits here until somebody takes it; there is no going back."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.waiting.append(bytes(data))
        return len(self.waiting[-1])

    def drained(self) -> bytes:
        """Everything since the last time."""
        taken, self.waiting = b"".join(self.waiting), []
        return taken


def _licences(selection: Selection) -> list[str]:
    return sorted(set(selection.contributions().values_list("licence", flat=True).order_by()))


def _card(parts: list[_Part], licences: list[str]) -> str:
    """The dataset's card: what the Hub and `datasets` read on top, what people read below."""
    known = [HUGGING_FACE_LICENCES.get(licence, "other") for licence in licences] or ["other"]
    head = ["---", "license:", *(f"- {name}" for name in dict.fromkeys(known))]
    head += ["tags:", "- openflywheel", "- trl"]
    if parts:
        head.append("configs:")
    default = _default(parts)
    for part in parts:
        head += [f"- config_name: {part.name}", f"  data_files: {part.path}"]
        head += ["  default: true"] if part is default else []
    lines = "\n".join(f"| `{part.name}` | {part.rows:,} |" for part in parts)
    commands = "\n\n".join(map(_command, parts))
    return "\n".join([*head, "---", CARD.format(lines=lines, commands=commands)])


def _default(parts: list[_Part]) -> _Part | None:
    """What they get who name no configuration: every row of the first trainer."""
    return max(parts, key=lambda p: (p.trainer == parts[0].trainer, p.rows), default=None)


def _command(part: _Part) -> str:
    """How to train on one configuration, to be typed in the folder as it stands here."""
    # `datasets` names what it loads by the last part of its path, and “.” has none.
    return (
        f'    trl {part.trainer} --dataset_name "$PWD" --dataset_config {part.name} \\\n'
        f'      --model_name_or_path "${{MODEL:-{EXAMPLE_MODEL}}}" --output_dir trained/{part.name}'
    )


# Small, free, and on the Hub: whoever types the commands without thinking gets an adapter of it.
EXAMPLE_MODEL = "Qwen/Qwen2.5-0.5B-Instruct"
CARD = """
# Contributions to an OpenFlywheel site

| configuration | rows |
|---|---|
{lines}

To train on them, in this folder (`MODEL` names your own model):

{commands}

`sft` holds corrections and examples, `dpo` pairs, `kto` answers with thumbs. Conversations of
several turns stand in the conversational configurations only.

Every row says where it comes from: `pr` and `row` (the PR's number at the site, and the place in
it), `author`, `licence` (SPDX) and `digest` (SHA-256 of what it teaches). The licence of each row
holds for that row.
"""
