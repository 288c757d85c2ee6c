"""`manage.py serve`: the whole site on this machine, until Ctrl-C."""

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from flywheel.services import ServiceRefused
from flywheel.supervisor import SiteRefused, running_site


class Command(BaseCommand):
    """Run web, runtime, workers and beat, and keep them running."""

    help = "Run the whole site (web, model runtime, workers, beat) until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Only where to listen."""
        parser.add_argument(
            "--port", type=int, help="where the site answers (default: 8000, or a free port)"
        )

    def handle(self, *args: Any, port: int | None, **options: Any) -> None:
        """Start, say where, wait for Ctrl-C or SIGTERM, end everything."""
        ending = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: ending.set())
        self.stdout.write("Starting the site …")
        self.stdout.flush()
        try:
            with running_site(port=port) as site:
                self.stdout.write(self.style.SUCCESS(f"The site answers at {site.url}"))
                for name, pid in site.pids.items():
                    self.stdout.write(f"  {name:<16}{pid:<8}{site.log(name)}")
                self.stdout.write("Ctrl-C ends it. The database and the broker stay.")
                self.stdout.flush()
                ending.wait()
                self.stdout.write("Ending …")
        except (SiteRefused, ServiceRefused) as refusal:
            raise CommandError(str(refusal)) from refusal
