"""`submit` and `feedback`: a file of rows on its way to the site."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import platformdirs

from openflywheel import mapping, offering
from openflywheel.answers import Feedback
from openflywheel.client import Client
from openflywheel.commands.showing import at_a_site, one_of, print_json, progress, refused, table
from openflywheel.offering import KINDS, Gathering, Group, Header, Members, RefusedRow, Sent
from openflywheel.reading.archives import Told
from openflywheel.reading.columns import FORMATS, Formats, Numbered
from openflywheel.reading.faults import BadRow
from openflywheel.reading.paths import rows_in_path

LICENCES = (
    *("CC0-1.0", "CC-BY-4.0", "Apache-2.0", "MIT"),
    *("CC-BY-SA-4.0", "CC-BY-NC-4.0", "LicenseRef-proprietary"),
)
CONSENTS = ("train", "review", "evaluate", "rate")
FEEDBACK_FORMATS: Formats = (
    (frozenset({"trace"}), "trace, success or rating or correction"),
    (frozenset({"prompt", "answer"}), "prompt, answer, success or rating or correction"),
    (frozenset({"messages", "answer"}), "messages, answer, success or rating or correction"),
)
NUMBERS_SHOWN = 12
SHAPE = "The shape of the file, where it is not ours."


@dataclass(frozen=True)
class Sending:
    """How a file travels: how many rows in a request, and how many requests at a time."""

    rows_a_request: int
    at_once: int
    dry_run: bool
    members: Members | None


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--licence", required=True, type=click.Choice(LICENCES), help="What others may do.")
@click.option("--consent", required=True, type=click.Choice(CONSENTS), help="What we may do.")
@click.option("--sign-off", is_flag=True, help="You confirm that you may give these rows away.")
@click.option("--title", default="", help="The title of each PR.")
@click.option("--skill", default="", help="The skill of rows that do not name one.")
@one_of("--kind", KINDS, "Where the rows do not tell.")
@click.option("--group-by", default="", metavar="FIELD", help="One PR for each value.")
@click.option("--rows-a-pr", default=0, metavar="N", help="Without --group-by (50).")
@one_of("--from", mapping.ROWS, SHAPE)
@click.option("--contributor-field", default="", metavar="FIELD", help="Who wrote each row.")
@click.option("--sign-up", is_flag=True, help="Send from an account of each contributor's own.")
@click.option("--state", type=click.Path(path_type=Path), help="Where their tokens are kept.")
@click.option("--rows-a-request", default=offering.ROWS_A_REQUEST, metavar="N", show_default=True)
@click.option("--at-once", default=2, metavar="N", help="Requests at a time.", show_default=True)
@click.option("--dry-run", is_flag=True, help="Have it judged, store nothing.")
@at_a_site
@click.pass_context
def submit(context: click.Context, /, **said: Any) -> None:
    """Send a file of rows (JSONL, JSON, CSV or Parquet, each also .gz) as PRs.

    A zip of such files, or the folder of a Hugging Face dataset, will do as well.

    A run that was interrupted can be repeated: what was stored before is not stored twice.
    """
    if not said["sign_off"]:
        raise click.UsageError("say --sign-off: that you may give these rows away")
    header = Header(
        *(said[name] for name in ("licence", "consent", "sign_off", "title", "skill", "kind"))
    )
    with Client(said["url"]) as site:
        sending = Sending(
            said["rows_a_request"], said["at_once"], said["dry_run"], _members(site, said)
        )
        sent, seconds = _sent(site, header, sending, said)
    _tell(sent, seconds, said)
    context.exit(1 if sent.refused else 0)


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@one_of("--licence", LICENCES, "With consent and sign-off the rows may become part of a PR.")
@one_of("--consent", CONSENTS, "What we may do.")
@click.option("--sign-off", is_flag=True, help="You confirm that you may give them away.")
@one_of("--from", mapping.FEEDBACK, SHAPE)
@click.option("--dry-run", is_flag=True, help="Have it judged, store nothing.")
@at_a_site
@click.pass_context
def feedback(context: click.Context, /, file: Path, as_json: bool, **said: Any) -> None:
    """Send a file of ratings, outcomes and corrections.

    Each row is {"trace", "success" or "rating"} for an answer that the site gave, or {"prompt",
    "answer", "success" or "rating" or "correction"} for any other.
    """
    places: list[int] = []
    unread: list[RefusedRow] = []
    numbered = _shaped(file, mapping.FEEDBACK.get(said["from"]), FEEDBACK_FORMATS)
    with Client(said["url"]) as site, progress(quiet=as_json) as bar:
        task = bar.add_task(file.name, total=None)
        sent = site.feedback(
            _readable(numbered, places, unread),
            licence=said["licence"],
            consent=said["consent"],
            signed_off=said["sign_off"],
            dry_run=said["dry_run"],
            told=lambda so_far: bar.update(task, completed=so_far.counts.rows),
        )
    bad = [(bad.place, bad.detail, bad.mend) for bad in unread]
    bad += [
        (places[verdict.row], verdict.detail, verdict.mend)
        for verdict in sent.rows
        if verdict.verdict == "refused"
    ]
    _tell_feedback(file.name, sent, bad, dry_run=said["dry_run"], as_json=as_json)
    context.exit(1 if bad else 0)


def _members(site: Client, said: dict[str, Any]) -> Members | None:
    """The contributors' accounts, where each of them is to send from their own."""
    if not said["sign_up"]:
        if not site.token:
            raise click.UsageError(
                "no token: run `openflywheel login`, set OPENFLYWHEEL_TOKEN, or give "
                "--contributor-field FIELD --sign-up"
            )
        return None
    if not said["contributor_field"]:
        raise click.UsageError("--sign-up needs --contributor-field FIELD")
    if said["dry_run"]:
        raise click.UsageError("--dry-run makes no accounts; log in and leave out --sign-up")
    kept = platformdirs.user_state_path("openflywheel") / "members.jsonl"
    return Members(said["state"] or kept, site=site.url)


