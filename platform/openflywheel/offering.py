"""Sending rows as PRs: gathered into groups, one account per contributor where there are several.

Batch names are made from the rows, so that whatever is sent twice is stored once, also by a later
run after this one was interrupted.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import Any

import msgspec

from openflywheel import calls
from openflywheel.answers import Offered
from openflywheel.asking import Ask, Flow, ask
from openflywheel.errors import Conflict, OpenFlywheelError, Refused, SignInNeeded
from openflywheel.packing import Body, line_of
from openflywheel.reading.columns import Numbered
from openflywheel.reading.faults import BadRow

# What a row may say; other columns of the file (an answer key, say) never leave this machine.
ROW_FIELDS = (
    *("prompt", "completion", "messages", "chosen", "rejected", "label", "stars"),
    *("instruction", "input", "output", "original", "skill", "trace", "client_id"),
)
KINDS = ("correction", "dataset", "preference", "rating")
ROWS_A_PR, MOST_ROWS_A_PR = 50, 10_000
ROWS_A_REQUEST = 2000


class NotTheirs(OpenFlywheelError):
    """The account of a contributor belongs to somebody else."""


@dataclass(frozen=True)
class Header:
    """What holds for every PR; `skill` and `kind` may be left to the rows."""

    licence: str
    consent: str
    signed_off: bool
    title: str = ""
    skill: str = ""
    kind: str = ""

    def said(self) -> dict[str, Any]:
        """The fields to send."""
        terms = {"licence": self.licence, "consent": self.consent, "signed_off": self.signed_off}
        perhaps = {"title": self.title, "kind": self.kind, "skill": self.skill}
        return terms | {name: text for name, text in perhaps.items() if text}


@dataclass
class Group:
    """The rows of one PR, each with its place in the file, by one contributor."""

    batch: str
    contributor: str
    kind: str
    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class RefusedRow:
    """A row that was not kept: its place in the file, what is wrong, and the mend."""

    place: int
    detail: str
    mend: str


@dataclass
class Sent:
    """What has become of the rows so far."""

    stored: int = 0
    duplicate: int = 0
    contributions: set[int] = field(default_factory=set)
    refused: list[RefusedRow] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """Rows with a verdict."""
        return self.stored + self.duplicate + len(self.refused)

    def add(self, more: Sent) -> None:
        """Take in what became of more rows."""
        self.stored += more.stored
        self.duplicate += more.duplicate
        self.contributions |= more.contributions
        self.refused += more.refused


@dataclass(frozen=True)
class Gathering:
    """How rows become PRs: by the value of a field, or so many at a time."""

    name: str
    group_by: str = ""
    contributor_field: str = ""
    rows_a_pr: int = 0
    kind: str = ""

    @property
    def most(self) -> int:
        """Rows of one PR at most."""
        return self.rows_a_pr or (MOST_ROWS_A_PR if self.group_by else ROWS_A_PR)

    def groups(self, rows: Iterable[Numbered], refused: list[RefusedRow]) -> Iterator[Group]:
        """The PRs, in the order of the rows; what cannot be read goes to `refused`.

        Rows of a group that stand apart in the file become one PR each time, and so do rows of
        another kind than the row before.
        """
        used: dict[str, int] = {}
        for (value, contributor, kind), members in groupby(
            _readable(rows, refused), key=lambda placed: self._belongs(placed[1])
        ):
            while some := [row for _, row in zip(range(self.most), members, strict=False)]:
                named = value or _named(self.name, some)
                used[named] = used.get(named, 0) + 1
                batch = named if used[named] == 1 else f"{named} ({used[named]})"
                sendable = [(place, _sendable(row)) for place, row in some]
                yield Group(batch[:80], contributor, kind, sendable)

    def _belongs(self, row: Mapping[str, Any]) -> tuple[str, str, str]:
        def value(name: str) -> str:
            return str(row.get(name) or "") if name else ""

        return value(self.group_by), value(self.contributor_field), self.kind or kind_of(row)


def requests_of(groups: Iterable[Group], rows_a_request: int) -> Iterator[list[Group]]:
    """Groups of one contributor that travel together, up to so many rows."""
    waiting: list[Group] = []
    for group in groups:
        count = sum(len(member.rows) for member in waiting)
        other = waiting and waiting[0].contributor != group.contributor
        if waiting and (other or count + len(group.rows) > rows_a_request):
            yield waiting
            waiting = []
        waiting.append(group)
    if waiting:
        yield waiting


def kind_of(row: Mapping[str, Any]) -> str:
    """The kind that a row names (as our exports do), or that its fields speak of."""
    if row.get("kind") in KINDS:
        return str(row["kind"])
    if "chosen" in row or "rejected" in row:
        return "preference"
    if "label" in row or "stars" in row:
        return "rating"
    return "correction" if row.get("original") else "dataset"


class Members:
    """The contributors' accounts at a site: passwords follow from a seed, tokens are kept.

    Both lie in a file that only its owner can read, so that a second run signs in where the first
    signed up, and asks for a token only where it has none.
    """

    def __init__(self, path: Path, *, site: str) -> None:
        self.path, self.site, self.lock = path, site, Lock()
        self.tokens: dict[str, str] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            self._write({"seed": secrets.token_hex(32)})
        except FileExistsError:
            pass
        seed, *known = map(json.loads, path.read_text().splitlines())
        self.seed = bytes.fromhex(seed["seed"])
        for member in known:
            if member["site"] == site:
                self.tokens[member["name"]] = member["token"]

    def password_of(self, name: str) -> str:
        """The same each time, and different for each site."""
        return hmac.new(self.seed, f"{self.site} {name}".encode(), hashlib.sha256).hexdigest()

    def remember(self, name: str, token: str) -> None:
        """Keep a token for the next run."""
        with self.lock:
            self.tokens[name] = token
            self._write({"site": self.site, "name": name, "token": token})

    def _write(self, line: dict[str, str]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def submit(
    rows: Iterable[Mapping[str, Any]],
    *,
    licence: str,
    consent: str,
    signed_off: bool,
    title: str = "",
    skill: str = "",
    kind: str = "",
    name: str = "rows",
    group_by: str = "",
    rows_a_pr: int = 0,
    dry_run: bool = False,
    told: Callable[[Sent], object] | None = None,
) -> Flow[Sent]:
    """Offer rows in any of TRL's formats as PRs; the same rows sent again are stored once.

    Each PR takes the rows that share a value of `group_by`, or `rows_a_pr` rows. What was refused
    comes back with its place (counted from 1) and its mend. `told` hears of the rows so far.
    """
    header = Header(licence, consent, signed_off, title, skill, kind)
    gathering = Gathering(name, group_by=group_by, rows_a_pr=rows_a_pr, kind=kind)
    sent = Sent()
    groups = gathering.groups(enumerate(map(dict, rows), start=1), sent.refused)
    for request in requests_of(groups, ROWS_A_REQUEST):
        sent.add((yield from send(request, header, dry_run=dry_run)))
        if told is not None:
            told(sent)
    return sent


def send(
    groups: list[Group], header: Header, *, dry_run: bool = False, members: Members | None = None
) -> Flow[Sent]:
    """Send some PRs of one contributor; the answer says what became of each row.

    With `members` each contributor sends from an account of their own, made where there is none.
    """
    places = [place for group in groups for place, _ in group.rows]
    contributor = groups[0].contributor
    named = header.said()
    lines = (
        {"kind": group.kind, **named, "batch": group.batch, **row}
        for group in groups
        for _, row in group.rows
    )
    with Body(lines) as body:
        params: dict[str, str | int] = {"verdicts": "refused"} | ({"dry_run": 1} if dry_run else {})
        question = Ask("POST", "contributions/bulk", Offered, params=params, body=body)
        if members is None or not contributor:
            return _sent((yield from _offer(question)), places)
        token = members.tokens.get(_handle(contributor))
        token = token or (yield from join(contributor, members))
        try:
            return _sent((yield from _offer(replace(question, token=token))), places)
        except SignInNeeded:
            # A token that was kept from an earlier run has ended meanwhile.
            token = yield from join(contributor, members)
            return _sent((yield from _offer(replace(question, token=token))), places)


def join(contributor: str, members: Members) -> Flow[str]:
    """A token for a contributor: signs up, or signs in where the account is there already."""
    name = _handle(contributor)
    password = members.password_of(name)
    try:
        account = yield from calls.sign_up(name, password)
        token = account.token.token if account.token else ""
    except Conflict:
        try:
            token = (yield from calls.sign_in(name, password)).token
        except SignInNeeded as refusal:
            raise NotTheirs(
                f"the account “{name}” has another password: it is somebody else's, or the file "
                "of an earlier run is gone; name it with --state, or use your own token"
            ) from refusal
    members.remember(name, token)
    return token


def _offer(question: Ask[Offered]) -> Flow[Offered]:
    """The answer; one that refuses every row is an answer too."""
    try:
        return (yield from ask(question))
    except Refused as refusal:
        if refusal.code != "nothing_usable":
            raise
        body = {"counts": refusal.body.get("counts", {}), "rows": refusal.body.get("errors", [])}
        return msgspec.convert(body, Offered)


def _sent(answer: Offered, places: list[int]) -> Sent:
    return Sent(
        stored=answer.counts.stored,
        duplicate=answer.counts.duplicate,
        contributions={batch.number for batch in answer.contributions if batch.number},
        refused=[
            RefusedRow(places[verdict.row], verdict.detail, verdict.mend)
            for verdict in answer.rows
            if verdict.verdict == "refused"
        ],
    )


def _handle(contributor: str) -> str:
    """A contributor as a name that an account can have."""
    return re.sub(r"[^\w.@+-]", "-", contributor)[:150]


def _readable(
    rows: Iterable[Numbered], refused: list[RefusedRow]
) -> Iterator[tuple[int, dict[str, Any]]]:
    for place, row in rows:
        if isinstance(row, BadRow):
            where = f"{row.name}: " if row.name else ""
            refused.append(RefusedRow(place, where + row.detail, row.mend))
        else:
            yield place, row


def _sendable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ROW_FIELDS if name in row}


def _named(name: str, rows: list[tuple[int, dict[str, Any]]]) -> str:
    """A batch name that only the same rows of the same file have."""
    content = b"".join(line_of(_sendable(row)) for _, row in rows)
    return f"{name[:50]}:{rows[0][0]}:{hashlib.sha256(content).hexdigest()[:12]}"
