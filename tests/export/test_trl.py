"""What `openflywheel export` leaves behind is what stock TRL trains on, with no edit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file

from apps.contributions.models import Kind
from apps.contributions.stages import Stage
from openflywheel.commands import main
from tests.people import a_contribution, a_line

STARTER = Path(__file__).resolve().parents[2] / "training" / "starter" / "model"

# `trl sft …` starts the script of that name under `accelerate launch`. Here the same scripts run
# one after the other with the words of the card, so that torch is imported once and not six times.
# A shell has put its words apart; what follows them makes it short and keeps it on the processor.
SCRIPTS = """
import json, os, runpy, sys, importlib.util
folder = os.path.join(os.path.dirname(importlib.util.find_spec("trl").origin), "scripts")
for words in json.load(sys.stdin):
    sys.argv = [
        *words[1:], "--max_steps", "2", "--learning_rate", "1e-3",
        "--per_device_train_batch_size", "2", "--use_cpu", "--report_to", "none",
        "--save_strategy", "no", "--disable_tqdm", "True",
    ]
    runpy.run_path(os.path.join(folder, f"{words[1]}.py"), run_name="__main__")
"""
# Stands in for `trl`, and writes down what the shell has made of the card.
NOTED = """#!/usr/bin/env python3
import json, sys
print(json.dumps(["trl", *sys.argv[1:]]))
"""


def words_of(folder: Path, within: Path) -> list[list[str]]:
    """The commands of a folder's card as a shell in it reads them."""
    noted = within / "bin" / "trl"
    noted.parent.mkdir()
    noted.write_text(NOTED)
    noted.chmod(0o755)
    card = (folder / "README.md").read_text()
    lines = "\n".join(line for line in card.splitlines() if line.startswith("    "))
    path = f"{noted.parent}{os.pathsep}{os.environ['PATH']}"
    shell = os.environ | {"MODEL": str(STARTER), "PATH": path}
    said = subprocess.run(
        ["sh", "-eu", "-c", lines],
        cwd=folder,
        env=shell | {"PWD": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return [json.loads(line) for line in said.stdout.splitlines()]


def rows_of(kind: str) -> list[dict[str, Any]]:
    """Eight rows of a kind; every other one has earlier turns."""
    earlier = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello"},
    ]
    rows = []
    for number in range(8):
        asked = f"What is {number} plus 1?"
        turns = [*earlier, {"role": "user", "content": asked}]
        good, bad = str(number + 1), str(number)
        answers: dict[str, dict[str, Any]] = {
            Kind.DATASET: {"completion": good},
            Kind.PREFERENCE: {"chosen": good, "rejected": bad},
            Kind.RATING: {"completion": good if number % 4 < 2 else bad, "label": number % 4 < 2},
        }
        rows.append({"prompt": turns if number % 2 else asked, **answers[kind]})
    return rows


@pytest.mark.django_db(transaction=True)
def test_trl_trains_on_all_six_formats_as_they_come(live_server: Any, tmp_path: Path) -> None:
    line = a_line("sums")
    for kind in (Kind.DATASET, Kind.PREFERENCE, Kind.RATING):
        a_contribution(line, rows=rows_of(kind), kind=kind, stage=Stage.ACCEPTED)
    folder = tmp_path / "dataset"

    fetched = CliRunner().invoke(
        main,
        ["export", "--format", "hf", "--to", str(folder), "--url", live_server.url],
        env={"OPENFLYWHEEL_TOKEN": ""},
    )
    assert fetched.exit_code == 0, fetched.output
    quiet = {"HF_HOME": str(tmp_path / "hf"), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPTS],
        cwd=folder,
        input=json.dumps(words_of(folder, tmp_path)),
        env=os.environ | quiet,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    output = folder / "trained"
    before = load_file(STARTER / "model.safetensors")
    names = [
        f"{trainer}{style}"
        for trainer in ("sft", "dpo", "kto")
        for style in ("", "_conversational")
    ]
    assert sorted(path.name for path in output.iterdir()) == sorted(names)
    for name in names:
        after = load_file(output / name / "model.safetensors")
        assert any((after[tensor] != before[tensor]).any() for tensor in before), name
