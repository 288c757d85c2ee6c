"""Argilla's records: what annotators answered becomes corrections, pairs and thumbs.

A record is what `record.to_dict()` gives (`fields`, `responses`, `suggestions`), or the SDK's
record itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openflywheel.mapping.faults import Unmapped, first_of, objects_in, text_of, thumb, turns_of

PROMPTS = ("prompt", "messages", "chat", "instruction", "question", "input")
ANSWERS = ("completion", "response", "answer", "output", "generation")
PAIRS = (
    *(("chosen", "rejected"), ("response_1", "response_2"), ("response-1", "response-2")),
    *(("response_a", "response_b"), ("a", "b"), ("completion_1", "completion_2")),
)


def from_argilla(
    records: Iterable[Any], *, good_from: int = 4, use_suggestions: bool = False
) -> Iterator[dict[str, Any]]:
    """Rows to submit: one for each annotator's answer to each question.

    A text corrects the answer field (or is the answer, where there is no such field); a ranking
    or the name of one of two answer fields is a pair; a label is a thumb; a rating of 1 to 5 is
    stars, and a thumb up from `good_from`, down below the middle. `use_suggestions` takes
    suggestions where nobody has answered.
    """
    for number, record in enumerate(records, start=1):
        shown = record if isinstance(record, Mapping) else _as_dict(record, number)
        fields = shown.get("fields")
        if not isinstance(fields, Mapping):
            mend = "give what record.to_dict() returns"
            raise Unmapped(number, "fields", "the record has no fields", mend)
        for question, value, who in _answers(shown, number, use_suggestions=use_suggestions):
            name = ":".join(filter(None, (str(shown.get("id") or ""), who)))
            row = _row(fields, question, value, number, good_from)
            yield row | ({"client_id": name[:80]} if name else {})


def _as_dict(record: Any, number: int) -> Mapping[str, Any]:
    if callable(getattr(record, "to_dict", None)):
        shown = record.to_dict()
        if isinstance(shown, Mapping):
            return shown
    raise Unmapped(number, "", "this is no record of Argilla", "give records, or their to_dict()")


def _answers(
    record: Mapping[str, Any], number: int, *, use_suggestions: bool
) -> Iterator[tuple[str, Any, str]]:
    """Question, value and annotator of everything that was answered, not discarded or drafted."""
    answered = record.get("responses") or {}
    if not isinstance(answered, Mapping):
        mend = "give what record.to_dict() returns"
        raise Unmapped(number, "responses", "responses are not named by their question", mend)
    found = False
    for question, responses in answered.items():
        for response in objects_in(responses if isinstance(responses, list) else [responses]):
            if str(response.get("status") or "submitted") == "submitted":
                found = True
                yield str(question), response.get("value"), str(response.get("user_id") or "")
    if use_suggestions and not found:
        suggested = record.get("suggestions")
        for question, suggestion in suggested.items() if isinstance(suggested, Mapping) else ():
            for only in objects_in([suggestion]):
                yield str(question), only.get("value"), str(only.get("agent") or "")


def _row(
    fields: Mapping[str, Any], question: str, value: Any, number: int, good_from: int
) -> dict[str, Any]:
    prompt = _prompt(fields, number)
    pair = next((pair for pair in PAIRS if all(fields.get(name) for name in pair)), None)
    if pair and (better := _better(value, pair)):
        worse = pair[1] if better == pair[0] else pair[0]
        chosen, rejected = (text_of(fields[name], number, name) for name in (better, worse))
        return {"prompt": prompt, "chosen": chosen, "rejected": rejected}
    answer = first_of(ANSWERS, fields)
    given = text_of(fields[answer], number, answer) if answer else ""
    if isinstance(value, bool | int | float) and answer:
        return {"prompt": prompt, "completion": given, **_judged(value, good_from)}
    if isinstance(value, str) and value.strip():
        return _said(prompt, given, value, question, number)
    detail = f"the answer to “{question[:40]}” is neither text, label, rating nor ranking"
    raise Unmapped(number, question, detail, "leave this question out of the export")


def _judged(value: float, good_from: int) -> dict[str, Any]:
    """A thumb, with stars where the rating agrees with what 1 to 5 stars mean at a site."""
    label = value if isinstance(value, bool) else value >= good_from
    if isinstance(value, bool) or value not in range(1, 6) or (value > 3) is not label:
        return {"label": label}
    stars = int(value)
    # Three of five say neither good nor bad; the site keeps them and trains on none.
    return {"stars": stars} if stars == 3 else {"label": label, "stars": stars}


def _said(prompt: Any, given: str, value: str, question: str, number: int) -> dict[str, Any]:
    if not given:
        return {"prompt": prompt, "completion": value}
    if value == given:
        return {"prompt": prompt, "completion": given, "label": True}
    try:
        return {"prompt": prompt, "completion": given, "label": thumb(value, number, question)}
    except Unmapped:
        return {"prompt": prompt, "original": given, "completion": value}


def _better(value: Any, pair: tuple[str, str]) -> str:
    """Which of two fields the value prefers; "" where it speaks of something else."""
    if isinstance(value, list) and value:
        ranks = {
            str(item.get("value") if isinstance(item, Mapping) else item): (
                item["rank"] if isinstance(item, Mapping) and _whole(item.get("rank")) else place
            )
            for place, item in enumerate(value)
        }
        if set(pair) <= set(ranks) and ranks[pair[0]] != ranks[pair[1]]:
            return min(pair, key=lambda name: ranks[name])
    return value if isinstance(value, str) and value in pair else ""


def _whole(value: Any) -> bool:
    return isinstance(value, int)


def _prompt(fields: Mapping[str, Any], number: int) -> Any:
    name = first_of(PROMPTS, fields)
    if not name:
        mend = f"name one of its fields {', '.join(PROMPTS[:3])}"
        raise Unmapped(number, "prompt", "the record has no prompt", mend)
    value = fields[name]
    if isinstance(value, str):
        return value
    turns = turns_of(value, number, name)
    if turns[-1]["role"] != "user":
        raise Unmapped(number, name, "the chat does not end with the user", "end it so")
    return turns[0]["content"] if len(turns) == 1 else turns
