"""`openflywheel feedback`: thumbs, ratings and other tools' scores on answers of this site."""

from __future__ import annotations

import json

import pytest

from apps.traces.models import Outcome, Trace
from tests.client.conftest import Terminal


@pytest.fixture
def traces(terminal: Terminal) -> list[str]:
    """Answers that the site has given, by their public ids."""
    asked = {"messages": [{"role": "user", "content": "2+2"}], "answer": "5"}
    known = {
        "line": terminal.line,
        "channel": "stable",
        "version": "v1",
        "version_digest": "0" * 64,
    }
    return [Trace.objects.create(**known, **asked).public_id for _ in range(3)]


def test_a_file_of_thumbs_is_stored_and_bad_rows_are_named_by_their_line(
    terminal: Terminal, traces: list[str]
) -> None:
    one, other, _ = traces
    file = terminal.file(
        {"trace": one, "success": True, "rating": 5},
        "oops",
        {"trace": other, "success": False},
        {"trace": "tr_999999", "success": True},
    )

    done = terminal.run("feedback", file)

    assert done.exit_code == 1, done.output
    assert "rows.jsonl, row 2: not JSON" in done.output
    assert "rows.jsonl, row 4: " in done.output
    assert set(Outcome.objects.values_list("success", "rating")) == {(True, 5), (False, None)}


def test_a_table_of_thumbs_is_read_as_one(terminal: Terminal, traces: list[str]) -> None:
    table = "\n".join(["trace,success,rating", f"{traces[0]},true,4", f"{traces[1]},false,"])

    done = terminal.run("feedback", terminal.file(table, name="rows.csv"), "--json")

    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["counts"]["stored"] == 2
    assert set(Outcome.objects.values_list("success", "rating")) == {(True, 4), (False, None)}


def test_scores_of_another_tool_become_outcomes(terminal: Terminal, traces: list[str]) -> None:
    scores = [
        {"id": "s1", "traceId": traces[0], "dataType": "BOOLEAN", "value": 1},
        {"id": "s2", "traceId": "elsewhere", "dataType": "BOOLEAN", "value": 1},
    ]

    done = terminal.run("feedback", terminal.file(*scores), "--from", "langfuse")

    assert done.exit_code == 1
    assert "row 2: the score's trace is not one of ours; pass traces=" in done.output
    assert Outcome.objects.get().success is True


def test_a_file_without_feedback_is_refused_before_anything_is_sent(terminal: Terminal) -> None:
    done = terminal.run("feedback", terminal.file({"prompt": "2+2", "completion": "4"}))

    assert done.exit_code == 2
    assert "needed are (trace, success or rating or correction) or (prompt, answer" in done.output
