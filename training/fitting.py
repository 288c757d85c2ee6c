"""The supervised phase: a bare loop over packed batches (docs/decisions/0004-sft-loop.md).

Shapes: B packed rows, T tokens, N labelled tokens, D width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch.nn.functional import cross_entropy

from training.errors import LossNotFinite
from training.rendering import IGNORED, Batch

Progress = Callable[[int, int, float], None]

# Families whose logits are nothing but `lm_head(hidden)`, so that the head may run on answers only.
PLAIN_HEADS = frozenset({"llama", "mistral", "qwen2", "qwen3"})


def answer_loss(model: Any, batch: Batch) -> torch.Tensor:
    """Mean cross-entropy over answer tokens, in nats."""
    plain = model.get_base_model() if hasattr(model, "get_base_model") else model
    inputs = {
        "input_ids": batch.ids_BT,
        "attention_mask": batch.mask_B1TT,
        "position_ids": batch.positions_BT,
        "use_cache": False,
    }
    next_BT = batch.labels_BT[:, 1:]
    learned_BT = next_BT != IGNORED
    if plain.config.model_type in PLAIN_HEADS:
        hidden_BTD = plain.get_decoder()(**inputs).last_hidden_state[:, :-1]
        logits_NV = plain.get_output_embeddings()(hidden_BTD[learned_BT])
    else:
        logits_NV = plain(**inputs).logits[:, :-1][learned_BT]
    return cross_entropy(logits_NV, next_BT[learned_BT])


def fit(
    model: Any,
    batches: Sequence[Batch],
    *,
    learning_rate: float,
    warmup: float,
    progress: Progress = lambda done, total, loss: None,
) -> list[float]:
    """Train the trainable parameters on every batch once, in order; returns the losses.

    AdamW (.9, .98), linear warm-up over the share `warmup` of the steps, then linear decay to 2 %,
    gradients clipped to norm 1. Raises LossNotFinite before a step that could not be undone.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=learning_rate, betas=(0.9, 0.98), weight_decay=0.0)
    losses: list[float] = []
    model.train()
    for step, batch in enumerate(batches):
        rise = min(1.0, (step + 1) / max(1.0, warmup * len(batches)))
        fall = max(0.02, 1 - step / len(batches))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate * rise * fall
        loss = answer_loss(model, batch)
        losses.append(loss.item())
        if not math.isfinite(losses[-1]):
            raise LossNotFinite(
                f"The loss became {losses[-1]} at step {step + 1} of {len(batches)}; "
                "a lower learning rate or cleaner rows may help."
            )
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        progress(step + 1, len(batches), losses[-1])
    model.eval()
    return losses
