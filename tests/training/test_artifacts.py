"""An adapter is whole, unchanged and harmless, or it is not loaded."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from training import artifacts
from training.artifacts import CARD, CONFIG, MANIFEST, REPORT, WEIGHTS, Adapter
from training.errors import AdapterRefused

BASE_SHA = "b" * 64


def written(out: Path, *, value: float = 0.5, rank: int = 2) -> Adapter:
    """A small adapter of one layer, written under `out`."""
    layer = "base_model.model.model.layers.0.self_attn.q_proj"
    return artifacts.write_adapter(
        out,
        build=4,
        weights={
            f"{layer}.lora_A.weight": torch.full((rank, 8), value),
            f"{layer}.lora_B.weight": torch.full((8, rank), value),
        },
        rank=rank,
        alpha=4,
        base="starter",
        base_sha256=BASE_SHA,
        report={"verdict": "fit"},
        card="# {name}\n{digest}\n",
        spec={"seed": 0},
    )


def resealed(folder: Path, changed: dict[str, bytes]) -> Path:
    """The folder with other files, its digests, manifest and name all made to agree again."""
    for name, data in changed.items():
        (folder / name).write_bytes(data)
    manifest = json.loads((folder / MANIFEST).read_text())
    config, weights = (folder / CONFIG).read_bytes(), (folder / WEIGHTS).read_bytes()
    manifest["digest"] = artifacts.digest_of(config, weights)
    manifest["name"] = f"ofw-4-{manifest['digest'][:12]}"
    for name in manifest["files"]:
        manifest["files"][name] = artifacts.sha256_of(folder / name)
    (folder / MANIFEST).write_bytes(artifacts.canonical(manifest))
    return folder.rename(folder.parent / manifest["name"])


def test_what_is_written_is_verified_and_named_by_its_digest(tmp_path: Path):
    adapter = written(tmp_path)

    assert adapter.name == f"ofw-4-{adapter.digest[:12]}"
    assert artifacts.verify(adapter.path, base_sha256=BASE_SHA) == adapter
    assert (adapter.path / CARD).read_text() == f"# {adapter.name}\n{adapter.digest}\n"
    assert [entry.name for entry in tmp_path.iterdir()] == [adapter.name]


def test_the_same_weights_written_twice_are_one_adapter(tmp_path: Path):
    assert written(tmp_path) == written(tmp_path)


def break_nothing_but_leave(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


def flip(name: str, place: int) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        data = bytearray((folder / name).read_bytes())
        data[place] ^= 1
        (folder / name).write_bytes(data)

    return change


def truncate(folder: Path) -> None:
    data = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(data[: len(data) // 2])


def add_a_pickle(folder: Path) -> None:
    (folder / "training_args.bin").write_bytes(b"\x80\x04.")


def link_the_weights(folder: Path) -> None:
    shutil.copy(folder / WEIGHTS, folder.parent / "elsewhere")
    (folder / WEIGHTS).unlink()
    (folder / WEIGHTS).symlink_to(folder.parent / "elsewhere")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (break_nothing_but_leave(MANIFEST), "it was never finished"),
        (break_nothing_but_leave(REPORT), "instead of"),
        (flip(WEIGHTS, -1), f"{WEIGHTS} is not what the manifest says"),
        (flip(WEIGHTS, 12), f"{WEIGHTS} is not what the manifest says"),
        (flip(CONFIG, 10), f"{CONFIG} is not what the manifest says"),
        (flip(REPORT, 5), f"{REPORT} is not what the manifest says"),
        (flip(MANIFEST, 0), "its manifest is not JSON"),
        (truncate, f"{WEIGHTS} is not what the manifest says"),
        (add_a_pickle, "instead of"),
        (link_the_weights, "is not a plain file"),
    ],
)
def test_a_harmed_adapter_is_refused(tmp_path: Path, harm: Callable[[Path], None], why: str):
    adapter = written(tmp_path)

    harm(adapter.path)

    with pytest.raises(AdapterRefused, match=why):
        artifacts.verify(adapter.path)


def test_another_adapter_under_its_name_is_refused(tmp_path: Path):
    first = written(tmp_path / "one")
    second = written(tmp_path / "two", value=0.25)
    shutil.rmtree(first.path)
    shutil.copytree(second.path, first.path)

    with pytest.raises(AdapterRefused, match="its name, its manifest and its content disagree"):
        artifacts.verify(first.path)


def test_an_adapter_for_another_base_is_refused(tmp_path: Path):
    with pytest.raises(AdapterRefused, match="another base model"):
        artifacts.verify(written(tmp_path).path, base_sha256="c" * 64)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_never_published(tmp_path: Path, value: float):
    with pytest.raises(AdapterRefused, match="not a finite number"):
        written(tmp_path, value=value)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"auto_mapping": {"parent_library": "evil"}}, "auto_mapping"),
        ({"megatron_core": "evil"}, "megatron_core"),
        ({"revision": "main"}, "revision"),
        ({"task_type": "SEQ_CLS"}, "task_type"),
        ({"bias": "all"}, "bias"),
        ({"r": 3}, "rank"),
        ({"r": True}, "rank"),
        ({"r": 10**9}, "rank"),
        ({"target_modules": ["k_proj"]}, "other layers"),
        ({"target_modules": "all-linear"}, "target_modules"),
    ],
)
def test_a_hostile_configuration_is_refused_even_when_every_digest_agrees(
    tmp_path: Path, changed: dict[str, Any], why: str
):
    folder = written(tmp_path).path
    config = json.loads((folder / CONFIG).read_text()) | changed

    with pytest.raises(AdapterRefused, match=why):
        artifacts.verify(resealed(folder, {CONFIG: artifacts.canonical(config)}))


def test_a_pickle_under_the_name_of_the_weights_is_refused(tmp_path: Path):
    folder = written(tmp_path).path

    with pytest.raises(AdapterRefused, match="not safetensors"):
        artifacts.verify(resealed(folder, {WEIGHTS: b"\x80\x04\x95" + b"." * 64}))
