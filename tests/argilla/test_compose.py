"""What docker-compose.yml tells Argilla is what the real server of the pinned version reads."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.argilla.server import PINS, environment_of_server

COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"
# Read by the image's own start script, or by libraries of the server.
BY_THE_IMAGE = {"USERNAME", "PASSWORD", "API_KEY", "WORKSPACE", "HF_HUB_DISABLE_TELEMETRY"}
ASKED = """
import json
from argilla_server.settings import Settings
from argilla_server.security.settings import Settings as Security
names = [f"ARGILLA_{name}".upper() for name in Settings.model_fields]
names += [f"ARGILLA_AUTH_{name}".upper() for name in Security.model_fields]
print(json.dumps({"names": names}))
"""


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return {name: one for name, one in found.items() if "argilla-server" in one["image"]}


def asked(*arguments: str, home: Path) -> str:
    done = subprocess.run(
        [str(environment_of_server()), *arguments],
        env={"PATH": "/usr/bin:/bin", "ARGILLA_HOME_PATH": str(home), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_image_is_of_the_version_that_is_tested():
    (pinned,) = re.findall(r"^argilla-server==(\S+)", PINS.read_text(), re.MULTILINE)

    images = {one["image"] for one in services().values()}

    assert images == {f"argilla/argilla-server:v{pinned}"}


def test_every_variable_is_one_that_the_server_reads(tmp_path: Path):
    known = set(json.loads(asked("-c", ASKED, home=tmp_path).splitlines()[-1])["names"])
    told = {name for one in services().values() for name in one["environment"]}

    assert told - BY_THE_IMAGE <= known
    assert {"ARGILLA_DATABASE_URL", "ARGILLA_AUTH_SECRET_KEY", "ARGILLA_REDIS_URL"} <= told


def test_the_worker_is_a_command_that_the_server_has(tmp_path: Path):
    python, *command = services()["argilla-worker"]["command"]
    options = [word for word in command if word.startswith("--")]

    helped = asked(*command[:3], "--help", home=tmp_path)

    assert python == "python"
    assert [option for option in options if option not in helped] == []
