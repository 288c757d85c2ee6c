"""The contracts on imports: they hold, and each of them would notice."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# For each contract, a file and a line that breaks it.
OFFENCES = {
    "A contribution lives from left to right, and code looks left": (
        "apps/history/errors.py",
        "from apps.contributions import errors",
    ),
    "In every app a higher room may look into a lower one": (
        "apps/skills/errors.py",
        "from apps.skills import models",
    ),
    "Training knows examples and tensors, and nothing of users, requests or Django": (
        "training/rendering.py",
        "import django",
    ),
    "The client knows HTTP and files, and nothing of the site behind it": (
        "platform/openflywheel/reading/faults.py",
        "import apps.contributions.errors",
    ),
    "No app touches tensors": ("apps/builds/queries.py", "import torch"),
    "Only checks, reviews and builds knock at training's door": (
        "apps/pages/urls.py",
        "import training.spec",
    ),
    "The project knows the apps; no app knows the project": (
        "apps/traces/models.py",
        "import flywheel.settings",
    ),
    "The words of the contract and the screens need no torch, by any road": (
        "training/spec.py",
        "from training import lora",
    ),
}


def verdicts(root: Path) -> dict[str, str]:
    """What import-linter says of every contract in a tree."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"],
        cwd=root,
        env={**os.environ, "PYTHONPATH": f"{root / 'platform'}:{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    words = (line.rpartition(" ") for line in done.stdout.splitlines())
    return {name: verdict for name, _, verdict in words if verdict in {"KEPT", "BROKEN"}}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of everything that is imported."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("apps", "training", "platform"):
        shutil.copytree(
            ROOT / name,
            tmp_path / name,
            ignore=lambda folder, names: {
                each
                for each in names
                if each == "__pycache__"
                or not (Path(folder, each).is_dir() or each.endswith(".py"))
            },
        )
    return tmp_path


def test_every_contract_holds():
    assert verdicts(ROOT) == dict.fromkeys(OFFENCES, "KEPT")


def test_every_contract_notices_its_offence(copy):
    for path, line in OFFENCES.values():
        with (copy / path).open("a") as file:
            file.write(f"\n{line}\n")

    assert verdicts(copy) == dict.fromkeys(OFFENCES, "BROKEN")


def test_an_app_outside_the_order_is_noticed(copy):
    (copy / "apps" / "common").mkdir()
    (copy / "apps" / "common" / "__init__.py").touch()
    said = verdicts(copy)

    assert "A contribution lives from left to right, and code looks left" not in said or (
        said["A contribution lives from left to right, and code looks left"] == "BROKEN"
    )
