"""Adapters on disk: safetensors and JSON, named by their digest, complete or not there at all.

A folder `ofw-<build>-<first 12 of the digest>` holds exactly the files in FILES. It is written
under another name, flushed, and renamed; its manifest is written last, so that a folder with a
manifest is a complete one. Loading believes nothing: `verify` recomputes every digest first.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import AdapterRefused
from training.spec import sha256_of

WEIGHTS, CONFIG, REPORT, CARD, MANIFEST = FILES = (
    "adapter_model.safetensors",
    "adapter_config.json",
    "report.json",
    "README.md",
    "manifest.json",
)
NAME = re.compile(r"ofw-(\d+)-([0-9a-f]{12})")
TENSOR = re.compile(r"base_model\.model\.[\w.]+\.(\w+)\.lora_([AB])\.weight")
MANIFEST_KEYS = {"name", "build", "digest", "base", "base_sha256", "spec", "files"}
# An adapter configuration can name code to import (`auto_mapping`, `megatron_core`) or files to
# fetch; so it has exactly these keys, and those that are not numbers or names have one value.
FIXED_CONFIG: dict[str, Any] = {
    "bias": "none",
    "fan_in_fan_out": False,
    "inference_mode": True,
    "lora_dropout": 0.0,
    "peft_type": "LORA",
    "task_type": "CAUSAL_LM",
}
CONFIG_KEYS = {*FIXED_CONFIG, "base_model_name_or_path", "lora_alpha", "r", "target_modules"}
LARGEST_JSON = 4 << 20


@dataclass(frozen=True)
class Adapter:
    """A complete adapter folder: `digest` is the sha256 over its configuration and weights."""

    name: str
    digest: str
    path: Path
    base_sha256: str
    rank: int
    alpha: int


def canonical(value: Any) -> bytes:
    """JSON that is the same bytes for equal values."""
    return (json.dumps(value, sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def digest_of(config: bytes, weights: bytes) -> str:
    """sha256 over configuration and weights, in hex; the length keeps them apart."""
    joined = hashlib.sha256(len(config).to_bytes(8, "big"))
    joined.update(config)
    joined.update(weights)
    return joined.hexdigest()


def write_adapter(
    out: Path,
    *,
    build: int,
    weights: Mapping[str, Any],
    rank: int,
    alpha: int,
    base: str,
    base_sha256: str,
    report: Mapping[str, Any],
    card: str,
    spec: Mapping[str, Any],
) -> Adapter:
    """Write one adapter folder under `out` and return it.

    `card` may hold `{name}` and `{digest}`. The same weights written twice are one folder: the one
    that is there already is verified and returned.
    """
    from safetensors.torch import save

    config_bytes = canonical(
        FIXED_CONFIG
        | {
            "base_model_name_or_path": base,
            "lora_alpha": alpha,
            "r": rank,
            "target_modules": sorted({_target(name) for name in weights}),
        }
    )
    weight_bytes = save(dict(weights), metadata={"format": "pt"})
    digest = digest_of(config_bytes, weight_bytes)
    name = f"ofw-{build}-{digest[:12]}"
    files = {
        WEIGHTS: weight_bytes,
        CONFIG: config_bytes,
        REPORT: canonical(report),
        CARD: card.replace("{name}", name).replace("{digest}", digest).encode(),
    }
    manifest = {
        "name": name,
        "build": build,
        "digest": digest,
        "base": base,
        "base_sha256": base_sha256,
        "spec": spec,
        "files": {key: hashlib.sha256(data).hexdigest() for key, data in files.items()},
    }
    out.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=out))
    try:
        for key, data in {**files, MANIFEST: canonical(manifest)}.items():
            _write_through(beside / key, data)
        beside.chmod(0o755)
        _flush_folder(beside)
        _rename(beside, out / name)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return verify(out / name)


def verify(folder: str | Path, *, base_sha256: str | None = None) -> Adapter:
    """The adapter in `folder`, if it is whole, unchanged and harmless; AdapterRefused otherwise.

    `base_sha256`, where given, is the digest of the only base it may be meant for.
    """
    path = Path(folder)
    manifest = _manifest(path)
    held = sorted(entry.name for entry in path.iterdir())
    if held != sorted(FILES):
        raise _refused(path, f"it holds {', '.join(held)} instead of {', '.join(sorted(FILES))}")
    for name in FILES:
        if not (path / name).is_file() or (path / name).is_symlink():
            raise _refused(path, f"{name} is not a plain file")
    for name, expected in manifest["files"].items():
        if sha256_of(path / name) != expected:
            raise _refused(path, f"{name} is not what the manifest says")
    config_bytes, weight_bytes = (path / CONFIG).read_bytes(), (path / WEIGHTS).read_bytes()
    digest = digest_of(config_bytes, weight_bytes)
    named = NAME.fullmatch(path.name)
    if digest != manifest["digest"] or not named or named[2] != digest[:12]:
        raise _refused(path, "its name, its manifest and its content disagree")
    if manifest["name"] != path.name or str(manifest["build"]) != named[1]:
        raise _refused(path, "its manifest belongs to another build")
    if base_sha256 is not None and manifest["base_sha256"] != base_sha256:
        raise _refused(path, "it was trained on another base model")
    config = _config(path, config_bytes)
    _check_weights(path, weight_bytes, config)
    return Adapter(
        name=path.name,
        digest=digest,
        path=path,
        base_sha256=manifest["base_sha256"],
        rank=config["r"],
        alpha=config["lora_alpha"],
    )


def read_weights(adapter: Adapter) -> dict[str, Any]:
    """The tensors of a verified adapter, by PEFT's names."""
    from safetensors.torch import load

    return load((adapter.path / WEIGHTS).read_bytes())


