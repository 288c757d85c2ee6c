"""The house itself: what must never be there, and what every file must parse as."""

import subprocess
import sys
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
