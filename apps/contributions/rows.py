"""What a row must look like, for each kind of contribution.

Rows come in the formats that TRL trains on (prompt/completion, messages, prompt/chosen/rejected,
prompt/completion/label) or as instruction/input/output; each becomes a `RowData` or is refused
with its place and its mend.

A rating says good or bad (`label`), or 1 to 5 stars, or both. What is trained on is the label: 4
and 5 stars are good, 1 and 2 bad; 3 alone say neither, so that the row is kept and counted and no
build learns from it. Stars that say the opposite of the label are refused.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.contributions.errors import RefusedRow
from apps.contributions.models import Kind, Row
from openflywheel.reading.faults import LONGEST_TEXT, BadRow, as_bad_row
from openflywheel.reading.strict_json import BadJSON, check_text

MOST_TURNS = 50
MOST_ROWS = 10_000
NEITHER = 3
ROLES = ("system", "user", "assistant")


@dataclass(frozen=True)
class RowData:
    """A well-formed row, not yet stored; unused fields are empty."""

    prompt: str
    completion: str = ""
    chosen: str = ""
    rejected: str = ""
    label: bool | None = None
    stars: int | None = None
    original: str = ""
    context: list[dict[str, str]] = field(default_factory=list)
    skill: str = ""
    trace: str = ""
    client_id: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what the row teaches; case, width and spacing do not count.

        Nor do stars: what they teach is the label.
        """
        parts = [*(turn["content"] for turn in self.context), self.prompt, self.completion]
        parts += [self.chosen, self.rejected, str(self.label)]
        return hashlib.sha256("\x1f".join(map(normalised, parts)).encode()).hexdigest()


def normalised(text: str) -> str:
    """Text as duplicates are compared: NFKC, casefolded, runs of white space as one space."""
    plain = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(plain.split()).casefold()


def content_digest(rows: Sequence[RowData]) -> str:
    """SHA-256 (hex) over the exact rows of a revision, in order; approvals bind to it."""
    whole = hashlib.sha256()
    for row in rows:
        whole.update(repr((row.context, row.prompt, row.completion)).encode())
        whole.update(repr((row.chosen, row.rejected, row.label, row.skill)).encode())
        # Said only where there are any, so that what was approved before stars came stays so.
        if row.stars is not None:
            whole.update(repr(("stars", row.stars)).encode())
    return whole.hexdigest()


def as_raw(row: Row) -> dict[str, Any]:
    """A stored row as its author would send it again; nothing it holds is left out."""
    asked = [*row.context, {"role": "user", "content": row.prompt}] if row.context else row.prompt
    given = {
        "prompt": asked,
        "original": row.original,
        "completion": row.completion,
        "chosen": row.chosen,
        "rejected": row.rejected,
        "label": row.label,
        "stars": row.stars,
        "skill": row.skill.name if row.skill else "",
        "trace": row.trace.public_id if row.trace else "",
        "client_id": row.client_id,
    }
    return {name: value for name, value in given.items() if value not in ("", None)}


def mark_of(row: Row) -> str:
    """SHA-256 (hex) of everything that a reader of the row sees, to the letter."""
    shown = [row.context, row.prompt, row.completion, row.chosen, row.rejected, row.original]
    stars = [] if row.stars is None else [row.stars]
    return hashlib.sha256(repr([*shown, row.label, *stars]).encode()).hexdigest()


def label_of_stars(stars: int) -> bool | None:
    """Good (True), bad (False), or neither (None): what 1 to 5 stars teach."""
    return None if stars == NEITHER else stars > NEITHER


def kind_of(raw: Mapping[str, Any]) -> str:
    """The kind that a row's keys speak of; what is not a pair or a rating counts as data."""
    if "chosen" in raw or "rejected" in raw:
        return Kind.PREFERENCE
    if "label" in raw or "stars" in raw:
        return Kind.RATING
    return Kind.CORRECTION if "original" in raw else Kind.DATASET


def read_rows(raws: Iterable[Any], kind: str) -> tuple[list[RowData], list[int], list[RefusedRow]]:
    """Every good row with its place (0-based) in what was sent, and every refused one."""
    good: list[RowData] = []
    places: list[int] = []
    refused: list[RefusedRow] = []
    for place, raw in enumerate(raws):
        try:
            if len(good) >= MOST_ROWS:
                detail = f"a contribution has at most {MOST_ROWS:,} rows"
                raise BadRow("too_many_rows", "", detail, "send the rest as another contribution")
            good.append(read_row(raw, kind))
            places.append(place)
        except BadRow as bad:
            pointer = f"/rows/{place}/{bad.name}" if bad.name else f"/rows/{place}"
            refused.append(RefusedRow(place, bad.code, pointer, bad.detail, bad.mend))
    return good, places, refused


