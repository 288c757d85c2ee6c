"""Write docs/openapi.json from the code, or check that it is fresh and breaks no client.

`--release` keeps the present document as the one that later ones are held against.
"""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.api.breaking import breaks
from apps.api.schema import document


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail when it is old or breaks")
        parser.add_argument("--release", action="store_true", help="keep it as the released one")

    def handle(self, *args: Any, **options: Any) -> None:
        docs = settings.BASE_DIR / "docs"
        path, released = docs / "openapi.json", docs / "openapi-released.json"
        text = json.dumps(document(), ensure_ascii=False, indent=1) + "\n"
        if not options["check"]:
            for file in (path, released) if options["release"] else (path,):
                file.write_text(text, encoding="utf-8")
                self.stdout.write(f"wrote {file.relative_to(settings.BASE_DIR)}")
            return
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            raise CommandError("docs/openapi.json is old; run `manage.py write_openapi`")
        # (Before the first release there is nobody whose client could break.)
        if released.exists() and (found := breaks(json.loads(released.read_text()), document())):
            told = "\n  ".join(found)
            raise CommandError(
                f"clients of the released API would break:\n  {told}\n"
                "Keep what was there beside the new, or give it a new dated version first."
            )
