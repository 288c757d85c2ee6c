"""One contribution by REST: what is kept, what is refused, and how that is said."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.test import override_settings

from apps.contributions.models import Contribution, Row
from tests.api.calling import GOOD, OFFER, Caller

BAD_ROWS: list[tuple[str, str, str]] = [
    ('{"prompt": "2+2"}', "/rows/1/completion", "missing"),
    ('{"prompt": "2+2", "completion": NaN}', "/rows/1/completion", "bad_json"),
    ('{"prompt": "2+2", "completion": 1e999}', "/rows/1/completion", "bad_json"),
    ('{"prompt": "a", "prompt": "b", "completion": "4"}', "/rows/1", "bad_json"),
    ('{"prompt": "a\\u0000", "completion": "4"}', "/rows/1/prompt", "bad_json"),
    ('{"prompt": "a\\ud800", "completion": "4"}', "/rows/1/prompt", "bad_json"),
    ('{"prompt": "2+2", "completion": "4", "skill": "cooking"}', "/rows/1/skill", "unknown_skill"),
    ('{"prompt": "2+2", "completion": 4}', "/rows/1/completion", "not_text"),
    ('{"prompt": "2+2", "completion": "  "}', "/rows/1/completion", "blank"),
    ('{"messages": [{"role": "user", "content": "hi"}]}', "/rows/1/messages", "no_answer"),
    ('"just text"', "/rows/1", "not_an_object"),
    ('{"prompt": "p", "completion": "' + "x" * 30_000 + '"}', "/rows/1/completion", "too_long"),
]


def body_with(*rows: str) -> str:
    """A body whose rows are the given texts as they stand."""
    return json.dumps(OFFER)[:-1] + ', "rows": [' + ", ".join(rows) + "]}"


@pytest.mark.parametrize(("bad", "pointer", "code"), BAD_ROWS)
def test_a_bad_row_is_named_with_its_mend_and_the_good_ones_are_kept(
    ada: Caller, bad: str, pointer: str, code: str
) -> None:
    answer = ada.post("contributions", body_with(json.dumps(GOOD), bad, json.dumps(GOOD)))

    said = answer.json()
    refused = said["rows"][1]
    assert answer.status_code == 201
    assert said["counts"] == {"stored": 2, "refused": 1}
    assert (refused["pointer"], refused["code"]) == (pointer, code)
    assert refused["detail"]
    assert refused["mend"]
    assert Row.objects.count() == 2


def test_what_was_stored_can_be_read_back_as_it_was_sent(ada: Caller, stranger: Caller) -> None:
    sent = {"prompt": "Wie viel ist 2+2? 🧮", "completion": "4\n", "client_id": "row 7"}

    number = ada.post("contributions", {**OFFER, "rows": [sent]}).json()["number"]

    row = stranger.get(f"contributions/{number}/rows").json()["items"][0]
    assert {name: row[name] for name in sent} == sent


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ({"prompt": "p", "completion": "c"}, "dataset"),
        ({"instruction": "add", "input": "2 2", "output": "4"}, "dataset"),
        ({"prompt": "p", "completion": "c", "original": "wrong"}, "correction"),
        ({"prompt": "p", "chosen": "c", "rejected": "r"}, "preference"),
        ({"prompt": "p", "completion": "c", "label": False}, "rating"),
        (
            {"messages": [{"role": "user", "content": "u"}, {"role": "assistant", "content": "a"}]},
            "dataset",
        ),
    ],
)
def test_every_format_of_trl_is_taken_and_tells_its_kind(
    ada: Caller, row: dict[str, Any], kind: str
) -> None:
    answer = ada.post("contributions", {**OFFER, "rows": [row]})

    assert (answer.status_code, answer.json()["kind"]) == (201, kind)


def test_nothing_is_stored_when_no_row_is_good(ada: Caller) -> None:
    answer = ada.post("contributions", {**OFFER, "rows": [{"prompt": "2+2"}, 7]})

    said = answer.json()
    assert (answer.status_code, said["code"]) == (422, "nothing_usable")
    assert [bad["pointer"] for bad in said["errors"]] == ["/rows/0/completion", "/rows/1"]
    assert not Contribution.objects.exists()


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"licence": "WTFPL"}, "/licence"),
        ({"consent": "maybe"}, "/consent"),
        ({"signed_off": "yes"}, "/signed_off"),
        ({"skill": "cooking"}, "/skill"),
        ({"kind": "essay"}, "/kind"),
        ({"stage": "accepted"}, "/stage"),
        ({"author": "grace"}, "/author"),
        ({"rows": {}}, "/rows"),
    ],
)
def test_a_wrong_header_field_is_pointed_at(
    ada: Caller, change: dict[str, Any], pointer: str
) -> None:
    answer = ada.post("contributions", {**OFFER, "rows": [GOOD], **change})

    assert answer.status_code == 422
    assert [bad["pointer"] for bad in answer.json()["errors"]] == [pointer]
    assert not Contribution.objects.exists()


def test_without_sign_off_nothing_is_taken(ada: Caller) -> None:
    answer = ada.post("contributions", {**OFFER, "rows": [GOOD], "signed_off": False})

    assert (answer.status_code, answer.json()["code"]) == (422, "terms_missing")


def test_the_same_batch_twice_is_one_contribution_and_says_so(ada: Caller) -> None:
    body = {**OFFER, "rows": [GOOD], "batch": "monday"}

    first, second = ada.post("contributions", body), ada.post("contributions", body)

    assert first.status_code == second.status_code == 201
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert Contribution.objects.count() == 1


def test_an_idempotency_key_does_what_a_batch_name_does(ada: Caller) -> None:
    body, key = {**OFFER, "rows": [GOOD]}, {"Idempotency-Key": '"8e03978e"'}

    numbers = {ada.post("contributions", body, **key).json()["number"] for _ in range(3)}

    assert len(numbers) == 1


def test_other_rows_under_an_old_batch_name_are_not_lost_in_silence(ada: Caller) -> None:
    ada.post("contributions", {**OFFER, "rows": [GOOD], "batch": "monday"})

    other = {"prompt": "3+3", "completion": "6"}
    answer = ada.post("contributions", {**OFFER, "rows": [other], "batch": "monday"})

    assert (answer.status_code, answer.json()["code"]) == (422, "batch_taken")


def test_a_dry_run_judges_every_row_and_stores_none(ada: Caller) -> None:
    answer = ada.post("contributions?dry_run=1", {**OFFER, "rows": [GOOD, {"prompt": "2+2"}]})

    assert answer.status_code == 200
    assert answer.json()["counts"] == {"stored": 1, "refused": 1}
    assert not Contribution.objects.exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "/licence"),
        ("{", "line 1, column 2"),
        ('{"title": "a",\n "title": "b"}', "twice"),
        ('{"title": NaN}', "NaN"),
        ("[1, 2]", "not an object"),
        ("[" * 200_000, "deeper"),
        (b'{"title": "\xff"}', "UTF-8"),
    ],
)
def test_a_body_that_is_not_json_as_it_should_be_is_refused_with_its_place(
    ada: Caller, text: str | bytes, said: str
) -> None:
    answer = ada.post("contributions", text)

    assert answer.status_code in (400, 422)
    assert answer["Content-Type"] == "application/problem+json"
    assert said in json.dumps(answer.json(), ensure_ascii=False)


def test_without_a_token_nothing_is_offered(stranger: Caller) -> None:
    answer = stranger.post("contributions", {**OFFER, "rows": [GOOD]})

    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
    assert "Bearer" in answer["WWW-Authenticate"]


def test_a_packed_body_is_unpacked_and_a_cut_one_refused(ada: Caller) -> None:
    packed = gzip.compress(json.dumps({**OFFER, "rows": [GOOD]}).encode())
    header = {"Content-Encoding": "gzip"}

    assert ada.post("contributions", packed, **header).status_code == 201
    assert ada.post("contributions", packed[:-9], **header).json()["code"] == "bad_encoding"


@override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100_000)
def test_a_body_over_the_limit_is_refused_however_small_it_is_packed(ada: Caller) -> None:
    big = json.dumps({**OFFER, "description": "x" * 200_000, "rows": [GOOD]})

    plain = ada.post("contributions", big)
    packed = ada.post("contributions", gzip.compress(big.encode()), **{"Content-Encoding": "gzip"})

    assert plain.status_code == packed.status_code == 413
    assert plain.json()["code"] == packed.json()["code"] == "too_large"
