"""Feedback in bulk over REST: a verdict for each row, keys, terms, and operations."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from apps.skills.models import ModelLine
from apps.traces import tasks
from apps.traces.feedback import delivering
from apps.traces.models import Feedback
from tests.api.calling import Caller

GOOD = {"prompt": "2+2", "answer": "5", "correction": "4", "skill": "sums"}
TERMS = {"licence": "CC0-1.0", "consent": "train", "signed_off": True}


def test_each_row_has_its_verdict_and_the_good_ones_stay(ada: Caller) -> None:
    rows: list[Any] = [
        {**GOOD, "client_id": "a"},
        {**GOOD, "client_id": "a"},
        {**GOOD, "skill": "cooking"},
        {**GOOD, "correction": "5"},
        {"prompt": "2+2", "answer": "4"},
        {**GOOD, "trace": "tr_1"},
    ]

    answer = ada.post("feedback/bulk", rows)

    said = answer.json()
    (stored,) = Feedback.objects.all()
    assert answer.status_code == 207
    assert said["counts"] == {"rows": 6, "stored": 1, "duplicate": 1, "refused": 4}
    assert said["rows"][0] == {
        "row": 0, "verdict": "stored", "id": stored.public_id, "as": "signal",
    }  # fmt: skip
    assert said["rows"][1] == {"row": 1, "verdict": "duplicate", "of": stored.public_id}
    assert [(row["code"], row["pointer"]) for row in said["rows"][2:]] == [
        ("unknown_skill", "/items/2/skill"),
        ("nothing_corrected", "/items/3/correction"),
        ("nothing_said", "/items/4"),
        ("two_answers", "/items/5/prompt"),
    ]
    assert all(row["mend"] for row in said["rows"][2:])
    assert "no terms" in said["note"]


def test_only_the_refused_rows_are_told_where_that_is_asked(ada: Caller) -> None:
    answer = ada.post("feedback/bulk?verdicts=refused", [GOOD, {"prompt": 1}, GOOD])

    assert [row["row"] for row in answer.json()["rows"]] == [1]
    assert answer.json()["counts"]["stored"] == 2


@pytest.mark.parametrize("where", ["address", "body", "standing"])
def test_terms_come_with_the_feedback_or_once_for_all(ada: Caller, where: str) -> None:
    if where == "standing":
        assert ada.put("feedback/terms", TERMS).status_code == 200
    address = "?licence=CC0-1.0&consent=train&signed_off=1" if where == "address" else ""
    body = {"items": [GOOD], **(TERMS if where == "body" else {})}

    said = ada.post(f"feedback/bulk{address}", body).json()

    assert said["rows"][0]["as"] == "contribution"
    assert said["terms"] == {"licence": "CC0-1.0", "consent": "train"}


def test_terms_are_given_whole_and_can_be_taken_back(ada: Caller) -> None:
    half = ada.post("feedback/bulk?licence=CC0-1.0&consent=train", [GOOD])
    assert (half.status_code, half.json()["code"]) == (422, "terms_missing")

    ada.put("feedback/terms", TERMS)
    assert ada.get("feedback/terms").json() == {"licence": "CC0-1.0", "consent": "train"}
    assert ada.delete("feedback/terms").status_code == 204
    assert ada.post("feedback/bulk", [GOOD]).json()["terms"] is None


def test_a_key_replays_its_answer_and_takes_no_other_body(ada: Caller) -> None:
    rows = [{**GOOD, "client_id": "a"}, {"prompt": 1}, {**GOOD, "client_id": "a"}]

    first, again = (ada.post("feedback/bulk", rows, **{"Idempotency-Key": "k"}) for _ in "12")
    other = ada.post("feedback/bulk", [GOOD], **{"Idempotency-Key": "k"})

    assert again["Idempotent-Replayed"] == "true"
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    assert Feedback.objects.count() == 1


def test_a_rehearsal_stores_nothing(ada: Caller) -> None:
    answer = ada.post("feedback/bulk?dry_run=1", {"items": [GOOD, {"prompt": 1}], **TERMS})

    assert (answer.status_code, answer.json()["dry_run"]) == (200, True)
    assert [row["row"] for row in answer.json()["rows"]] == [1]
    assert not Feedback.objects.exists()


def test_packed_lines_are_read(ada: Caller) -> None:
    body = gzip.compress(b"\n\n".join(json.dumps(GOOD).encode() for _ in range(3)))
    kind = "application/x-ndjson"

    answer = ada.send("post", "feedback/bulk", body, kind, **{"Content-Encoding": "gzip"})
    broken = ada.send("post", "feedback/bulk", body[:-9], kind, **{"Content-Encoding": "gzip"})

    assert (answer.status_code, answer.json()["counts"]["stored"]) == (201, 3)
    assert broken.json()["code"] == "bad_encoding"
    assert Feedback.objects.count() == 3


def test_a_large_body_is_followed_as_an_operation(
    ada: Caller, grace: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "AT_ONCE_ROWS", 2)
    monkeypatch.setattr("apps.api.views.feedback.AT_ONCE_ROWS", 2)

    answer = ada.lines("feedback/bulk", GOOD, "no JSON", GOOD, GOOD)

    assert answer.status_code == 202
    place = answer["Location"].removeprefix("/api/v1/")
    waiting = ada.get(place).json()
    assert (waiting["stage"], waiting["done"], waiting["progress"]) == ("waiting", False, 0.0)

    tasks.store_delivery(int(waiting["id"].removeprefix("op_")))

    done = ada.get(place).json()
    assert (done["stage"], done["done"], done["progress"]) == ("done", True, 1.0)
    assert done["counts"] == {"rows": 4, "stored": 3, "duplicate": 0, "refused": 1}
    (refused,) = ada.get(f"{place}/rows", verdicts="refused").json()["items"]
    assert (refused["row"], refused["code"], refused["pointer"]) == (1, "bad_json", "/items/1")
    assert grace.get(place).status_code == 404
    assert ada.get("operations/op_x").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("[{]", 400, "bad_json"),
        ('{"rows": []}', 422, "empty_body"),
        ('{"items": [], "items": []}', 400, "bad_json"),
        ('{"items": {}}', 400, "bad_json"),
        ('{"items": [], "colour": 1}', 422, "bad_fields"),
        ('{"items": [{}], "colour": 1}', 422, "bad_fields"),
        ("[]", 422, "empty_body"),
    ],
)
def test_a_body_that_cannot_be_read_stores_nothing(
    ada: Caller, body: str, status: int, code: str
) -> None:
    answer = ada.post("feedback/bulk", body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_site_without_a_line_says_so(db: None, ada: Caller) -> None:
    ModelLine.objects.all().delete()

    assert ada.post("feedback/bulk", [GOOD]).json()["code"] == "no_model_line"
