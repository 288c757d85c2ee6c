"""GET /api/v1/exports, as a program would ask for it."""

from __future__ import annotations

import io
import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from apps.contributions.stages import Stage
from apps.skills.models import ModelLine
from tests.api.calling import Caller, calling
from tests.people import a_contribution, a_line, somebody


@pytest.fixture
def line(db: None) -> ModelLine:
    return a_line("sums")


def body(response: Any) -> bytes:
    return b"".join(response.streaming_content)


def test_rows_come_as_json_lines_with_a_name_for_the_file(line: ModelLine) -> None:
    a_contribution(line, rows=[{"prompt": "2+2", "completion": "4"}], stage=Stage.ACCEPTED)

    response = Caller().get("exports")

    assert response.status_code == 200
    assert response["Content-Type"] == "application/x-ndjson"
    assert response["Content-Disposition"].endswith('.jsonl"')
    assert [json.loads(line)["prompt"] for line in body(response).splitlines()] == ["2+2"]


def test_what_has_not_changed_is_not_sent_again(line: ModelLine) -> None:
    a_contribution(line, stage=Stage.ACCEPTED)
    first = Caller().get("exports", format="parquet")
    assert pq.read_table(io.BytesIO(body(first))).num_rows == 1

    again = Caller().send(
        "get", "exports?format=parquet", "", "", **{"If-None-Match": first["ETag"]}
    )
    head = Caller().send("head", "exports?format=parquet", "", "")

    assert (again.status_code, again.content) == (304, b"")
    assert (head.status_code, head["ETag"]) == (200, first["ETag"])


def test_ones_own_come_with_a_token_and_are_kept_out_of_shared_caches(line: ModelLine) -> None:
    ada = somebody()
    a_contribution(line, by=ada, stage=Stage.REJECTED)

    mine = calling(ada).get("exports", mine=1)

    assert len(body(mine).splitlines()) == 1
    assert mine["Cache-Control"] == "private, no-store"
    assert Caller().get("exports", mine=1).status_code == 401


@pytest.mark.parametrize(
    "asked",
    [{"format": "csv"}, {"kind": "poem"}, {"stage": "gone"}, {"style": "loud"}, {"pr": "x"},
     {"mine": "perhaps"}, {"colour": "red"}, {"format": ""}, {"kind": ""}],
)  # fmt: skip
def test_a_parameter_that_is_not_understood_is_refused(line: ModelLine, asked: Any) -> None:
    response = Caller().get("exports", **asked)

    assert response.status_code == 400
    assert json.loads(response.content)["code"] == "bad_parameter"


def test_a_skill_that_no_name_can_be_has_no_rows(line: ModelLine) -> None:
    a_contribution(line, stage=Stage.ACCEPTED)

    assert body(Caller().get("exports", skill="a\0b")) == b""
