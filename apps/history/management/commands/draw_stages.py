"""Print the drawings of the stages from the tables, or check that they are up to date."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.history.stages import StageTable

HEAD = """# The stages

Printed from the tables by `manage.py draw_stages`; `make check` refuses this page when it is old.
A thing moves only through `history.move`, which compares, sets and records in one transaction.
"""


def tables() -> list[StageTable]:
    """The stage table of every model that has one, in the order of the apps."""
    staged = (getattr(model, "STAGES", None) for model in apps.get_models())
    return [found for found in staged if found is not None]


def drawing(stage_table: StageTable) -> str:
    """One table as a Mermaid state diagram."""
    lines = [f"\n## {stage_table.name.capitalize()}\n", "```mermaid", "stateDiagram-v2"]
    lines.append(f"    [*] --> {stage_table.first}")
    lines += [f"    {left} --> {entered}" for left, entered in stage_table.pairs()]
    lines += [f"    {stage} --> [*]" for stage in sorted(stage_table.final())]
    return "\n".join([*lines, "```", ""])


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="fail when docs/stages.md is old")

    def handle(self, *args: Any, **options: Any) -> None:
        path = settings.BASE_DIR / "docs" / "stages.md"
        text = HEAD + "".join(map(drawing, tables()))
        if not options["check"]:
            path.write_text(text, encoding="utf-8")
            self.stdout.write(f"wrote {path.relative_to(settings.BASE_DIR)}")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            raise CommandError("docs/stages.md is old; run `manage.py draw_stages`")
