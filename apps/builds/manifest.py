"""Freezing a build: which rows of which revisions, beside which replay rows, measured on what.

The manifest is written before anything is trained, as JSONL files named in the spec with their
SHA-256, so that the same spec can be built again from the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db.models import Exists, OuterRef

from apps.builds.models import Build, Entry
from apps.contributions.models import Contribution, Kind, Row
from apps.contributions.queries import taking_out
from apps.reviews.sampling.queries import found_bad
from apps.skills.models import ModelLine
from apps.skills.queries import hold_out, trusted_rows

# What a row is called whose contributor named no skill; nothing is measured under this name.
UNSORTED = "unsorted"


@dataclass(frozen=True)
class Frozen:
    """A file of the manifest: where it lies, its SHA-256 (hex) and how many rows it has."""

    path: Path
    sha256: str
    rows: int


def freeze_rows(build: Build, folder: Path) -> Frozen:
    """Write the rows of every entry as `manifest.jsonl`."""
    entries = Entry.objects.filter(build=build).select_related("contribution").order_by("pk")
    return _write(folder / "manifest.jsonl", _examples(entries))


def freeze_earlier(line: ModelLine, folder: Path) -> Frozen:
    """Write the rows of every build that was shipped as `earlier.jsonl`: they must not fade.

    What a later PR has taken out is left out: those rows shall fade.
    """
    shipped = Entry.objects.filter(build__line=line, build__shipped_at__isnull=False)
    entries = shipped.exclude(Exists(taking_out(OuterRef("contribution"))))
    return _write(
        folder / "earlier.jsonl", _examples(entries.select_related("contribution").order_by("pk"))
    )


def freeze_replay(line: ModelLine, folder: Path) -> Frozen:
    """Write the line's trusted rows as `replay.jsonl`."""
    rows = (
        {"skill": row.skill.name, "prompt": row.prompt, "completion": row.completion}
        for row in trusted_rows(line).iterator()
    )
    return _write(folder / "replay.jsonl", rows)


def freeze_hold_out(line: ModelLine, folder: Path) -> Frozen:
    """Write the hidden cases as `holdout.jsonl`."""
    cases = (
        {"skill": case.skill.name, "prompt": case.prompt, "expected": case.expected}
        for case in hold_out(line).iterator()
    )
    return _write(folder / "holdout.jsonl", cases)


def _examples(entries: Iterable[Entry]) -> Iterator[dict[str, Any]]:
    for entry in entries:
        rows = Row.objects.filter(
            revision__contribution=entry.contribution, revision__number=entry.revision
        ).select_related("skill")
        bad = found_bad(entry.contribution_id, entry.revision)
        rows = rows.exclude(Exists(bad.filter(position=OuterRef("position"))))
        if entry.contribution.kind == Kind.RATING:
            # Three stars say neither good nor bad.
            rows = rows.exclude(label=None)
        for row in rows.order_by("position"):
            yield _example(entry.contribution, entry.revision, row)


def _example(contribution: Contribution, revision: int, row: Row) -> dict[str, Any]:
    example: dict[str, Any] = {
        "skill": row.skill.name if row.skill else UNSORTED,
        "prompt": row.prompt,
        "source": {
            "contribution": contribution.pk,
            "revision": revision,
            "row": row.position,
        },
    }
    if row.context:
        example["context"] = row.context
    if contribution.kind == Kind.PREFERENCE:
        return example | {"kind": "pair", "chosen": row.chosen, "rejected": row.rejected}
    if contribution.kind == Kind.RATING:
        return example | {"kind": "rating", "completion": row.completion, "label": row.label}
    return example | {"kind": "sft", "completion": row.completion}


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> Frozen:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest, count = hashlib.sha256(), 0
    with path.open("wb") as file:
        for row in rows:
            line = json.dumps(row, ensure_ascii=False, sort_keys=True).encode() + b"\n"
            file.write(line)
            digest.update(line)
            count += 1
    return Frozen(path, digest.hexdigest(), count)
