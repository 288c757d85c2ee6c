"""Many rows in one stream: batches, verdicts, partial success, repetition."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from typing import Any

from apps.contributions.models import Contribution, Row
from tests.api.calling import GOOD, OFFER, Caller

HEADER = "licence=CC0-1.0&consent=train&signed_off=1"
BULK = f"contributions/bulk?{HEADER}"


def in_batch(batch: str | None, number: int = 0, **more: Any) -> dict[str, Any]:
    return {"batch": batch, "prompt": f"{number}+1", "completion": str(number + 1), **more}


def test_rows_gather_into_one_contribution_for_each_batch(ada: Caller) -> None:
    rows = [in_batch("a", 1), in_batch("a", 2), in_batch("b", 3)]

    answer = ada.lines(BULK, *rows)

    said = answer.json()
    assert answer.status_code == 201
    assert [(pr["batch"], pr["row_count"]) for pr in said["contributions"]] == [("a", 2), ("b", 1)]
    assert said["counts"] == {
        "rows": 3, "stored": 3, "duplicate": 0, "refused": 0, "contributions": 2,
    }  # fmt: skip


def test_each_row_has_a_verdict_and_bad_ones_cost_no_good_ones(ada: Caller) -> None:
    answer = ada.lines(
        BULK,
        in_batch("a", 1),
        '{"batch": "a", "prompt": "x", "completion": NaN}',
        '{"batch": "a", "prompt": "x", "prompt": "y", "completion": "z"}',
        "no JSON at all",
        in_batch("a", 2, skill="cooking"),
        in_batch("a", 3),
        in_batch("b", 4, licence="WTFPL"),
        in_batch("c", 5),
    )

    said = answer.json()
    assert answer.status_code == 207
    assert [row["verdict"] for row in said["rows"]] == [
        "stored", "refused", "refused", "refused", "refused", "stored", "refused", "stored",
    ]  # fmt: skip
    assert [row["pointer"] for row in said["rows"] if row["verdict"] == "refused"] == [
        "/items/1/completion", "/items/2", "/items/3", "/items/4/skill", "/items/6/licence",
    ]  # fmt: skip
    assert all(row["mend"] for row in said["rows"] if row["verdict"] == "refused")
    assert [pr.row_count for pr in Contribution.objects.order_by("pk")] == [2, 1]


def test_ten_megabytes_in_one_line_cost_only_that_line(ada: Caller) -> None:
    huge = json.dumps(in_batch("a") | {"completion": "x" * 10 * 1024**2})

    answer = ada.lines(BULK, in_batch("a", 1), huge, in_batch("a", 2))

    bad = answer.json()["rows"][1]
    assert (bad["code"], bad["pointer"]) == ("too_long", "/items/1")
    assert Row.objects.count() == 2


def test_a_repeated_stream_stores_nothing_twice(ada: Caller) -> None:
    rows = [in_batch("a", 1), in_batch("b", 2)]
    ada.lines(BULK, *rows)

    answer = ada.lines(BULK, *rows, in_batch("c", 3))

    assert [row["verdict"] for row in answer.json()["rows"]] == ["duplicate", "duplicate", "stored"]
    assert Row.objects.count() == 3


def test_a_row_whose_batch_is_null_goes_by_the_key_of_the_request(ada: Caller) -> None:
    answer = ada.lines(BULK, in_batch("a"), in_batch(None), **{"Idempotency-Key": "monday"})

    assert [pr["batch"] for pr in answer.json()["contributions"]] == ["a", "monday"]


def test_rows_of_one_batch_that_stand_apart_are_refused_and_not_lost(ada: Caller) -> None:
    answer = ada.lines(BULK, in_batch("a", 1), in_batch("b", 2), in_batch("a", 3))

    last = answer.json()["rows"][2]
    assert last["verdict"] == "refused"
    assert "send its rows together" in last["detail"]


def test_a_row_under_another_licence_than_its_batch_is_refused(ada: Caller) -> None:
    answer = ada.lines(BULK, in_batch("a", 1), in_batch("a", 2, licence="MIT"))

    assert answer.json()["rows"][1]["code"] == "other_header"
    assert Row.objects.count() == 1


def test_the_header_may_stand_beside_the_items_of_a_json_object(ada: Caller) -> None:
    answer = ada.post("contributions/bulk", {**OFFER, "batch": "a", "items": [GOOD, {"prompt": 1}]})

    assert answer.status_code == 207
    assert answer.json()["contributions"][0]["title"] == "Sums"
    assert answer.json()["rows"][1]["pointer"] == "/items/1/prompt"


def test_a_json_list_keeps_its_good_rows(ada: Caller) -> None:
    text = f'[{json.dumps(GOOD)}, {{"prompt": "p", "completion": Infinity}}]'

    answer = ada.post(f"{BULK}&batch=list", text)

    assert answer.json()["counts"]["stored"] == 1
    assert answer.json()["rows"][1]["pointer"] == "/items/1/completion"


def test_an_empty_body_says_what_to_send(ada: Caller) -> None:
    answer = ada.lines(BULK)

    assert (answer.status_code, answer.json()["code"]) == (422, "empty_body")


def test_when_every_row_is_bad_the_answer_is_a_problem(ada: Caller) -> None:
    answer = ada.lines(f"{BULK}&batch=a", {"question": "2+2", "answer": "4"})

    said = answer.json()
    assert (answer.status_code, said["code"]) == (422, "nothing_usable")
    assert said["errors"][0]["pointer"] == "/items/0/prompt"


def test_a_stream_that_breaks_off_keeps_what_was_whole_and_says_so(ada: Caller) -> None:
    rows = [in_batch(f"batch {number // 25}", number) for number in range(5000)]
    packed = gzip.compress("\n".join(map(json.dumps, rows)).encode())

    answer = ada.send(
        "post",
        BULK,
        packed[: len(packed) // 2],
        "application/x-ndjson",
        **{"Content-Encoding": "gzip"},
    )

    said = answer.json()
    assert (answer.status_code, said["code"]) == (400, "bad_encoding")
    assert 0 < said["counts"]["stored"] == Row.objects.count() < 5000


def test_a_dry_run_stores_nothing(ada: Caller) -> None:
    answer = ada.lines(f"{BULK}&dry_run=1", in_batch("a", 1), "oops")

    assert answer.status_code == 200
    assert (answer.json()["counts"]["stored"], answer.json()["counts"]["refused"]) == (1, 1)
    assert not Contribution.objects.exists()


def test_no_more_than_one_contribution_is_held_in_memory(ada: Caller) -> None:
    rows = [in_batch(f"batch {number // 10}", number) for number in range(600)]
    lines = (json.dumps(row | {"completion": "x" * 19_000}) for row in rows)
    packed = gzip.compress("\n".join(lines).encode())
    header = {"Content-Encoding": "gzip"}

    tracemalloc.start()
    answer = ada.send("post", BULK, packed, "application/x-ndjson", **header)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert answer.json()["counts"]["stored"] == 600
    assert most < 4 * 1024**2 < 600 * 19_000


def test_nobody_without_the_scope_sends_rows(stranger: Caller) -> None:
    assert stranger.lines(BULK, GOOD).status_code == 401
