"""What the README shows works as it stands there, from no account to stored feedback."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Account
from tests.client.conftest import Terminal

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()


def block(language: str) -> str:
    """The README's one block of code in this language."""
    (found,) = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    return str(found)


@pytest.mark.skipif(not shutil.which("curl"), reason="no curl: apt-get install curl")
def test_by_curl_it_takes_at_most_four_commands(terminal: Terminal, tmp_path: Path) -> None:
    commands = block("sh")
    assert len(commands.splitlines()) <= 4

    done = subprocess.run(
        ["sh", "-e", "-c", commands.replace("http://127.0.0.1:8000", terminal.url)],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert re.search(r'"stored": ?1\b', done.stdout), done.stdout
    assert Account.objects.filter(username="ada").exists()


def test_in_python_it_takes_at_most_five_lines(terminal: Terminal) -> None:
    code = block("python")
    assert len([line for line in code.splitlines() if line]) <= 5

    done = subprocess.run(
        [sys.executable, "-c", code],
        env=known_to(terminal),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "1"


def test_the_command_is_there_under_its_own_name(terminal: Terminal, tmp_path: Path) -> None:
    command = tmp_path / "openflywheel"
    subprocess.run([ROOT / ".ci" / "command", command], check=True)
    rows = terminal.file({"prompt": "2+2", "completion": "4"})
    shown = next(line for line in README.splitlines() if "openflywheel submit" in line)

    done = subprocess.run(
        [command, *shown.split()[1:2], rows, *shown.split()[3:]],
        env=known_to(terminal) | {"PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr


def known_to(terminal: Terminal) -> dict[str, Any]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(terminal.folder),
        "PYTHONPATH": str(ROOT / "platform"),
        "OPENFLYWHEEL_URL": terminal.url,
        "OPENFLYWHEEL_TOKEN": terminal.token,
    }
