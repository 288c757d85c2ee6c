"""Send a file of rows (JSONL, JSON, CSV or Parquet, each also .gz) to a site as contributions.

Everything goes over the site's public REST API. Batch names are made from the rows, so that a run
that was interrupted can be repeated: what was stored before is not stored twice.

    manage.py submit rows.jsonl --licence CC0-1.0 --consent train --sign-off --token ofw_pat_…

Ends with 0 when every row was kept, with 1 when some were refused, with 2 when the file or the
site could not be read.
"""

from __future__ import annotations

import os
import sys
import time
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from apps.contributions.errors import BadFile
from apps.contributions.files import rows_in_path
from apps.contributions.models import Consent, Kind, Licence
from apps.contributions.rows import MOST_ROWS
from apps.contributions.sending import (
    Group,
    Header,
    Members,
    SendingFailed,
    Sent,
    Site,
    grouped,
    requests_of,
)

ROWS_A_PR = 50
MOST_REFUSED_SHOWN = 20


class Command(BaseCommand):
    help = __doc__
    requires_system_checks: list[str] = []

    def create_parser(self, *args: Any, **more: Any) -> Any:
        return super().create_parser(*args, formatter_class=RawDescriptionHelpFormatter, **more)

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, help="the rows, in any of TRL's formats")
        parser.add_argument("--url", default=settings.SITE_URL, help="the site (%(default)s)")
        parser.add_argument(
            "--token",
            default=os.environ.get("OPENFLYWHEEL_TOKEN", ""),
            help="your token; better in OPENFLYWHEEL_TOKEN than on the command line",
        )
        terms = parser.add_argument_group("terms")
        terms.add_argument("--licence", required=True, choices=Licence.values)
        terms.add_argument("--consent", required=True, choices=Consent.values)
        terms.add_argument(
            "--sign-off", action="store_true", help="you confirm that you may give these rows away"
        )
        about = parser.add_argument_group("what the rows are")
        about.add_argument("--title", default="", help="the title of each contribution")
        about.add_argument("--skill", default="", help="the skill of rows that do not name one")
        about.add_argument("--kind", default="", choices=["", *Kind.values], metavar="KIND")
        about.add_argument("--group-by", default="", metavar="FIELD", help="one PR for each value")
        about.add_argument(
            "--rows-a-pr", type=int, metavar="N", help=f"without --group-by ({ROWS_A_PR})"
        )
        people = parser.add_argument_group("on behalf of several contributors")
        people.add_argument("--contributor-field", default="", metavar="FIELD")
        people.add_argument(
            "--sign-up", action="store_true", help="make (or sign in) an account for each of them"
        )
        people.add_argument(
            "--state",
            type=Path,
            default=settings.VAR_DIR / "submit.jsonl",
            help="where their tokens are kept (%(default)s)",
        )
        how = parser.add_argument_group("how it is sent")
        how.add_argument("--rows-a-request", type=int, default=2000, metavar="N")
        how.add_argument("--at-once", type=int, default=2, metavar="N", help="requests at a time")
        how.add_argument("--dry-run", action="store_true", help="have it judged, store nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        console = Console()
        try:
            sent, seconds = self._send(console, options)
        except (BadFile, SendingFailed) as refusal:
            raise CommandError(str(refusal), returncode=2) from refusal
        _tell(console, options, sent, seconds)
        if sent.refused:
            sys.exit(1)

    def _send(self, console: Console, options: dict[str, Any]) -> tuple[Sent, float]:
        site = Site(options["url"], token=options["token"], members=_members(options))
        header = Header(
            licence=options["licence"],
            consent=options["consent"],
            signed_off=options["sign_off"],
            title=options["title"],
            skill=options["skill"],
            kind=options["kind"],
        )
        sent = Sent()
        # Reading ahead shows what is wrong with the file before anything is sent.
        total = sum(1 for _ in rows_in_path(options["file"]))
        began = time.perf_counter()
        with _progress(console) as progress:
            task = progress.add_task(options["file"].name, total=total)
            for part in _in_turn(site, header, self._requests(options, sent), options):
                sent.add(part)
                progress.update(task, completed=sent.rows)
        return sent, time.perf_counter() - began

    def _requests(self, options: dict[str, Any], sent: Sent) -> Iterator[list[Group]]:
        rows_a_pr = options["rows_a_pr"] or (MOST_ROWS if options["group_by"] else ROWS_A_PR)
        groups = grouped(
            rows_in_path(options["file"]),
            name=options["file"].name,
            rows_a_pr=rows_a_pr,
            group_by=options["group_by"],
            contributor_field=options["contributor_field"],
            refused=sent.refused,
        )
        return requests_of(groups, options["rows_a_request"])


def _members(options: dict[str, Any]) -> Members | None:
    """The contributors' accounts, where each of them is to send from their own."""
    if not options["sign_up"]:
        if not options["token"]:
            raise CommandError(
                "no token: give --token, or --contributor-field FIELD --sign-up", returncode=2
            )
        return None
    if not options["contributor_field"]:
        raise CommandError("--sign-up needs --contributor-field FIELD", returncode=2)
    if options["dry_run"]:
        raise CommandError("--dry-run makes no accounts; give a --token instead", returncode=2)
    return Members(options["state"], site=options["url"].rstrip("/"))


def _in_turn(
    site: Site, header: Header, requests: Iterator[list[Group]], options: dict[str, Any]
) -> Iterator[Sent]:
    """The outcomes in the order of the file, with some requests under way at a time."""
    with ThreadPoolExecutor(max_workers=options["at_once"]) as workers:
        under_way: deque[Future[Sent]] = deque()
        for groups in requests:
            under_way.append(workers.submit(site.send, groups, header, dry_run=options["dry_run"]))
            if len(under_way) > 2 * options["at_once"]:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _progress(console: Console) -> Progress:
    columns = (BarColumn(), MofNCompleteColumn(), TextColumn("rows"), TimeRemainingColumn())
    return Progress(TextColumn("{task.description}"), *columns, console=console)


def _tell(console: Console, options: dict[str, Any], sent: Sent, seconds: float) -> None:
    """What became of the file, in a table; then the refused rows, each with its mend."""
    table = Table(show_header=False)
    kept = "rows that would be stored" if options["dry_run"] else "rows stored"
    table.add_row("contributions", f"{len(sent.contributions):,}")
    table.add_row(kept, f"{sent.stored:,}")
    table.add_row("rows stored before", f"{sent.duplicate:,}")
    table.add_row("rows refused", f"{len(sent.refused):,}")
    table.add_row("seconds", f"{seconds:.1f}")
    table.add_row("rows a second", f"{sent.rows / max(seconds, 1e-6):,.0f}")
    console.print(table)
    shown = sorted(sent.refused, key=lambda refused: refused.place)[:MOST_REFUSED_SHOWN]
    for refused in shown:
        line = f"{options['file'].name}, row {refused.place}: {refused.detail}; {refused.mend}"
        console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if more := len(sent.refused) - len(shown):
        console.print(f"and {more:,} more")
