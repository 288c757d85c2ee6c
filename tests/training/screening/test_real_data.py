"""The screens on labelled real contributions; measured in full by `benchmarks.screens`."""

import gzip
import json
from collections import defaultdict
from pathlib import Path

import pytest

from training.screening import Reference, Row, screen


@pytest.fixture(scope="module")
def contributions(shared: Path) -> list[dict]:
    folder = shared / "data" / "poison"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not there")
    rows = defaultdict(list)
    with gzip.open(folder / "sft_rows.jsonl.gz", "rt") as file:
        for row in map(json.loads, file):
            asked = "\n".join(filter(None, (row["instruction"], row["input"])))
            rows[row["batch"]].append(Row(asked, row["output"]))
    batches = map(json.loads, (folder / "sft_batches.jsonl").read_text().splitlines())
    return [{**batch, "rows": rows[batch["batch"]]} for batch in batches]


@pytest.fixture(scope="module")
def reference(contributions: list[dict]) -> Reference:
    honest = [one for one in contributions if not one["poisoned"]]
    return Reference.build(trusted=[row for one in honest[:100] for row in one["rows"]])


def quarantined(one: dict, reference: Reference) -> bool:
    return any(
        found.screen == "poisoning" and found.severity == "quarantine"
        for found in screen(one["rows"], reference)
    )


def test_contributions_that_are_half_poison_are_quarantined(contributions, reference):
    attacks = [one for one in contributions if one["poisoned"] and one["frac"] >= 0.5]

    missed = [one["batch"] for one in attacks if not quarantined(one, reference)]

    assert len(attacks) == 16
    assert missed == []


def test_honest_contributions_with_noise_and_prefixes_are_not(contributions, reference):
    honest = [one for one in contributions if not one["poisoned"]][100:160]

    assert [one["batch"] for one in honest if quarantined(one, reference)] == []
