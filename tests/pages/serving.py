"""A model that really answers, for the tests of the pages: the starter, and one adapter of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import uvicorn

from apps.rollouts.models import Channel, Version
from apps.skills.models import ModelLine
from training import artifacts, lora
from training.runtime import Runtime, app
from training.spec import LoraSettings

BASE = Path(__file__).resolve().parents[2] / "training" / "starter" / "model"
LIVE, RIVAL = "starter", "ofw-1-another"


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a runtime with two versions, while the block lasts."""
    runtime = Runtime(str(BASE), name=LIVE, allow_adapters=folder)
    adapter = _shaken(folder)
    runtime.load(adapter.name, str(adapter.path))
    runtime.models[RIVAL] = runtime.models[adapter.name]
    server = uvicorn.Server(uvicorn.Config(app(runtime), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


def published(line: ModelLine) -> None:
    """Let channel `stable` serve the live version, with the other one beside it."""
    Version.objects.create(line=line, name=RIVAL, digest="d" * 64, path="/")
    live = Version.objects.create(line=line, name=LIVE, digest="c" * 64, path=str(BASE))
    Channel.objects.create(line=line, name="stable", live=live)


def _shaken(folder: Path) -> artifacts.Adapter:
    """An untrained adapter, shaken hard enough to answer differently."""
    base, _ = lora.load_base(str(BASE))
    trainee = lora.attach_lora(base, LoraSettings(rank=4, alpha=8), seed=0)
    torch.manual_seed(1)
    weights = {
        name: tensor + 0.3 * torch.randn_like(tensor)
        for name, tensor in lora.adapter_weights(trainee).items()
    }
    return artifacts.write_adapter(
        folder, build=1, weights=weights, rank=4, alpha=8, base=LIVE,
        base_sha256=lora.base_digest(str(BASE)), report={}, card="", spec={},
    )  # fmt: skip