def _sent(
    site: Client, header: Header, sending: Sending, said: dict[str, Any]
) -> tuple[Sent, float]:
    """Send the file; what became of it, and in how many seconds."""
    file, shape = said["file"], mapping.ROWS.get(said["from"])
    gathering = Gathering(
        file.name, said["group_by"], said["contributor_field"], said["rows_a_pr"], header.kind
    )
    sent = Sent()
    # Reading ahead shows what is wrong with the file before anything is sent.
    total = sum(1 for _ in _shaped(file, shape, told=lambda note: click.echo(note, err=True)))
    groups = gathering.groups(_shaped(file, shape), sent.refused)
    requests = offering.requests_of(groups, sending.rows_a_request)
    began = time.perf_counter()
    with progress(quiet=said["as_json"]) as bar:
        task = bar.add_task(file.name, total=total)
        for part in _in_turn(site, header, requests, sending):
            sent.add(part)
            bar.update(task, completed=sent.rows)
    return sent, time.perf_counter() - began


def _in_turn(
    site: Client, header: Header, requests: Iterator[list[Group]], sending: Sending
) -> Iterator[Sent]:
    """The outcomes in the order of the file, with some requests under way at a time."""

    def send(groups: list[Group]) -> Sent:
        return site.run(
            offering.send(groups, header, dry_run=sending.dry_run, members=sending.members)
        )

    with ThreadPoolExecutor(max_workers=sending.at_once) as workers:
        under_way: deque[Future[Sent]] = deque()
        for groups in requests:
            under_way.append(workers.submit(send, groups))
            if len(under_way) > 2 * sending.at_once:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()


def _shaped(
    file: Path,
    shape: mapping.Shape | None,
    formats: Formats = FORMATS,
    told: Told = lambda _: None,
) -> Iterator[Numbered]:
    """The rows of a file; of another shape than ours, as that shape's mapping reads them."""
    if shape is None:
        yield from rows_in_path(file, formats=formats, told=told)
        return
    for place, row in rows_in_path(file, formats=(), told=told):
        if isinstance(row, BadRow):
            yield place, row
            continue
        try:
            for mapped in shape([row]):
                yield place, mapped
        except mapping.Unmapped as bad:
            yield place, BadRow("unmapped", bad.name, bad.detail, bad.mend)


def _readable(
    numbered: Iterator[Numbered], places: list[int], unread: list[RefusedRow]
) -> Iterator[dict[str, Any]]:
    for place, row in numbered:
        if isinstance(row, BadRow):
            unread.append(RefusedRow(place, row.detail, row.mend))
        else:
            places.append(place)
            # A cell of a table is there even where nothing was said.
            yield {name: value for name, value in row.items() if value not in ("", None)}


def _tell(sent: Sent, seconds: float, said: dict[str, Any]) -> None:
    """What became of the file, in a table; then the refused rows, each with its mend."""
    if said["as_json"]:
        print_json(
            {
                "contributions": sorted(sent.contributions),
                "stored": sent.stored,
                "duplicate": sent.duplicate,
                "refused": sent.refused,
                "dry_run": said["dry_run"],
            }
        )
        return
    table(
        *([] if said["dry_run"] else [("PRs", _numbers(sent.contributions))]),
        ("rows that would be stored" if said["dry_run"] else "rows stored", f"{sent.stored:,}"),
        ("rows stored before", f"{sent.duplicate:,}"),
        ("rows refused", f"{len(sent.refused):,}"),
        ("seconds", f"{seconds:.1f}"),
        ("rows a second", f"{sent.rows / max(seconds, 1e-6):,.0f}"),
    )
    refused(said["file"].name, ((bad.place, bad.detail, bad.mend) for bad in sent.refused))


def _numbers(prs: set[int]) -> str:
    """The numbers of the PRs, by which `status` and `pull` ask for them."""
    listed = sorted(prs)
    if len(listed) > NUMBERS_SHOWN:
        return f"{len(listed):,}, from {listed[0]} to {listed[-1]}"
    return ", ".join(map(str, listed)) or "none"


def _tell_feedback(
    name: str, sent: Feedback, bad: list[tuple[int, str, str]], *, dry_run: bool, as_json: bool
) -> None:
    if as_json:
        listed = [{"row": place, "detail": detail, "mend": mend} for place, detail, mend in bad]
        print_json({"counts": sent.counts, "refused": listed, "dry_run": dry_run})
        return
    table(
        ("rows that would be stored" if dry_run else "rows stored", f"{sent.counts.stored:,}"),
        ("rows stored before", f"{sent.counts.duplicate:,}"),
        ("rows refused", f"{len(bad):,}"),
    )
    refused(name, bad)
