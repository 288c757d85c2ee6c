"""OpenTelemetry: log records of the event `gen_ai.evaluation.result`, as OTLP/JSON carries them.

Source: OpenTelemetry's semantic conventions for generative AI (status: development).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openflywheel.mapping.faults import Unmapped, objects_in, thumb

EVENT = "gen_ai.evaluation.result"
OURS = "tr_"


def from_otlp(
    exports: Iterable[Mapping[str, Any]], *, scale: tuple[float, float] = (0, 1)
) -> Iterator[dict[str, Any]]:
    """Feedback on answers of ours, from OTLP/JSON log exports (`{"resourceLogs": …}`).

    `gen_ai.response.id` names the answer; the label counts before the value, which lies on
    `scale` as in `from_langfuse`. Other events and other models' answers are passed over.
    """
    number = 0
    for record in _records(exports):
        said = _attributes(record.get("attributes"))
        if (record.get("eventName") or said.get("event.name")) != EVENT:
            continue
        number += 1
        answer = str(said.get("gen_ai.response.id") or "")
        if not answer:
            mend = "set gen_ai.response.id to the id that came with the answer"
            raise Unmapped(number, "gen_ai.response.id", "it names no answer", mend)
        if answer.startswith(OURS):
            name = f"{answer}:{said.get('gen_ai.evaluation.name', '')}"[:80]
            row = {"trace": answer, **_verdict(said, scale, number)}
            yield row | {"source": "otlp", "client_id": name}


def _records(exports: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for export in exports:
        for resource in objects_in(export.get("resourceLogs")):
            for scope in objects_in(resource.get("scopeLogs")):
                yield from objects_in(scope.get("logRecords"))


def _attributes(listed: Any) -> dict[str, Any]:
    return {
        str(each["key"]): _value(each.get("value")) for each in objects_in(listed) if "key" in each
    }


def _value(value: Any) -> Any:
    """OTLP's wrapped value; 64-bit integers travel as text."""
    if not isinstance(value, Mapping):
        return None
    if str(value.get("intValue")).lstrip("-").isdecimal():
        return int(value["intValue"])
    names = ("stringValue", "doubleValue", "boolValue")
    return next((value[name] for name in names if name in value), None)


def _verdict(said: Mapping[str, Any], scale: tuple[float, float], number: int) -> dict[str, Any]:
    label, value = (
        said.get("gen_ai.evaluation.score.label"),
        said.get("gen_ai.evaluation.score.value"),
    )
    if isinstance(label, str) and label:
        return {"success": thumb(label, number, "gen_ai.evaluation.score.label")}
    name = "gen_ai.evaluation.score.value"
    if isinstance(value, bool):
        return {"success": value}
    if not isinstance(value, int | float):
        raise Unmapped(number, name, "the evaluation has neither label nor value", "set one")
    least, most = scale
    if not least <= value <= most:
        mend = "say on which scale the scores lie: scale=(1, 5)"
        raise Unmapped(number, name, f"{value} is not between {least} and {most}", mend)
    if scale == (1, 5):
        return {"rating": round(value)}
    return {"success": value >= (least + most) / 2}
