"""How likely a model holds given answers to be: sums of log-probabilities over their tokens.

Shapes: B exchanges, T tokens (right-padded), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from training.rendering import IGNORED, Asked, Chat, Encoded, fitted

EXCHANGES_AT_ONCE = 32


@torch.inference_mode()
def log_likelihoods(
    model: Any, chat: Chat, rows: Sequence[tuple[Asked, str]], *, longest: int
) -> list[float]:
    """For each question (or conversation) with an answer, log p(answer and its end mark), in nats.

    Of an exchange of more than `longest` tokens the oldest words are left out.
    """
    encoded = [fitted(row, longest) for row in chat.exchanges(rows)]
    by_length = sorted(range(len(encoded)), key=lambda i: len(encoded[i].ids))
    sums = [0.0] * len(encoded)
    for start in range(0, len(by_length), EXCHANGES_AT_ONCE):
        places = by_length[start : start + EXCHANGES_AT_ONCE]
        for place, value in zip(places, _sums(model, [encoded[i] for i in places]), strict=True):
            sums[place] = value
    return sums


def _sums(model: Any, rows: Sequence[Encoded]) -> list[float]:
    width = max(len(row.ids) for row in rows)
    ids_BT = torch.tensor([row.ids + [0] * (width - len(row.ids)) for row in rows])
    labels_BT = torch.tensor(
        [
            [IGNORED] * row.prompt + row.ids[row.prompt :] + [IGNORED] * (width - len(row.ids))
            for row in rows
        ]
    )
    seen_BT = torch.tensor([[1] * len(row.ids) + [0] * (width - len(row.ids)) for row in rows])
    logits_BTV = model(input_ids=ids_BT, attention_mask=seen_BT, use_cache=False).logits[:, :-1]
    next_BT = labels_BT[:, 1:]
    learned_BT = next_BT != IGNORED
    chosen_BT1 = next_BT.clamp(min=0)[:, :, None]
    logprobs_BT = logits_BTV.log_softmax(-1).gather(-1, chosen_BT1)[:, :, 0]
    sums: list[float] = (logprobs_BT * learned_BT).sum(1).tolist()
    return sums
