"""From words to token ids to packed batches.

Shapes: B packed rows, T tokens in a row. Names end in the shape they carry: `ids_BT`,
`mask_B1TT`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

IGNORED = -100

# A question, or the messages of a conversation that waits for an answer.
Asked = str | Sequence[Mapping[str, str]]


@dataclass(frozen=True)
class Encoded:
    """Token ids of one exchange; the first `prompt` of them are read, the rest are learned."""

    ids: list[int]
    prompt: int


@dataclass(frozen=True)
class Batch:
    """Packed rows: several exchanges stand in one row and cannot see each other."""

    ids_BT: torch.Tensor
    labels_BT: torch.Tensor
    mask_B1TT: torch.Tensor
    positions_BT: torch.Tensor


@dataclass(frozen=True)
class Chat:
    """A tokenizer with its chat template, rendered once and then filled in.

    Rendering Jinja for each of thousands of rows costs more than tokenising them, so one exchange
    of two marks is rendered, and every other exchange takes the text around the marks.
    """

    tokenizer: Any

    @cached_property
    def frame(self) -> tuple[str, str, str]:
        """Text before the question, between question and answer, and after the answer."""
        asked, answered = "\u2402question\u2403", "\u2402answer\u2403"
        turns = [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
        if self.tokenizer.chat_template is None:
            return "", "\n", self.tokenizer.eos_token or ""
        text = self.tokenizer.apply_chat_template(turns, tokenize=False)
        before, rest = text.split(asked)
        between, after = rest.split(answered)
        # Some templates put a line break behind the end mark; nothing needs to learn it.
        end = self.tokenizer.eos_token
        if end and end in after:
            after = after[: after.index(end) + len(end)]
        return before, between, after

    def prompts(self, asked: Sequence[Asked]) -> list[list[int]]:
        """Token ids of questions and conversations, ready for an answer."""
        return self._ids([self._before_the_answer(one) for one in asked])

    def exchanges(self, rows: Sequence[tuple[Asked, str]]) -> list[Encoded]:
        """Questions (or conversations) with their answers; only the last answer is learned."""
        if not rows:
            return []
        after = self.frame[2]
        asked = self.prompts([question for question, _ in rows])
        answered = self._ids([f"{answer.strip()}{after}" for _, answer in rows])
        return [Encoded(q + a, len(q)) for q, a in zip(asked, answered, strict=True)]

    def text(self, ids: Sequence[int]) -> str:
        """The words behind generated ids, without marks and surrounding space."""
        return str(self.tokenizer.decode(ids, skip_special_tokens=True)).strip()

    def _before_the_answer(self, asked: Asked) -> str:
        turns = [{"role": "user", "content": asked}] if isinstance(asked, str) else list(asked)
        alone = len(turns) == 1 and turns[0]["role"] == "user"
        if alone or self.tokenizer.chat_template is None:
            before, between, _ = self.frame
            question = "\n".join(turn["content"] for turn in turns)
            return f"{before}{question.strip()}{between}"
        text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return str(text)

    def _ids(self, texts: list[str]) -> list[list[int]]:
        ids: list[list[int]] = self.tokenizer(texts, add_special_tokens=False)["input_ids"]
        return ids


def packed(rows: Sequence[Encoded], *, rows_in_batch: int, tokens: int) -> Iterator[Batch]:
    """Fill rows of `tokens` in the given order, greedily, `rows_in_batch` rows to a batch."""
    pack: list[list[Encoded]] = []
    room = 0
    for row in (fitted(row, tokens) for row in rows):
        if not pack or len(row.ids) > room:
            if len(pack) == rows_in_batch:
                yield _batch(pack, tokens)
                pack = []
            pack.append([])
            room = tokens
        pack[-1].append(row)
        room -= len(row.ids)
    if pack:
        yield _batch(pack, tokens)


def fitted(row: Encoded, tokens: int) -> Encoded:
    """The exchange in at most so many tokens; where it is longer, its oldest words are left out."""
    too_many = min(row.prompt, max(0, len(row.ids) - tokens))
    return Encoded(row.ids[too_many:][:tokens], row.prompt - too_many)


def _batch(pack: list[list[Encoded]], tokens: int) -> Batch:
    ids, labels, owner, positions = [], [], [], []
    for row in pack:
        i: list[int] = []
        y: list[int] = []
        o: list[int] = []
        p: list[int] = []
        for number, exchange in enumerate(row):
            n = len(exchange.ids)
            i += exchange.ids
            y += [IGNORED] * exchange.prompt + exchange.ids[exchange.prompt :]
            o += [number] * n
            p += range(n)
        blank = tokens - len(i)
        ids.append((i + [0] * blank)[:tokens])
        labels.append((y + [IGNORED] * blank)[:tokens])
        owner.append((o + [-1] * blank)[:tokens])
        positions.append((p + [0] * blank)[:tokens])
    owner_BT = torch.tensor(owner)
    past_TT = torch.ones(tokens, tokens, dtype=torch.bool).tril()
    same_BTT = owner_BT[:, :, None] == owner_BT[:, None, :]
    return Batch(
        ids_BT=torch.tensor(ids),
        labels_BT=torch.tensor(labels),
        mask_B1TT=(same_BTT & past_TT)[:, None],
        positions_BT=torch.tensor(positions),
    )
