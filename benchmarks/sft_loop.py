"""Side by side in CPU seconds: the bare supervised loop and TRL's SFTTrainer on the same batches.

Both see the same packed rows in the same order with the same optimiser and schedule. Prints JSON.
Run: python benchmarks/sft_loop.py [STEPS]
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import torch

from training import lora
from training.fitting import fit
from training.rendering import Batch, packed
from training.spec import LoraSettings
from training.starter import line

BASE = str(Path(__file__).resolve().parents[1] / "training/starter/model")
RATE = 5e-3


def main(steps: int) -> None:
    """Time both in alternation, three times each, and print the medians."""
    torch.set_num_threads(1)
    base, chat = lora.load_base(BASE)
    rows = [(row["prompt"], row["completion"]) for row in line.replay(steps * 100)]
    batches = list(packed(chat.exchanges(rows), rows_in_batch=20, tokens=96))[:steps]
    bare, trl = [], []
    for _ in range(3):
        bare.append(timed(lambda: run_bare(base, batches)))
        trl.append(timed(lambda: run_trl(base, chat, batches)))
    middle = {"bare": sorted(bare)[1], "trl": sorted(trl)[1]}
    ratio = middle["trl"] / middle["bare"]
    print(json.dumps({"steps": steps, "cpu_seconds": middle, "trl_over_bare": round(ratio, 2)}))


def timed(run: Callable[[], float]) -> float:
    """CPU seconds of the training alone."""
    return round(run(), 2)


def adapted(base: Any) -> Any:
    """A fresh adapter on a copy of the base."""
    return lora.attach_lora(lora.merged(base, {}, rank=1, alpha=1), LoraSettings(), seed=0)


def run_bare(base: Any, batches: list[Batch]) -> float:
    """`fitting.fit`, as builds use it."""
    model = adapted(base)
    began = time.process_time()
    fit(model, batches, learning_rate=RATE, warmup=0.1)
    return time.process_time() - began


def run_trl(base: Any, chat: Any, batches: list[Batch]) -> float:
    """SFTTrainer on packed rows: no preparation, the given order, a collator that hands over."""
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    model = adapted(base)
    ready = {
        number: {
            "input_ids": batch.ids_BT,
            "labels": batch.labels_BT,
            "attention_mask": batch.mask_B1TT,
            "position_ids": batch.positions_BT,
        }
        for number, batch in enumerate(batches)
    }
    with tempfile.TemporaryDirectory() as scratch:
        trainer = SFTTrainer(
            model=model,
            args=SFTConfig(
                output_dir=scratch,
                per_device_train_batch_size=1,
                num_train_epochs=1,
                learning_rate=RATE,
                lr_scheduler_type="linear",
                warmup_steps=len(batches) // 10,
                max_grad_norm=1.0,
                adam_beta2=0.98,
                weight_decay=0.0,
                bf16=False,
                use_cpu=True,
                gradient_checkpointing=False,
                report_to="none",
                save_strategy="no",
                logging_strategy="no",
                disable_tqdm=True,
                max_length=None,
                packing=False,
                train_sampling_strategy="sequential",
                remove_unused_columns=False,
                dataset_kwargs={"skip_prepare_dataset": True},
                dataloader_pin_memory=False,
            ),
            train_dataset=Dataset.from_dict({"number": list(ready)}),
            data_collator=lambda picked: ready[picked[0]["number"]],
            processing_class=chat.tokenizer,
        )
        began = time.process_time()
        trainer.train()
        return time.process_time() - began


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
