"""The house itself: what must never be there, and what every file must parse as."""

import re
import subprocess
import sys
import tomllib
from itertools import chain
from pathlib import Path

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
    }


def test_the_compose_file_opens_one_port_on_loopback_and_no_default_password():
    services = compose()
    opened = {name: service["ports"] for name, service in services.items() if "ports" in service}
    text = (ROOT / "docker-compose.yml").read_text()

    assert opened == {"web": ["127.0.0.1:${PORT:-8000}:8000"]}
    assert not re.search(r"\$\{\w*(PASSWORD|SECRET)\w*:-[^}]", text)


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
