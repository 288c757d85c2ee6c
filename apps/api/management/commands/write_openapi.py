"""Write docs/openapi.json from the code, or check that it is fresh and breaks no client.

Beside it lies what the clients of the newest dated version rely on; `--release` lets them rely on
what has been added since, too.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.api.breaking import breaks, contract
from apps.api.schema import document
from apps.api.versions import VERSIONS


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail when it is old or breaks")
        parser.add_argument("--release", action="store_true", help="let clients rely on it")

    def handle(self, *args: Any, **options: Any) -> None:
        docs = settings.BASE_DIR / "docs"
        path, released = docs / "openapi.json", docs / f"openapi-{VERSIONS[-1]}.json"
        text = _as_text(document())
        if options["check"] and (not path.exists() or path.read_text(encoding="utf-8") != text):
            raise CommandError("docs/openapi.json is old; run `manage.py write_openapi`")
        if options["check"] or options["release"]:
            _ensure_unbroken(released, must_exist=options["check"])
        if not options["check"]:
            self._write(path, text)
        if options["release"]:
            self._write(released, _as_text(contract(document())))

    def _write(self, path: Path, text: str) -> None:
        path.write_text(text, encoding="utf-8")
        self.stdout.write(f"wrote {path.relative_to(settings.BASE_DIR)}")


def _ensure_unbroken(released: Path, *, must_exist: bool) -> None:
    """`CommandError` where what was released would break, or where nothing was."""
    if not released.exists():
        if must_exist:
            run = "run `manage.py write_openapi --release`"
            raise CommandError(f"docs/{released.name} is missing; {run} to let clients rely on it")
        return
    if found := breaks(json.loads(released.read_text(encoding="utf-8")), document()):
        told = "\n  ".join(found)
        raise CommandError(
            f"clients of version {VERSIONS[-1]} would break:\n  {told}\n"
            "Keep what was there beside the new, or add a new dated version to "
            "apps/api/versions.py, and run `manage.py write_openapi --release`."
        )


def _as_text(written: Any) -> str:
    return json.dumps(written, ensure_ascii=False, indent=1) + "\n"
