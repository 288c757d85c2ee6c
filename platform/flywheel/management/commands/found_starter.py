"""`manage.py found_starter`: the starter line with its skills, and its base as first version."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.rollouts.actions import publish_base
from apps.skills.actions import found_line
from apps.skills.models import ModelLine

LINE = "starter"


class Command(BaseCommand):
    """Found the line and open its channel `stable`; a second run changes nothing."""

    help = "Found the starter line and publish its base model on channel stable."

    def add_arguments(self, parser: CommandParser) -> None:
        """What a candidate of the line has to show."""
        parser.add_argument(
            "--gates",
            type=json.loads,
            default={},
            help="criteria of rollouts that differ from the usual ones, as JSON",
        )
        parser.add_argument(
            "--small", action="store_true", help="with fewer hidden cases and a smaller replay pool"
        )

    def handle(self, *args: Any, gates: dict[str, Any], small: bool, **options: Any) -> None:
        """Make the line's data, found the line, publish the base."""
        line = ModelLine.objects.filter(name=LINE).first() or self._found(gates, small)
        base = Path(line.base)
        digest = digest_of(base)
        channel = publish_base(
            line, name=settings.BASE_NAME, digest=digest, channel="stable", by="operator"
        )
        self.stdout.write(f"{channel} serves {channel.live} ({digest[:12]})")

    def _found(self, gates: dict[str, Any], small: bool) -> ModelLine:
        data = Path(settings.VAR_DIR) / "starter"
        command = [sys.executable, "-m", "training", "starter", "world", "--out", str(data)]
        command += ["--small"] if small else []
        made = subprocess.run(
            command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise CommandError(f"the starter's data could not be made: {made.stderr[-500:]}")
        line = found_line(LINE, title="The starter line", base=settings.BASE_MODEL, data=data)
        line.policy["rollout"] = gates
        line.save(update_fields=["policy"])
        return line


def digest_of(base: Path) -> str:
    """SHA-256 (hex) over a base model's weights; over its name where it is no folder."""
    digest = hashlib.sha256()
    weights = sorted(base.glob("*.safetensors")) if base.is_dir() else []
    for path in weights:
        digest.update(path.read_bytes())
    if not weights:
        digest.update(str(base).encode())
    return digest.hexdigest()
