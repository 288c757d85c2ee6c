"""Read the whole record and say whether its chain of digests is unbroken."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from apps.history.errors import ChainBroken
from apps.history.queries import verify_chain


class Command(BaseCommand):
    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(f"The record is whole: {verify_chain():,} events.")
        except ChainBroken as broken:
            raise CommandError(f"The record is broken: {broken}.") from broken
