"""`manage.py demo`: contributions become an adapter that answers real requests."""

import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console

from flywheel.demo import report
from flywheel.demo.client import DemoFailed
from flywheel.demo.story import Story
from flywheel.services import ServiceRefused
from flywheel.supervisor import SiteRefused, running_site
from openflywheel.reading.faults import BadFile


class Command(BaseCommand):
    """Run the whole loop once on an emptied site, and write var/demo/report.json."""

    help = "Run the whole loop once on an emptied site, and write var/demo/report.json."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """What to contribute, and whether to keep the database that is there."""
        parser.add_argument(
            "--data", type=Path, help="a JSONL, CSV or Parquet file to contribute instead"
        )

    def handle(self, *args: Any, data: Path | None, **options: Any) -> None:
        """Play the story; the last lines are the tables."""
        if data is not None and not data.is_file():
            raise CommandError(f"There is no file {data}; name a JSONL, CSV or Parquet file.")
        console, began = Console(), time.monotonic()
        path = Path(settings.VAR_DIR) / "demo" / "report.json"
        try:
            with running_site(fresh=True) as site:
                story = Story(site, console)
                told = story.run(data)
                duration = time.monotonic() - began
                found = report.report(told, story.people.maintainers[0], duration)
        except (BadFile, DemoFailed, SiteRefused, ServiceRefused) as failure:
            raise CommandError(str(failure)) from failure
        report.write(found, path)
        report.show(found, console)
        console.print(f"Report: {path}. `make serve` opens the site.")
        if complaints := report.complaints(found, whole=data is None):
            raise CommandError("The loop did not end as it should: " + "; ".join(complaints))
