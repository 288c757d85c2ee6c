"""A site that runs, and somebody at a terminal before it."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from apps.accounts.actions import make_token
from apps.accounts.models import Account, Role
from apps.skills.models import ModelLine
from openflywheel import Client
from openflywheel.commands import main
from tests.people import a_line, somebody

TERMS = ("--licence", "CC0-1.0", "--consent", "train", "--sign-off")


@dataclass
class Terminal:
    """A folder, a running site, and the command line with a token for it."""

    url: str
    folder: Path
    line: ModelLine
    account: Account
    token: str

    def run(self, *words: str | Path, token: str | None = None, typed: str = "") -> Result:
        """`openflywheel WORDS`, as in a shell with the site's address and the token set."""
        known = {"OPENFLYWHEEL_URL": self.url, "OPENFLYWHEEL_TOKEN": self.token}
        if token is not None:
            known["OPENFLYWHEEL_TOKEN"] = token
        settings = {"XDG_CONFIG_HOME": str(self.folder / "config"), "COLUMNS": "100"}
        return CliRunner().invoke(main, [*map(str, words)], input=typed, env=known | settings)

    def submit(self, path: Path, *words: str, token: str | None = None) -> Result:
        """`openflywheel submit` with terms."""
        return self.run("submit", path, *TERMS, *words, token=token)

    def file(self, *rows: Any, name: str = "rows.jsonl") -> Path:
        """A file of rows; a text stands there as it is."""
        path = self.folder / name
        lines = "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows)
        path.write_bytes(gzip.compress(lines.encode()) if name.endswith(".gz") else lines.encode())
        return path

    def client(self) -> Client:
        """The client library with the same token."""
        return Client(self.url, self.token)


@pytest.fixture
def terminal(transactional_db: None, live_server: Any, tmp_path: Path) -> Terminal:
    line, account = a_line("sums"), somebody(Role.CONTRIBUTOR)
    _, token = make_token(account, name="test", scopes=["contribute", "feedback"])
    return Terminal(live_server.url, tmp_path, line, account, token)
