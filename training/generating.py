"""Batched decoding with a key-value cache: comparisons and the runtime answer through it.

Shapes: B rows, S tokens so far (left-padded), V vocabulary.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch

from training.rendering import Asked, Chat

Listener = Callable[[int], None]  # hears each token of one row as it is chosen


@dataclass
class Row:
    """One prompt on its way to an answer; `tokens` fills up while it is decoded.

    Greedy at temperature 0; above it, drawn with the row's own `seed`. Setting `cancelled` from
    another thread drops the row at the next step.
    """

    prompt: list[int]
    max_new: int
    temperature: float = 0.0
    seed: int = 0
    listener: Listener | None = None
    tokens: list[int] = field(default_factory=list)
    logprobs: list[float] = field(default_factory=list)
    stopped: bool = False
    cancelled: threading.Event = field(default_factory=threading.Event)

    @property
    def mean_logprob(self) -> float:
        """Mean natural log-probability of the chosen tokens, the end mark included."""
        return sum(self.logprobs) / len(self.logprobs) if self.logprobs else 0.0


def end_tokens(model: Any, chat: Chat) -> frozenset[int]:
    """The ids that end an answer."""
    ends = model.generation_config.eos_token_id
    ids = ends if isinstance(ends, list) else [ends, chat.tokenizer.eos_token_id]
    return frozenset(i for i in ids if i is not None)


def answers(
    model: Any,
    chat: Chat,
    questions: Sequence[Asked],
    *,
    max_new: int | Sequence[int],
    longest: int | None = None,
    rows_in_batch: int = 256,
) -> list[str]:
    """The greedy answers to `questions`, in their order; `max_new` tokens for all, or for each.

    Of a question of more than `longest` tokens the oldest words are left out.
    """
    most = [max_new] * len(questions) if isinstance(max_new, int) else max_new
    read = [ids[-longest:] if longest else ids for ids in chat.prompts(questions)]
    rows = [Row(ids, n) for ids, n in zip(read, most, strict=True)]
    ends = end_tokens(model, chat)
    by_length = sorted(rows, key=lambda row: len(row.prompt))
    for start in range(0, len(rows), rows_in_batch):
        decode(model, by_length[start : start + rows_in_batch], ends)
    return [chat.text(row.tokens) for row in rows]


@torch.inference_mode()
def decode(model: Any, rows: Sequence[Row], ends: frozenset[int]) -> None:
    """Fill in the tokens of every row. Rows that finish leave the batch at once."""
    from transformers import DynamicCache

    if not rows:
        return
    alive = list(rows)
    noise = {id(row): torch.Generator().manual_seed(row.seed) for row in rows if row.temperature}
    ids_BS, seen_BS = _left_padded([row.prompt for row in alive])
    padded = not bool(seen_BS.all())
    positions_BS = (seen_BS.cumsum(1) - 1).clamp(min=0)
    mask = _causal(seen_BS) if padded else None
    cache = DynamicCache()
    while True:
        logits_BV = model(
            input_ids=ids_BS,
            attention_mask=mask,
            position_ids=positions_BS,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        chosen_B = _choose(logits_BV, alive, noise)
        keep = _take(alive, chosen_B, logits_BV, ends)
        if not keep:
            return
        if len(keep) < len(alive):
            keep_B = torch.tensor(keep)
            cache.batch_select_indices(keep_B)
            chosen_B, seen_BS = chosen_B[keep_B], seen_BS[keep_B]
            positions_BS = positions_BS[keep_B]
            alive = [alive[i] for i in keep]
        ids_BS = chosen_B[:, None]
        positions_BS = positions_BS[:, -1:] + 1
        if padded:
            seen_BS = torch.cat([seen_BS, seen_BS.new_ones(len(alive), 1)], dim=1)
            mask = seen_BS[:, None, None, :]


def _left_padded(prompts: list[list[int]]) -> tuple[torch.Tensor, torch.Tensor]:
    width = max(map(len, prompts))
    ids_BS = torch.tensor([[0] * (width - len(p)) + p for p in prompts])
    seen_BS = torch.tensor([[False] * (width - len(p)) + [True] * len(p) for p in prompts])
    return ids_BS, seen_BS


def _causal(seen_BS: torch.Tensor) -> torch.Tensor:
    width = seen_BS.shape[1]
    past_SS = torch.ones(width, width, dtype=torch.bool).tril()
    # Padding looks at itself: a row of attention that sees nothing is NaN, and NaN spreads.
    itself_SS = torch.eye(width, dtype=torch.bool)
    return ((past_SS & seen_BS[:, None, :]) | itself_SS)[:, None]


def _choose(
    logits_BV: torch.Tensor, rows: list[Row], noise: dict[int, torch.Generator]
) -> torch.Tensor:
    if not noise:
        return logits_BV.argmax(-1)
    # Adding Gumbel noise scaled by the temperature and taking the maximum is drawing at it.
    scores_BV = logits_BV.clone()
    for i, row in enumerate(rows):
        if row.temperature:
            uniform_V = torch.rand(logits_BV.shape[1], generator=noise[id(row)]).clamp_min(1e-20)
            scores_BV[i] -= row.temperature * (-uniform_V.log()).log()
    return scores_BV.argmax(-1)


def _take(
    rows: list[Row], chosen_B: torch.Tensor, logits_BV: torch.Tensor, ends: frozenset[int]
) -> list[int]:
    """Give every row its token; return the places of the rows that go on."""
    chosen = chosen_B.tolist()
    logprobs = (logits_BV.gather(1, chosen_B[:, None])[:, 0] - logits_BV.logsumexp(1)).tolist()
    keep = []
    for i, row in enumerate(rows):
        row.logprobs.append(logprobs[i])
        if chosen[i] in ends:
            row.stopped = True
            continue
        row.tokens.append(chosen[i])
        if row.listener:
            row.listener(chosen[i])
        if len(row.tokens) < row.max_new and not row.cancelled.is_set():
            keep.append(i)
    return keep
