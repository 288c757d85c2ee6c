"""Two clients that strangers would have: what generators make of docs/openapi.json, untouched."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from tests.generated.environments import HERE, node_environment, python_environment

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "openapi.json"
# What openapi-python-client calls what it makes of our title.
PACKAGE = "open_flywheel_client"
IMPORTED = f"""
import importlib, json, pkgutil
import {PACKAGE} as client
found = [one.name for one in pkgutil.walk_packages(client.__path__, "{PACKAGE}.")]
for name in found:
    importlib.import_module(name)
print(json.dumps(found))
"""
EXPORTED = "console.log(JSON.stringify(Object.keys(await import('./js/client/sdk.gen.js'))))"


@dataclass(frozen=True)
class Generated:
    """A client in its folder, what was said of it, and how programs with it are run.

    `said` is the generator's, `types` the compiler's (of TypeScript).
    """

    folder: Path
    interpreter: Path
    inline: str
    story: str
    said: str
    types: str = ""

    def run(self, *words: str) -> Any:
        """What a program that uses the client printed, read as JSON."""
        done = _run([str(self.interpreter), *words], self.folder)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def tell(self, url: str) -> Any:
        """What the story came to on a running site."""
        return self.run(self.story, url)


def python_client(folder: Path) -> Generated:
    """`openapi-python-client generate --path docs/openapi.json`, and no more."""
    python = python_environment()
    generator = str(python.with_name("openapi-python-client"))
    done = _run([generator, "generate", "--path", str(DOCUMENT), "--meta", "none"], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(HERE / "python" / "story.py", folder)
    return Generated(folder, python, "-c", "story.py", said=done.stdout + done.stderr)


def typescript_client() -> Generated:
    """`openapi-ts --input docs/openapi.json --output client` and `tsc`, and no more."""
    node, folder = node_environment()
    for made in ("client", "js"):
        shutil.rmtree(folder / made, ignore_errors=True)
    for name in ("tsconfig.json", "story.ts"):
        shutil.copy(HERE / "typescript" / name, folder)
    options = ["--input", str(DOCUMENT), "--output", "client", "--no-log-file"]
    done = _run([str(node), "node_modules/.bin/openapi-ts", *options], folder)
    assert done.returncode == 0, done.stdout + done.stderr
    compiled = _run([str(node), "node_modules/.bin/tsc"], folder)
    said, types = done.stdout + done.stderr, compiled.stdout + compiled.stderr
    return Generated(folder, node, "-e", "js/story.js", said, types)


def type_errors_of_python(client: Generated) -> str:
    """What `mypy --strict` says of the whole client and of the story.

    Less what it says of client.py, which the generator writes alike for every document.
    """
    options = ["--strict", "--cache-dir", os.devnull, "--no-error-summary", "--python-executable"]
    whole = [str(client.interpreter), "--package", PACKAGE, "--package", "story"]
    done = _run([sys.executable, "-m", "mypy", *options, *whole], client.folder)
    lines = (done.stdout + done.stderr).splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(f"{PACKAGE}/client.py:"))


def passed_over(said: str) -> list[tuple[str, str]]:
    """The operations of which openapi-python-client left something out, and what."""
    return re.findall(r"^WARNING parsing (\w+ \S+) within .*\n\n(.*)", said, re.MULTILINE)


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    beside = os.pathsep.join([str(Path(command[0]).parent), os.environ["PATH"]])
    told = {**os.environ, "PATH": beside, "NO_COLOR": "1", "PYTHONPATH": ""}
    return subprocess.run(command, cwd=folder, env=told, capture_output=True, text=True)
