"""Langfuse's scores, as `GET /api/public/v2/scores` returns them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openflywheel.mapping.faults import Unmapped, objects_in, text_of, thumb

OURS = "tr_"


def from_langfuse(
    scores: Iterable[Mapping[str, Any]],
    *,
    traces: Mapping[str, Mapping[str, Any]] | None = None,
    scale: tuple[float, float] = (0, 1),
) -> Iterator[dict[str, Any]]:
    """Feedback, from scores or pages of scores (`{"data": […]}`).

    A score whose trace (or observation) is one of ours goes to that answer; of any other trace,
    `traces` holds input and output by id, unless they stand in the score's own `trace`. Numbers
    lie on `scale`: on (1, 5) they are ratings, else the upper half is a success.
    """
    for number, score in enumerate(_flat(scores), start=1):
        yield {**_answer(score, traces or {}, number), **_verdict(score, scale, number)} | _named(
            score
        )


def _flat(scores: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for score in scores:
        if isinstance(score.get("data"), list):
            yield from objects_in(score["data"])
        else:
            yield score


def _answer(
    score: Mapping[str, Any], traces: Mapping[str, Mapping[str, Any]], number: int
) -> dict[str, Any]:
    """Which answer is spoken of: by our id, or by its texts."""
    for name in ("observationId", "traceId"):
        if str(score.get(name) or "").startswith(OURS):
            return {"trace": score[name]}
    trace = traces.get(str(score.get("traceId"))) or score.get("trace")
    if not isinstance(trace, Mapping) or not trace.get("input") or not trace.get("output"):
        mend = "pass traces={id: {“input”: …, “output”: …}}"
        raise Unmapped(number, "traceId", "the score's trace is not one of ours", mend)
    return {
        "prompt": _text(trace["input"], number, "input"),
        "answer": _text(trace["output"], number, "output"),
    }


def _text(value: Any, number: int, name: str) -> str:
    """The text in what was traced: a text, a message, or the last of several messages."""
    if isinstance(value, Mapping) and isinstance(value.get("messages"), list):
        value = value["messages"]
    if isinstance(value, list) and value and isinstance(value[-1], Mapping):
        value = value[-1]
    return text_of(value.get("content") if isinstance(value, Mapping) else value, number, name)


def _verdict(score: Mapping[str, Any], scale: tuple[float, float], number: int) -> dict[str, Any]:
    kind, value, word = score.get("dataType"), score.get("value"), score.get("stringValue")
    if kind == "CORRECTION" and isinstance(word, str):
        return {"correction": word}
    if kind == "BOOLEAN":
        return {"success": value in (1, True) or str(word).casefold() == "true"}
    if isinstance(word, str) and kind != "NUMERIC":
        return {"success": thumb(word, number, "stringValue")}
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unmapped(number, "value", "the score has no value", "leave it out")
    least, most = scale
    if not least <= value <= most:
        mend = "say on which scale the scores lie: scale=(1, 5)"
        raise Unmapped(number, "value", f"{value} is not between {least} and {most}", mend)
    if (least, most) == (1, 5):
        return {"rating": round(value)}
    return {"success": value >= (least + most) / 2}


def _named(score: Mapping[str, Any]) -> dict[str, Any]:
    name = {"client_id": str(score["id"])[:80]} if score.get("id") else {}
    return {"source": "langfuse", **name}
