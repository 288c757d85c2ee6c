"""Which site, and with which token: from the environment, or as `openflywheel login` kept it.

Tokens lie in a file that only its owner can read, in the folder that the system has for settings.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import platformdirs


def path() -> Path:
    """Where logins are kept."""
    return platformdirs.user_config_path("openflywheel") / "logins.json"


def known_url() -> str:
    """The site of `OPENFLYWHEEL_URL`, or of the last login; "" where there is neither."""
    return os.environ.get("OPENFLYWHEEL_URL") or str(_kept().get("url", ""))


def known_token(url: str) -> str:
    """The token of `OPENFLYWHEEL_TOKEN`, or of the login at this site; "" where there is none."""
    # Some shells leave a line break at the end of what they read from a file.
    given = os.environ.get("OPENFLYWHEEL_TOKEN", "").strip()
    return given or str(_kept().get("tokens", {}).get(url.rstrip("/"), ""))


def keep(url: str, token: str) -> Path:
    """Remember a login, as the one to use from now on; returns the file."""
    kept, url = _kept(), url.rstrip("/")
    tokens = {**kept.get("tokens", {}), url: token}
    file = path()
    file.parent.mkdir(parents=True, exist_ok=True)
    # Written aside and renamed: a crash in between leaves the earlier logins.
    handle, name = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(handle, "w") as aside:
        json.dump({"url": url, "tokens": tokens}, aside, indent=2)
    os.replace(name, file)
    return file


def _kept() -> dict[str, Any]:
    try:
        kept = json.loads(path().read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
