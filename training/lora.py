"""Base models and the low-rank adapters on them (LoRA, arXiv 2106.09685)."""

from __future__ import annotations

import copy
import hashlib
import os
from pathlib import Path
from typing import Any

import torch

from training.errors import BaseMissing
from training.rendering import Chat
from training.spec import LoraSettings, sha256_of

# The files of a base that decide what it answers.
BASE_FILES = ("*.safetensors", "config.json", "tokenizer.json", "chat_template.jinja")


def base_folder(base: str) -> Path:
    """Where the base lies: the folder itself, or the local snapshot of a Hugging Face id."""
    if Path(base).is_dir():
        return Path(base)
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(base, ignore_patterns=["*.bin", "*.pt", "*.h5"]))
    except Exception as reason:
        raise BaseMissing(
            f"The base model {base!r} is neither a folder nor a model that could be fetched."
        ) from reason


def base_digest(base: str) -> str:
    """One sha256 over the names and bytes of the files that decide what a base answers."""
    folder = base_folder(base)
    digest = hashlib.sha256()
    for path in sorted({p for pattern in BASE_FILES for p in folder.glob(pattern)}):
        digest.update(f"{path.name} {sha256_of(path)}\n".encode())
    return digest.hexdigest()


def load_base(base: str) -> tuple[Any, Chat]:
    """The base in float32, ready to answer, with its tokenizer. Never runs code from the folder."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    talk: Any = logging
    talk.set_verbosity_error()
    talk.disable_progress_bar()
    folder = base_folder(base)
    try:
        tokenizer = AutoTokenizer.from_pretrained(
            folder, padding_side="left", local_files_only=True, trust_remote_code=False
        )
        model: Any = AutoModelForCausalLM.from_pretrained(
            folder,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            attn_implementation="sdpa",
        )
    except Exception as reason:
        raise BaseMissing(f"The base model in {base!r} cannot be loaded: {reason}") from reason
    return model.eval(), Chat(tokenizer)


def attach_lora(model: Any, settings: LoraSettings, *, seed: int, start_from: Any = None) -> Any:
    """A PEFT model with a fresh adapter, or with a copy of the weights `start_from` as its start.

    `start_from` maps PEFT's tensor names to tensors, as `artifacts.read_weights` returns them.
    """
    from peft import LoraConfig, get_peft_model, set_peft_model_state_dict

    torch.manual_seed(seed)  # before the adapter is drawn, else it differs from run to run
    config = LoraConfig(
        r=settings.rank,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(settings.targets),
        bias="none",
        task_type="CAUSAL_LM",
    )
    adapted = get_peft_model(model, config)
    if start_from is not None:
        set_peft_model_state_dict(adapted, dict(start_from))
    return adapted


def adapter_weights(adapted: Any) -> dict[str, torch.Tensor]:
    """The adapter's tensors under PEFT's names, detached and contiguous."""
    from peft import get_peft_model_state_dict

    state = get_peft_model_state_dict(adapted)
    return {name: tensor.detach().clone().contiguous() for name, tensor in sorted(state.items())}


def trainable_percent(adapted: Any) -> float:
    """Trained parameters in percent of all."""
    counts: list[tuple[int, bool]] = [(p.numel(), p.requires_grad) for p in adapted.parameters()]
    return 100 * sum(n for n, trained in counts if trained) / sum(n for n, _ in counts)


def merged(base: Any, weights: Any, *, rank: int, alpha: int) -> Any:
    """A copy of `base` with the adapter folded in: W + (alpha / rank) B A. Needs no PEFT."""
    model = copy.deepcopy(base)
    parameters = dict(model.named_parameters())
    with torch.no_grad():
        for name, down in weights.items():
            if not name.endswith(".lora_A.weight"):
                continue
            up = weights[name.replace(".lora_A.", ".lora_B.")]
            target = name.removeprefix("base_model.model.").replace(".lora_A.weight", ".weight")
            parameters[target] += (alpha / rank) * (up @ down)
    return model.eval()