def read_row(raw: Any, kind: str) -> RowData:
    """One row of the given kind; `BadRow` names the field and the mend."""
    if bad := as_bad_row(raw):
        raise bad
    if not isinstance(raw, Mapping):
        raise BadRow("not_an_object", "", "the row is not an object", "send {…} with named fields")
    context, prompt, answer = _asked_and_answered(raw)
    common: dict[str, Any] = {
        "context": context,
        "prompt": prompt,
        "skill": _short(raw, "skill"),
        "trace": _short(raw, "trace"),
        "client_id": _short(raw, "client_id"),
    }
    if kind == Kind.PREFERENCE:
        chosen, rejected = _text(raw, "chosen"), _text(raw, "rejected")
        if chosen == rejected:
            mend = "write two answers of which one is better"
            raise BadRow("same_answers", "rejected", "chosen and rejected are the same", mend)
        return RowData(chosen=chosen, rejected=rejected, **common)
    if kind == Kind.RATING:
        label, stars = _judged(raw)
        completion = answer or _text(raw, "completion")
        return RowData(completion=completion, label=label, stars=stars, **common)
    original = _text(raw, "original", needed=False)
    completion = answer or _text(raw, "completion")
    if original and original == completion:
        mend = "change the answer, or leave the row out"
        raise BadRow("nothing_corrected", "completion", "the correction equals the original", mend)
    return RowData(completion=completion, original=original, **common)


def _asked_and_answered(raw: Mapping[str, Any]) -> tuple[list[dict[str, str]], str, str]:
    """Earlier turns, the prompt, and the answer where the format holds it beside the prompt."""
    if "messages" in raw:
        return _conversation(raw["messages"])
    if "instruction" in raw and "prompt" not in raw:
        asked = "\n".join(
            part for part in (_text(raw, "instruction"), _text(raw, "input", needed=False)) if part
        )
        answer = _text(raw, "output") if "completion" not in raw else ""
        return [], asked, answer
    if isinstance(raw.get("prompt"), list):
        turns = _turns(raw["prompt"], "prompt")
        return turns[:-1], _asked(turns), ""
    return [], _text(raw, "prompt"), ""


def _conversation(messages: Any) -> tuple[list[dict[str, str]], str, str]:
    turns = _turns(messages, "messages")
    if len(turns) < 2 or turns[-1]["role"] != "assistant":
        mend = "end with an assistant message after at least one user message"
        raise BadRow("no_answer", "messages", "the conversation has no answer at its end", mend)
    return turns[:-2], _asked(turns[:-1]), turns[-1]["content"]


def _turns(messages: Any, name: str) -> list[dict[str, str]]:
    mend = f"send a list of up to {MOST_TURNS} objects with role and content"
    if not isinstance(messages, list) or not 0 < len(messages) <= MOST_TURNS:
        raise BadRow("bad_messages", name, "not a list of messages", mend)
    turns = []
    for turn in messages:
        if not isinstance(turn, Mapping) or turn.get("role") not in ROLES:
            raise BadRow("bad_messages", name, f"a role is not one of {', '.join(ROLES)}", mend)
        turns.append({"role": turn["role"], "content": _text(turn, "content")})
    return turns


def _asked(turns: list[dict[str, str]]) -> str:
    if turns[-1]["role"] != "user":
        mend = "let a user message stand right before the answer"
        raise BadRow("no_prompt", "messages", "nothing was asked before the answer", mend)
    return turns[-1]["content"]


def _text(raw: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    value = raw.get(name)
    if isinstance(value, list) and name in ("completion", "chosen", "rejected"):
        value = _turns(value, name)[-1]["content"]
    if value is None or value == "":
        if needed:
            raise BadRow("missing", name, f"{name} is missing or empty", f"add the field “{name}”")
        return ""
    if not isinstance(value, str):
        detail = f"{name} is {type(value).__name__}, not text"
        raise BadRow("not_text", name, detail, "send it as a string")
    if len(value) > LONGEST_TEXT:
        detail = f"{name} has {len(value):,} characters; at most {LONGEST_TEXT:,} are taken"
        raise BadRow("too_long", name, detail, "shorten it or split the row")
    if not value.strip():
        raise BadRow("blank", name, f"{name} holds only white space", f"write the {name}")
    return _storable(value, name)


def _short(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int) or isinstance(value, bool) or len(str(value)) > 80:
        raise BadRow("bad_name", name, f"{name} is not a short text", "send up to 80 characters")
    return _storable(str(value), name)


def _storable(text: str, name: str) -> str:
    try:
        check_text(text)
    except BadJSON as bad:
        raise BadRow("bad_character", name, f"{name}: {bad.detail}", bad.mend) from None
    return text


def _judged(raw: Mapping[str, Any]) -> tuple[bool | None, int | None]:
    """Label and stars of a rating, by the rule at the top."""
    label, stars = raw.get("label"), _stars(raw)
    if label is None and stars is not None:
        return label_of_stars(stars), stars
    if not isinstance(label, bool):
        mend = "send true for a good answer and false for a bad one, or stars from 1 to 5"
        raise BadRow("bad_label", "label", "label is not true or false", mend)
    if stars is not None and label_of_stars(stars) is (not label):
        detail = f"{stars} of 5 stars and label {str(label).lower()} say the opposite"
        raise BadRow("stars_against_label", "stars", detail, "send the one that you mean")
    return label, stars


def _stars(raw: Mapping[str, Any]) -> int | None:
    stars = raw.get("stars")
    if stars is None:
        return None
    # Tables of numbers write 4 as 4.0.
    if isinstance(stars, float) and stars.is_integer():
        stars = int(stars)
    if isinstance(stars, bool) or not isinstance(stars, int) or not 1 <= stars <= 5:
        raise BadRow("bad_stars", "stars", "stars is not 1 to 5", "send a whole number, 1 to 5")
    return stars
