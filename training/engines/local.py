"""The engine that trains here: one process, one CPU (or GPU), PEFT adapters."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import torch

from training import artifacts, lora, objectives
from training.engines import Tell, Trained
from training.errors import SpecRefused
from training.examples import Lessons, course
from training.fitting import fit
from training.rendering import packed
from training.spec import BuildSpec, LoraSettings

SECONDS_BETWEEN_PROGRESS = 0.5


class LocalEngine:
    """Supervised rows first, then pairs, then ratings; the later phases must do no harm."""

    def train(self, spec: BuildSpec, lessons: Lessons, tell: Tell) -> Trained:
        """Train an adapter that starts fresh, or from the live one."""
        make_repeatable(seed=spec.seed, threads=spec.threads)
        base_sha256 = lora.base_digest(spec.base)
        base, chat = lora.load_base(spec.base)
        start = live_adapter(spec.start_from, spec.lora, base_sha256)
        start_weights = artifacts.read_weights(start) if start else None

        def fold(weights: Any) -> Any:
            return lora.merged(base, weights, rank=spec.lora.rank, alpha=spec.lora.alpha)

        live = fold(start_weights) if start_weights else lora.merged(base, {}, rank=1, alpha=1)
        rows = course(lessons, spec)
        encoded = chat.exchanges([(row.messages, row.completion or "") for row in rows])
        context = base.config.max_position_embeddings
        longest = max((len(row.ids) for row in encoded), default=0)
        batches = list(
            packed(
                encoded,
                rows_in_batch=spec.pack_rows,
                tokens=min(context, max(spec.pack_tokens, longest)),
            )
        )
        trainee = lora.attach_lora(
            lora.merged(base, {}, rank=1, alpha=1),
            spec.lora,
            seed=spec.seed,
            start_from=start_weights,
        )
        fit(
            trainee,
            batches,
            learning_rate=spec.learning_rate,
            warmup=spec.warmup,
            progress=progress_lines(tell),
        )
        contributed = len(lessons.of("sft"))
        phases: list[dict[str, Any]] = []
        if contributed:
            why = "Corrections and data are what a build is for; the comparison judges them."
            phases.append({"objective": "sft", "rows": contributed, "kept": True, "why": why})
        phases += objectives.prefer(trainee, chat, lessons, spec, fold=fold, tell=tell)
        weights = lora.adapter_weights(trainee)
        return Trained(
            weights=weights,
            chat=chat,
            live=live,
            candidate=fold(weights),
            base_sha256=base_sha256,
            trainable_percent=lora.trainable_percent(trainee),
            replay_rows=len(rows) // spec.epochs - contributed,
            phases=tuple(phases),
        )


def make_repeatable(*, seed: int, threads: int) -> None:
    """Fix what would otherwise differ between two runs: threads, seeds, the order of reductions."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    random.seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)


def live_adapter(
    folder: str | None, shape: LoraSettings, base_sha256: str
) -> artifacts.Adapter | None:
    """The adapter that training starts from, verified; None when it starts from the base."""
    if folder is None:
        return None
    adapter = artifacts.verify(Path(folder), base_sha256=base_sha256)
    if (adapter.rank, adapter.alpha) != (shape.rank, shape.alpha):
        raise SpecRefused(
            f"{adapter.name} has rank {adapter.rank} and alpha {adapter.alpha}; what starts from "
            f"it cannot have rank {shape.rank} and alpha {shape.alpha}."
        )
    return adapter


def progress_lines(tell: Tell) -> Any:
    """A progress callback that tells twice a second, and at the last step."""
    told = 0.0

    def progress(done: int, total: int, loss: float) -> None:
        nonlocal told
        now = time.monotonic()
        if done == total or now - told >= SECONDS_BETWEEN_PROGRESS:
            told = now
            tell(event="progress", done=done, total=total, loss=round(loss, 4))

    return progress
