"""From other tools' shapes to ours: every one of TRL's formats, Argilla, Langfuse, OpenAI, OTLP."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.contributions.models import Kind
from apps.contributions.rows import content_digest, kind_of, read_row, read_rows
from openflywheel import OpenFlywheelError, mapping
from openflywheel.mapping import Unmapped

WORDS = st.text("ab äß你😀\n\t .", min_size=1, max_size=12).filter(str.strip)
TURN = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "user", "assistant"]), "content": WORDS}
)
ASKED = st.builds(
    lambda earlier, now: [*earlier, {"role": "user", "content": now}],
    st.lists(TURN, max_size=3),
    WORDS,
)
PROMPT = WORDS | ASKED.filter(lambda turns: len(turns) > 1)
ROW = st.one_of(
    st.fixed_dictionaries({"prompt": PROMPT, "completion": WORDS}),
    st.fixed_dictionaries({"prompt": PROMPT, "completion": WORDS, "label": st.booleans()}),
    st.fixed_dictionaries({"prompt": PROMPT, "chosen": WORDS, "rejected": WORDS}),
)
NAMES = st.sampled_from(
    [
        *("prompt", "completion", "chosen", "rejected", "messages", "role", "content", "request"),
        *("response", "body", "choices", "message", "input", "fields", "value", "responses"),
        *("suggestions", "data", "traceId", "trace", "output", "dataType", "resourceLogs"),
        *("scopeLogs", "logRecords", "attributes", "key", "eventName"),
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            NAMES,
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def assistant(text: str) -> dict[str, str]:
    return {"role": "assistant", "content": text}


def one(shape: str, row: Any, **options: Any) -> dict[str, Any]:
    (mapped,) = getattr(mapping, f"from_{shape}")([row], **options)
    return dict(mapped)


# -- TRL ------------------------------------------------------------------------------------------


@given(st.lists(ROW, max_size=5))
def test_rows_that_go_out_in_trls_formats_come_back_the_same(rows: list[dict[str, Any]]) -> None:
    assert list(mapping.from_trl(mapping.to_trl(rows))) == rows
    short = [row for row in rows if isinstance(row["prompt"], str)]
    assert list(mapping.from_trl(mapping.to_trl(short, style="standard"))) == short


@given(ROW)
def test_a_mapped_row_teaches_what_the_row_itself_would(row: dict[str, Any]) -> None:
    kind = kind_of(row)
    (conversational,) = mapping.to_trl([row])

    directly, refused = read_rows([row], kind)[::2]
    mapped, refused_mapped = read_rows([one("trl", conversational)], kind)[::2]

    assert [bad.code for bad in refused] == [bad.code for bad in refused_mapped]
    assert content_digest(directly) == content_digest(mapped)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"prompt": "2+2", "completion": "4"}, {"prompt": "2+2", "completion": "4"}),
        ({"prompt": [user("2+2")], "completion": [assistant("4")]},
         {"prompt": "2+2", "completion": "4"}),
        ({"messages": [user("2+2"), assistant("4")]}, {"prompt": "2+2", "completion": "4"}),
        ({"prompt": "2+2", "chosen": "4", "rejected": "5"},
         {"prompt": "2+2", "chosen": "4", "rejected": "5"}),
        ({"prompt": [user("2+2")], "chosen": [assistant("4")], "rejected": [assistant("5")]},
         {"prompt": "2+2", "chosen": "4", "rejected": "5"}),
        ({"chosen": [user("2+2"), assistant("4")], "rejected": [user("2+2"), assistant("5")]},
         {"prompt": "2+2", "chosen": "4", "rejected": "5"}),
        ({"chosen": "The sky is blue.", "rejected": "The sky is green."},
         {"prompt": "The sky is ", "chosen": "blue.", "rejected": "green."}),
        ({"prompt": "2+2", "completion": "5", "label": False},
         {"prompt": "2+2", "completion": "5", "label": False}),
        ({"prompt": [user("2+2")], "completion": [assistant("5")], "label": False},
         {"prompt": "2+2", "completion": "5", "label": False}),
    ],
)  # fmt: skip
def test_each_format_of_trl_is_understood(row: Any, expected: dict[str, Any]) -> None:
    assert one("trl", row) == expected


# -- OpenAI ---------------------------------------------------------------------------------------

REQUEST = {"model": "m", "messages": [{"role": "developer", "content": "Be brief."}, user("2+2")]}
RESPONSE = {"id": "chatcmpl-1", "choices": [{"index": 0, "message": assistant("4")}]}
LOGGED = {
    "prompt": [{"role": "system", "content": "Be brief."}, user("2+2")],
    "completion": "4",
    "client_id": "chatcmpl-1",
}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"request": REQUEST, "response": RESPONSE}, LOGGED),
        ({"custom_id": "a-1", "request": {"body": REQUEST},
          "response": {"status_code": 200, "body": RESPONSE}}, {**LOGGED, "client_id": "a-1"}),
        ({"messages": [user("2+2"), assistant("4")]}, {"prompt": "2+2", "completion": "4"}),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": "2+2"}]},
                       assistant("4")]}, {"prompt": "2+2", "completion": "4"}),
        ({"input": {"messages": [user("2+2")]}, "preferred_output": [assistant("4")],
          "non_preferred_output": [assistant("5")]},
         {"prompt": "2+2", "chosen": "4", "rejected": "5"}),
    ],
)  # fmt: skip
def test_chat_logs_batches_and_fine_tuning_files_are_understood(
    line: Any, expected: dict[str, Any]
) -> None:
    assert one("openai", line) == expected


# -- Argilla --------------------------------------------------------------------------------------


def record(fields: dict[str, Any], **responses: Any) -> dict[str, Any]:
    """What `record.to_dict()` gives."""
    return {
        "id": "r1",
        "status": "completed",
        "fields": fields,
        "metadata": {},
        "suggestions": {},
        "responses": {
            name: [{"value": value, "user_id": "u1"}] for name, value in responses.items()
        },
        "vectors": {},
    }


ANSWERED = {"prompt": "2+2", "response": "5"}
PAIRED = {"prompt": [user("Hi"), assistant("Yes?"), user("2+2")], "a": "4", "b": "5"}


@pytest.mark.parametrize(
    ("fields", "value", "expected"),
    [
        (ANSWERED, "4", {"prompt": "2+2", "original": "5", "completion": "4"}),
        (ANSWERED, "5", {"prompt": "2+2", "completion": "5", "label": True}),
        (ANSWERED, "Wrong", {"prompt": "2+2", "completion": "5", "label": False}),
        (ANSWERED, 4, {"prompt": "2+2", "completion": "5", "label": True, "stars": 4}),
        (ANSWERED, 3, {"prompt": "2+2", "completion": "5", "stars": 3}),
        (ANSWERED, 2, {"prompt": "2+2", "completion": "5", "label": False, "stars": 2}),
        (ANSWERED, 9, {"prompt": "2+2", "completion": "5", "label": True}),
        (ANSWERED, 0.5, {"prompt": "2+2", "completion": "5", "label": False}),
        ({"instruction": "2+2"}, "4", {"prompt": "2+2", "completion": "4"}),
        (PAIRED, ["b", "a"], {"prompt": PAIRED["prompt"], "chosen": "5", "rejected": "4"}),
        (PAIRED, [{"value": "b", "rank": 2}, {"value": "a", "rank": 1}],
         {"prompt": PAIRED["prompt"], "chosen": "4", "rejected": "5"}),
        (PAIRED, "a", {"prompt": PAIRED["prompt"], "chosen": "4", "rejected": "5"}),
    ],
)  # fmt: skip
def test_what_annotators_answered_becomes_corrections_thumbs_and_pairs(
    fields: dict[str, Any], value: Any, expected: dict[str, Any]
) -> None:
    assert one("argilla", record(fields, question=value)) == {**expected, "client_id": "r1:u1"}


def test_records_of_the_sdk_itself_are_taken_and_drafts_and_discards_are_not() -> None:
    class Record:
        def to_dict(self) -> dict[str, Any]:
            shown = record(ANSWERED, correction="4")
            values = shown["responses"]["correction"]
            values += [{"value": "6", "status": "draft"}, {"value": "7", "status": "discarded"}]
            return shown

    assert [row["completion"] for row in mapping.from_argilla([Record()])] == ["4"]


def test_suggestions_stand_in_only_where_they_are_asked_for_and_nobody_answered() -> None:
    suggested = record(ANSWERED) | {"suggestions": {"correction": {"value": "4", "agent": "m"}}}

    assert list(mapping.from_argilla([suggested])) == []
    assert one("argilla", suggested, use_suggestions=True)["completion"] == "4"


# -- Langfuse and OTLP ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("score", "options", "expected"),
    [
        ({"traceId": "tr_7", "dataType": "BOOLEAN", "value": 1, "stringValue": "True"}, {},
         {"trace": "tr_7", "success": True}),
        ({"traceId": "x", "observationId": "tr_7", "dataType": "NUMERIC", "value": 0.2}, {},
         {"trace": "tr_7", "success": False}),
        ({"traceId": "tr_7", "dataType": "NUMERIC", "value": 4}, {"scale": (1, 5)},
         {"trace": "tr_7", "rating": 4}),
        ({"traceId": "tr_7", "dataType": "CATEGORICAL", "stringValue": "correct"}, {},
         {"trace": "tr_7", "success": True}),
        ({"traceId": "tr_7", "dataType": "CORRECTION", "stringValue": "four"}, {},
         {"trace": "tr_7", "correction": "four"}),
        ({"traceId": "x", "dataType": "BOOLEAN", "value": 0},
         {"traces": {"x": {"input": {"messages": [user("2+2")]}, "output": assistant("5")}}},
         {"prompt": "2+2", "answer": "5", "success": False}),
    ],
)  # fmt: skip
def test_scores_become_feedback(
    score: dict[str, Any], options: dict[str, Any], expected: dict[str, Any]
) -> None:
    named = {"source": "langfuse", "client_id": "s1"}

    assert one("langfuse", {"id": "s1", **score}, **options) == expected | named
    assert one("langfuse", {"data": [{"id": "s1", **score}]}, **options) == expected | named


def evaluation(**attributes: Any) -> dict[str, Any]:
    """An OTLP/JSON export with one evaluation and one other event."""
    wrapped = [
        {"key": f"gen_ai.{name.replace('__', '.')}", "value": value}
        for name, value in attributes.items()
    ]
    records = [
        {"eventName": "gen_ai.evaluation.result", "attributes": wrapped},
        {"eventName": "gen_ai.client.inference.operation.details", "attributes": []},
    ]
    return {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"evaluation__score__label": {"stringValue": "pass"}}, {"success": True}),
        ({"evaluation__score__value": {"doubleValue": 0.1}}, {"success": False}),
        ({"evaluation__score__value": {"intValue": "1"}}, {"success": True}),
    ],
)
def test_evaluation_events_become_feedback_on_the_answer_they_name(
    attributes: dict[str, Any], expected: dict[str, Any]
) -> None:
    shared = {
        "response__id": {"stringValue": "tr_7"},
        "evaluation__name": {"stringValue": "relevance"},
    }

    assert one("otlp", evaluation(**shared, **attributes)) == {
        "trace": "tr_7",
        **expected,
        "source": "otlp",
        "client_id": "tr_7:relevance",
    }
    foreign = {**shared, "response__id": {"stringValue": "chatcmpl-9"}}
    assert list(mapping.from_otlp([evaluation(**foreign, **attributes)])) == []


# -- what cannot be mapped ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "row", "said"),
    [
        ("trl", {"text": "2+2=4"}, "there is no prompt among text; give prompt and completion"),
        ("trl", {"prompt": "2+2"}, "there is no answer; add completion"),
        ("trl", {"messages": [user("2+2")]}, "no answer at its end; end with an assistant"),
        ("trl", {"chosen": "yes", "rejected": "no"}, "begin differently; give the prompt"),
        ("openai", {"request": REQUEST}, "neither a chat log nor a fine-tuning example"),
        ("openai", {"messages": [{"role": "tool", "content": "b"}]}, "“tool” has no place"),
        ("openai", {"request": REQUEST, "response": {"choices": []}}, "holds no answer"),
        ("openai", {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
         "more than text; leave pictures"),
        ("argilla", {"id": "r"}, "the record has no fields; give what record.to_dict"),
        ("argilla", record({"text": "2+2"}, q="4"), "has no prompt; name one of its fields"),
        ("argilla", record(ANSWERED, q=["x"]), "neither text, label, rating nor ranking"),
        ("langfuse", {"traceId": "x", "value": 1}, "not one of ours; pass traces"),
        ("langfuse", {"traceId": "tr_1", "value": 4}, "4 is not between 0 and 1; say on which"),
        ("langfuse", {"traceId": "tr_1", "stringValue": "meh"}, "“meh” says neither good nor bad"),
        ("otlp", evaluation(evaluation__name={"stringValue": "x"}), "it names no answer; set"),
    ],
)  # fmt: skip
def test_what_has_no_form_here_is_refused_with_its_row_and_its_mend(
    shape: str, row: Any, said: str
) -> None:
    with pytest.raises(Unmapped, match=r"^row 1: ") as refusal:
        one(shape, row)

    assert said in str(refusal.value)
    assert isinstance(refusal.value, OpenFlywheelError)


def test_the_row_that_cannot_be_mapped_is_named_by_its_number() -> None:
    good = {"prompt": "2+2", "completion": "4"}
    rows = mapping.from_trl([good, good, {"text": "x"}])

    assert [next(rows), next(rows)] == [good, good]
    with pytest.raises(Unmapped, match=r"^row 3: "):
        next(rows)


@pytest.mark.parametrize("shape", [*mapping.ROWS.values(), *mapping.FEEDBACK.values()])
@given(row=st.dictionaries(NAMES, JSON, max_size=6))
@settings(max_examples=50)
def test_whatever_comes_is_mapped_or_refused(shape: mapping.Shape, row: dict[str, Any]) -> None:
    with suppress(Unmapped):
        assert all(isinstance(mapped, dict) for mapped in shape([row]))


def test_a_correction_that_was_mapped_reads_as_a_correction() -> None:
    mapped = one("argilla", record(ANSWERED, q="4"))

    assert read_row(mapped, Kind.CORRECTION).original == "5"