def _refused(path: Path, why: str) -> AdapterRefused:
    return AdapterRefused(f"The adapter {path.name} is refused: {why}.")


def _json(path: Path, data: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as broken:
        raise _refused(path, f"its {what} is not JSON") from broken
    if not isinstance(value, dict):
        raise _refused(path, f"its {what} is not an object")
    return value


def _manifest(path: Path) -> dict[str, Any]:
    file = path / MANIFEST
    if path.is_symlink() or not file.is_file() or file.is_symlink():
        raise _refused(path, "it has no manifest, so it was never finished")
    if file.stat().st_size > LARGEST_JSON:
        raise _refused(path, "its manifest is too large")
    manifest = _json(path, file.read_bytes(), "manifest")
    if set(manifest) != MANIFEST_KEYS or not isinstance(manifest["files"], dict):
        raise _refused(path, "its manifest does not have the keys of a manifest")
    if set(manifest["files"]) != set(FILES) - {MANIFEST}:
        raise _refused(path, "its manifest lists other files than an adapter has")
    return manifest


def _config(path: Path, data: bytes) -> dict[str, Any]:
    if len(data) > LARGEST_JSON:
        raise _refused(path, "its configuration is too large")
    config = _json(path, data, "configuration")
    if strange := sorted(set(config) ^ CONFIG_KEYS):
        raise _refused(path, f"its configuration has or lacks {', '.join(strange)}")
    for key, value in FIXED_CONFIG.items():
        if config[key] != value or type(config[key]) is not type(value):
            raise _refused(path, f"its configuration sets {key} to {config[key]!r}")
    if type(config["r"]) is not int or not 1 <= config["r"] <= 512:
        raise _refused(path, "its rank is not a number from 1 to 512")
    if type(config["lora_alpha"]) is not int or not 1 <= config["lora_alpha"] <= 4096:
        raise _refused(path, "its lora_alpha is not a number from 1 to 4096")
    targets = config["target_modules"]
    if not isinstance(targets, list) or not all(isinstance(t, str) for t in targets):
        raise _refused(path, "its target_modules are not a list of names")
    if not isinstance(config["base_model_name_or_path"], str):
        raise _refused(path, "its base has no name")
    return config


def _check_weights(path: Path, data: bytes, config: Mapping[str, Any]) -> None:
    from safetensors import SafetensorError
    from safetensors.torch import load

    try:
        tensors = load(data)
    except (SafetensorError, ValueError, KeyError, TypeError) as broken:
        raise _refused(path, "its weights are not safetensors") from broken
    if not tensors or {_target(name) for name in tensors} != set(config["target_modules"]):
        raise _refused(path, "its weights belong to other layers than its configuration says")
    for name, tensor in tensors.items():
        side = TENSOR.fullmatch(name)
        if side is None or tensor.ndim != 2:
            raise _refused(path, f"{name} is not part of a low-rank adapter")
        rank = tensor.shape[0 if side[2] == "A" else 1]
        partner = name.replace(f".lora_{side[2]}.", ".lora_B." if side[2] == "A" else ".lora_A.")
        if rank != config["r"] or partner not in tensors:
            raise _refused(path, f"{name} does not have the rank of its configuration")
        if not tensor.is_floating_point() or not math.isfinite(tensor.double().abs().sum().item()):
            raise _refused(path, f"{name} holds a value that is not a finite number")


def _target(name: str) -> str:
    found = TENSOR.fullmatch(name)
    return found[1] if found else "?"


def _write_through(path: Path, data: bytes) -> None:
    with path.open("xb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def _flush_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _rename(beside: Path, final: Path) -> None:
    try:
        beside.rename(final)
    except OSError:
        if not (final / MANIFEST).is_file():
            raise
        return  # the same digest is there already; the caller verifies it
    _flush_folder(final.parent)
