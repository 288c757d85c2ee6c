"""TRL's dataset formats: SFT, preference (DPO) and unpaired preference (KTO), as text or messages.

Ours are the same, with one answer a row: `prompt` is a text or a list of messages that ends with
the user's, answers are texts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from openflywheel.mapping.faults import Unmapped, text_of, turns_of

Style = Literal["standard", "conversational"]
ANSWERS = ("completion", "chosen", "rejected")
OURS = ("label", "stars", "original", "skill", "trace", "client_id")


def from_trl(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """Rows to submit, from any of TRL's formats; an implicit prompt is taken out of the answers."""
    for number, row in enumerate(rows, start=1):
        shared = {name: row[name] for name in OURS if row.get(name) is not None}
        yield {**_exchange(row, number), **shared}


def to_trl(
    rows: Iterable[Mapping[str, Any]], *, style: Style = "conversational"
) -> Iterator[dict[str, Any]]:
    """Rows of ours as TRL trains on them.

    Raises `Unmapped` for a row of several turns in the standard style, which has no place for them.
    """
    for number, row in enumerate(rows, start=1):
        kept = {name: value for name, value in row.items() if name not in ("prompt", *ANSWERS)}
        prompt = row["prompt"]
        if style == "standard":
            if not isinstance(prompt, str):
                detail = "the row has several turns, and the standard style has one"
                raise Unmapped(number, "prompt", detail, "export it in the conversational style")
            yield {"prompt": prompt, **{n: row[n] for n in ANSWERS if row.get(n)}, **kept}
        else:
            turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
            answers = {
                name: [{"role": "assistant", "content": row[name]}]
                for name in ANSWERS
                if row.get(name)
            }
            yield {"prompt": list(turns), **answers, **kept}


def _exchange(row: Mapping[str, Any], number: int) -> dict[str, Any]:
    if "messages" in row:
        *asked, last = turns_of(row["messages"], number)
        if last["role"] != "assistant":
            mend = "end with an assistant message"
            raise Unmapped(number, "messages", "the conversation has no answer at its end", mend)
        return {"prompt": _prompt(asked, number), "completion": last["content"]}
    if "chosen" in row and "rejected" in row and "prompt" not in row:
        return _implicit(row["chosen"], row["rejected"], number)
    if "prompt" not in row:
        mend = "give prompt and completion, messages, or prompt, chosen and rejected"
        raise Unmapped(number, "prompt", f"there is no prompt among {_named(row)}", mend)
    answers = {name: _answer(row[name], number, name) for name in ANSWERS if row.get(name)}
    if not answers:
        raise Unmapped(number, "completion", "there is no answer", "add completion, or a pair")
    prompt = row["prompt"]
    if not isinstance(prompt, str):
        prompt = _prompt(turns_of(prompt, number, "prompt"), number)
    return {"prompt": prompt, **answers}


def _implicit(chosen: Any, rejected: Any, number: int) -> dict[str, Any]:
    """What both begin with is the prompt."""
    if isinstance(chosen, str) and isinstance(rejected, str):
        pairs = enumerate(zip(chosen, rejected, strict=False))
        shared = next((at for at, (one, other) in pairs if one != other), 0)
        # Words stay whole: answers may begin with the same letters.
        shared = chosen.rfind(" ", 0, shared) + 1
        if not chosen[:shared].strip():
            mend = "give the prompt in a column of its own"
            raise Unmapped(number, "prompt", "chosen and rejected begin differently", mend)
        prompt, one, other = chosen[:shared], chosen[shared:], rejected[shared:]
        return {"prompt": prompt, "chosen": one, "rejected": other}
    good, bad = turns_of(chosen, number, "chosen"), turns_of(rejected, number, "rejected")
    if good[:-1] != bad[:-1] or not good[:-1]:
        mend = "give the prompt in a column of its own"
        raise Unmapped(number, "prompt", "chosen and rejected answer different prompts", mend)
    pair = {"chosen": good[-1]["content"], "rejected": bad[-1]["content"]}
    return {"prompt": _prompt(good[:-1], number), **pair}


def _prompt(turns: list[dict[str, str]], number: int) -> Any:
    """One turn as its text, several as they are."""
    if not turns or turns[-1]["role"] != "user":
        mend = "let a user message stand right before the answer"
        raise Unmapped(number, "prompt", "nothing was asked before the answer", mend)
    return turns[0]["content"] if len(turns) == 1 else turns


def _answer(value: Any, number: int, name: str) -> str:
    if isinstance(value, str):
        return value
    turns = turns_of(value, number, name)
    if len(turns) > 1 or turns[0]["role"] != "assistant":
        mend = "put earlier turns into the prompt"
        raise Unmapped(number, name, f"{name} is more than one answer", mend)
    return text_of(turns[0]["content"], number, name)


def _named(row: Mapping[str, Any]) -> str:
    return ", ".join(str(name)[:40] for name in list(row)[:10]) or "no fields"
