"""The house itself: what must never be there, and what every file must parse as."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


def test_platform_is_no_package_and_the_standard_library_wins():
    assert not (ROOT / "platform" / "__init__.py").exists()

    code = "import uuid, platform; print(platform.system())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() in {"Linux", "Darwin"}


def compose() -> dict[str, dict]:
    """The services of docker-compose.yml, anchors resolved."""
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def test_the_compose_file_has_the_production_shape():
    profiles = {name: tuple(service.get("profiles", ())) for name, service in compose().items()}

    assert profiles == {
        **dict.fromkeys(("migrate", "web", "worker-cpu", "worker-gpu", "beat", "runtime"), ()),
        **dict.fromkeys(("postgres", "valkey"), ()),
        "vllm": ("gpu",),
        **dict.fromkeys(("argilla", "argilla-worker", "elasticsearch"), ("argilla",)),
        "argilla-database": ("argilla",),
    }


def test_the_compose_file_opens_ports_on_loopback_alone_and_no_default_password():
    services = compose()
    opened = {name: service["ports"] for name, service in services.items() if "ports" in service}
    text = (ROOT / "docker-compose.yml").read_text()

    assert opened == {
        "web": ["127.0.0.1:${PORT:-8000}:8000"],
        "argilla": ["127.0.0.1:${ARGILLA_PORT:-6900}:6900"],
    }
    assert not re.search(r"\$\{\w*(PASSWORD|SECRET)\w*:-[^}]", text)


IN_THE_IMAGE = """
import django
from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import get_template
from django.utils import translation
django.setup()
with translation.override("tr"):
    print(translation.gettext("Leaderboard"))
print(get_template("base.html").origin.name)
print(finders.find("css/tokens.css"))
print(settings.BASE_MODEL)
"""


def test_the_image_has_every_folder_that_the_site_reads(tmp_path: Path) -> None:
    told = (ROOT / "Dockerfile").read_text()
    for what, where in re.findall(r"^COPY (?!-)(\S+) (\S+)$", told, re.MULTILINE):
        copy = shutil.copytree if (ROOT / what).is_dir() else shutil.copy
        copy(ROOT / what, tmp_path / where)
    environment = {
        **{"PATH": os.environ["PATH"], "PYTHONPATH": f"{tmp_path}/platform:{tmp_path}"},
        **{"DJANGO_SETTINGS_MODULE": "flywheel.settings", "VAR_DIR": f"{tmp_path}/var"},
    }

    done = subprocess.run(
        [sys.executable, "-c", IN_THE_IMAGE],
        **{"cwd": tmp_path, "env": environment, "capture_output": True, "text": True},
    )

    assert done.returncode == 0, done.stderr
    word, *paths = done.stdout.splitlines()
    assert word != "Leaderboard"
    assert all(path.startswith(str(tmp_path)) and Path(path).exists() for path in paths), paths


def test_every_service_waits_only_for_what_is_there_with_it():
    services = compose()
    there = {name: set(service.get("profiles", ())) for name, service in services.items()}

    for name, service in services.items():
        for other, how in service.get("depends_on", {}).items():
            assert there[other] <= there[name], f"{name} waits for {other} of another profile"
            healthy = how["condition"] == "service_healthy"
            assert not healthy or "healthcheck" in services[other], f"{other} is never healthy"


@pytest.mark.parametrize("missing", ["ARGILLA_AUTH_SECRET_KEY", "PASSWORD", "API_KEY"])
def test_argilla_does_not_start_with_an_empty_secret(missing: str, tmp_path: Path):
    (tmp_path / "start_argilla_server.sh").write_text("echo started")
    told = dict.fromkeys(("ARGILLA_AUTH_SECRET_KEY", "PASSWORD", "API_KEY"), "something long")
    # Compose reads two dollars as one.
    command = [part.replace("$$", "$") for part in compose()["argilla"]["command"]]

    def start(**environment: str) -> subprocess.CompletedProcess[str]:
        known = {"PATH": os.environ["PATH"], **told, **environment}
        return subprocess.run(command, env=known, cwd=tmp_path, capture_output=True, text=True)

    refused = start(**{missing: ""})

    assert (start().stdout.strip(), refused.stdout) == ("started", "")
    assert refused.returncode != 0
    assert f"{missing}: set ARGILLA_" in refused.stderr


def test_the_compose_file_runs_vllm_above_the_floor_of_its_known_holes():
    version = re.fullmatch(r"vllm/vllm-openai:v(\d+)\.(\d+)\.\d+", compose()["vllm"]["image"])

    assert version is not None
    assert (0, 22) <= tuple(map(int, version.groups())) <= (0, 25)


def test_the_lock_pins_everything_and_names_no_index():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    wants = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    every = chain(wants["dependencies"], *wants["optional-dependencies"].values())

    assert all(re.fullmatch(r"[a-z0-9.-]+==[a-z0-9.]+", pin) for pin in pins), pins
    assert set(map(named, every)) <= {pin.partition("==")[0] for pin in pins}


def named(want: str) -> str:
    """The package that a line of pyproject.toml asks for."""
    return re.split(r"[\[<>=;]", want)[0].strip().lower()


def test_whoever_installs_the_client_gets_what_it_imports_and_no_more():
    wants = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    sources = "\n".join(path.read_text() for path in ROOT.glob("platform/openflywheel/**/*.py"))
    imported = set(re.findall(r"^\s*(?:import|from) (\w+)", sources, re.MULTILINE))
    foreign = imported - set(sys.stdlib_module_names) - {"openflywheel"}

    wanted = [*wants["dependencies"], *wants["optional-dependencies"]["parquet"]]
    assert foreign == {{"pyyaml": "yaml"}.get(name, name) for name in map(named, wanted)}


def test_every_command_of_the_readme_is_a_target_of_make():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    said = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text()))

    assert said
    assert said <= targets
