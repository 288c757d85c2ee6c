"""Outcomes of answers and blind comparisons over REST."""

from __future__ import annotations

from typing import Any

from apps.accounts.models import Account
from apps.rollouts.actions import publish_base
from apps.rollouts.models import Rollout, Version
from apps.skills.models import ModelLine
from apps.traces.actions import shadow_is_a
from apps.traces.models import Arm, Outcome, Trace
from tests.api.calling import Caller
from tests.people import somebody


def answered(line: ModelLine, **more: Any) -> Trace:
    fields: dict[str, Any] = {
        "channel": "stable",
        "version": "base",
        "version_digest": "0" * 64,
        "messages": [{"role": "user", "content": "2+2"}],
        "answer": "4",
    }
    return Trace.objects.create(line=line, **fields | more)


def a_pair(line: ModelLine, asked_by: Account) -> Trace:
    """A shadow answer that differs from the live one, in a rollout that is under way."""
    channel = publish_base(line, name="base", digest="0" * 64, channel="stable", by="operator")
    new = Version.objects.create(line=line, name="ofw-1", digest="1" * 64, path="/")
    rollout = Rollout.objects.create(
        channel=channel, candidate=new, incumbent=channel.live, salt="s"
    )
    live = answered(line, asked_by=asked_by, answer="5")
    seen = {"experiment": rollout.experiment, "asked_by": asked_by}
    return answered(line, arm=Arm.SHADOW, mirror_of=live, answer="4", **seen)


def test_each_outcome_has_its_verdict(line: ModelLine, ada: Caller) -> None:
    first, second = answered(line), answered(line)
    rows = [
        {"trace": first.public_id, "success": True, "rating": 5, "client_id": "a"},
        {"trace": first.public_id, "success": False},
        {"trace": second.public_id, "success": "yes"},
        {"trace": "tr_999999", "success": True},
        "no JSON",
        {"trace": second.public_id, "success": False},
    ]

    answer = ada.lines("feedback/bulk", *rows)

    said = answer.json()
    assert answer.status_code == 207
    assert [row["verdict"] for row in said["rows"]] == [
        "stored", "duplicate", "refused", "refused", "refused", "stored",
    ]  # fmt: skip
    assert [row["pointer"] for row in said["rows"] if row["verdict"] == "refused"] == [
        "/items/2/success", "/items/3/trace", "/items/4",
    ]  # fmt: skip
    assert [row["code"] for row in said["rows"][3:5]] == ["unknown_trace", "bad_json"]
    assert Outcome.objects.count() == 2


def test_outcomes_sent_again_are_duplicates(line: ModelLine, ada: Caller) -> None:
    row = {"trace": answered(line).public_id, "success": True}

    first, second = (ada.post("feedback/bulk", [row]) for _ in range(2))

    assert first.json()["counts"]["stored"] == 1
    assert (second.status_code, second.json()["counts"]["duplicate"]) == (201, 1)


def test_a_pair_is_shown_blind_and_judged_once(line: ModelLine, grace: Caller) -> None:
    shadow = a_pair(line, somebody())

    shown = grace.get("comparisons").json()["items"]
    right = {"a": shown[0]["a"] == "4", "b": shown[0]["b"] == "4"}
    row = {"pair": shown[0]["pair"], "a_success": right["a"], "b_success": right["b"]}
    judged = grace.post("comparisons", [row])

    assert sorted((shown[0]["a"], shown[0]["b"])) == ["4", "5"]
    assert set(shown[0]) == {"pair", "skill", "messages", "a", "b"}
    assert judged.json()["counts"]["stored"] == 1
    assert Outcome.objects.get(trace=shadow).success is True
    assert Outcome.objects.get(trace=shadow.mirror_of).success is False
    assert shown[0]["a"] == ("4" if shadow_is_a(shadow) else "5")
    assert grace.get("comparisons").json()["items"] == []


def test_a_contributor_is_not_shown_what_others_asked(line: ModelLine, ada: Caller) -> None:
    shadow = a_pair(line, somebody())
    row = {"pair": shadow.public_id, "a_success": True, "b_success": True}

    judged = ada.post("comparisons", [row])

    assert ada.get("comparisons").json()["items"] == []
    assert judged.json()["rows"][0]["code"] == "unknown_pair"
    assert not Outcome.objects.exists()


def test_who_asked_does_not_judge_the_answers(line: ModelLine, ada: Caller) -> None:
    assert ada.account is not None
    a_pair(line, ada.account)

    assert ada.get("comparisons").json()["items"] == []


def test_a_shadow_answer_is_not_rated_by_itself(line: ModelLine, ada: Caller) -> None:
    shadow = a_pair(line, somebody())

    answer = ada.post("feedback/bulk", [{"trace": shadow.public_id, "success": True}])

    assert answer.json()["rows"][0]["code"] == "unknown_trace"


def test_feedback_needs_a_token_and_some_rows(ada: Caller, stranger: Caller) -> None:
    assert stranger.post("feedback/bulk", []).status_code == 401
    assert ada.post("feedback/bulk", []).json()["code"] == "empty_body"
    assert ada.lines("feedback/bulk", "").json()["code"] == "empty_body"
