"""`manage.py services start | stop | status | remove`: PostgreSQL and Valkey under `var/`."""

import sys
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from flywheel import services

NOT_RUNNING = 3  # What `systemctl status` says for a unit that is not running.


class Command(BaseCommand):
    """Start, stop, show or remove the embedded services."""

    help = "Start, stop, show or remove the PostgreSQL and the Valkey of this checkout."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """One word: what to do."""
        parser.add_argument("what", choices=("start", "stop", "status", "remove"))

    def handle(self, *args: Any, what: str, **options: Any) -> None:
        """Do it; a refusal is one sentence and exit 1."""
        try:
            getattr(self, what)()
        except services.ServiceRefused as refusal:
            raise CommandError(str(refusal)) from refusal

    def start(self) -> None:
        """Start what is not overridden by DATABASE_URL and REDIS_URL."""
        for variable, ours in self._overrides().items():
            if not ours:
                self.stdout.write(f"{variable} is set, so nothing is started for it.")
        if any(self._overrides().values()):
            services.start_as_configured()
            self._table()

    def stop(self) -> None:
        """Stop what `start` started."""
        ended = services.stop(settings.VAR_DIR)
        self.stdout.write(f"Stopped {' and '.join(ended)}." if ended else "Nothing was running.")

    def remove(self) -> None:
        """Stop what runs and delete the data for good."""
        services.remove(settings.VAR_DIR)
        self.stdout.write("Removed the embedded services and everything they held.")

    def status(self) -> None:
        """Print a table; exit 3 when something that should run does not."""
        if not self._table():
            sys.exit(NOT_RUNNING)

    def _overrides(self) -> dict[str, bool]:
        return {
            "DATABASE_URL": settings.DATABASE_IS_EMBEDDED,
            "REDIS_URL": settings.BROKER_IS_EMBEDDED,
        }

    def _table(self) -> bool:
        """Print who runs where; True when everything that is ours to run does."""
        ours = dict(zip(("PostgreSQL", "Valkey"), self._overrides().values(), strict=True))
        complete = True
        self.stdout.write(f"{'service':<12}{'state':<10}{'pid':<9}where")
        for standing in services.status(settings.VAR_DIR):
            state = "running" if standing.pid else "stopped"
            if not ours[standing.service]:
                state = "external"
            complete = complete and state != "stopped"
            self.stdout.write(
                f"{standing.service:<12}{state:<10}{standing.pid or '-':<9}{standing.where}"
            )
        return complete
