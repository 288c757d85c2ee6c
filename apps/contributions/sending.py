"""Sending a file to a site over HTTP: one account per contributor, one PR per group of rows.

Nothing here touches the database: the site may be on another machine. Batch names are made from
the file, so that whatever is sent twice is stored once.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from threading import Lock
from typing import Any

import httpx

from apps.contributions.files import Numbered
from apps.contributions.rows import BadRow

# What a row may say; other columns of the file (an answer key, say) never leave this machine.
ROW_FIELDS = (
    *("prompt", "completion", "messages", "chosen", "rejected", "label"),
    *("instruction", "input", "output", "original", "skill", "trace", "client_id"),
)
TRIES = 6
SCOPES = ("contribute", "feedback")


class SendingFailed(Exception):
    """The site cannot be reached, or does not take the request; the text says why."""


@dataclass(frozen=True)
class Header:
    """What holds for every PR of the file; `skill` and `kind` may be left to the rows."""

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
    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class Refused:
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
    refused: list[Refused] = field(default_factory=list)

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


def grouped(
    rows: Iterable[Numbered],
    *,
    name: str,
    rows_a_pr: int,
    group_by: str = "",
    contributor_field: str = "",
    refused: list[Refused],
) -> Iterator[Group]:
    """Gather rows into PRs: by the value of `group_by`, or `rows_a_pr` at a time.

    Rows of a group that stand apart in the file become one PR each time. What cannot be read goes
    to `refused`.
    """
    readable = _readable(rows, refused)
    used: dict[str, int] = {}
    for (group, contributor), members in groupby(
        readable, key=lambda row: _belongs(row[1], group_by, contributor_field)
    ):
        while some := [row for _, row in zip(range(rows_a_pr), members, strict=False)]:
            named = group or _named(name, some)
            used[named] = used.get(named, 0) + 1
            batch = named if used[named] == 1 else f"{named} ({used[named]})"
            yield Group(batch[:80], contributor, [(at, _sendable(row)) for at, row in some])


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


class Site:
    """A site's REST API for one sender: tokens, retries, and the bulk address.

    With `members` each contributor sends from an account of their own, made where there is none.
    """

    def __init__(self, url: str, *, token: str = "", members: Members | None = None) -> None:
        self.http = httpx.Client(
            base_url=f"{url.rstrip('/')}/api/v1/",
            timeout=httpx.Timeout(120, connect=10),
            headers={"Accept": "application/json"},
        )
        self.token, self.members = token, members

    def send(self, groups: list[Group], header: Header, *, dry_run: bool = False) -> Sent:
        """Send some PRs of one contributor; the answer says what became of each row."""
        places = [place for group in groups for place, _ in group.rows]
        lines = (
            _line({**header.said(), "batch": group.batch, **row})
            for group in groups
            for _, row in group.rows
        )
        packed = gzip.compress("\n".join(lines).encode(), compresslevel=1)
        contributor = groups[0].contributor
        response = self._post_rows(packed, self.token_of(contributor), dry_run=dry_run)
        if response.status_code == httpx.codes.UNAUTHORIZED and self.members and contributor:
            # A token that was kept from an earlier run has ended meanwhile.
            response = self._post_rows(packed, self._join(contributor), dry_run=dry_run)
        return _sent(_read(response), places)

    def token_of(self, contributor: str) -> str:
        """The token under which a contributor's rows are sent."""
        if self.members is None or not contributor:
            return self.token
        return self.members.tokens.get(_handle(contributor)) or self._join(contributor)

    def _join(self, contributor: str) -> str:
        """Sign up, or sign in where the account is there from an earlier run."""
        assert self.members is not None
        name = _handle(contributor)
        password = self.members.password_of(name)
        wish = {"name": "submit", "scopes": list(SCOPES)}
        response = self._post("accounts", json={"name": name, "password": password, "token": wish})
        if response.status_code == httpx.codes.CONFLICT:
            response = self._post("tokens", json={"username": name, "password": password, **wish})
            if response.status_code == httpx.codes.UNAUTHORIZED:
                raise SendingFailed(
                    f"the account “{name}” has another password: it is somebody else's, or the "
                    "file of an earlier run is gone; name it with --state, or use --token"
                )
            token = str(_read(response)["token"])
        else:
            token = str(_read(response)["token"]["token"])
        self.members.remember(name, token)
        return token

    def _post_rows(self, packed: bytes, token: str, *, dry_run: bool) -> httpx.Response:
        return self._post(
            "contributions/bulk",
            content=packed,
            params={"verdicts": "refused", **({"dry_run": 1} if dry_run else {})},
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/x-ndjson",
                "Content-Encoding": "gzip",
            },
        )

    def _post(self, path: str, **what: Any) -> httpx.Response:
        """POST, again after a while when the site is away or busy; batch names make that safe."""
        for attempt in range(1, TRIES + 1):
            try:
                response = self.http.post(path, **what)
                if response.status_code not in (429, 502, 503, 504) or attempt == TRIES:
                    return response
                wait = float(response.headers.get("Retry-After", 2**attempt / 4))
            except httpx.TransportError as error:
                if attempt == TRIES:
                    raise SendingFailed(
                        f"{self.http.base_url} does not answer ({error}); is the site running?"
                    ) from error
                wait = 2**attempt / 4
            time.sleep(min(wait, 30))
        raise AssertionError("the loop returns or raises")


def _handle(contributor: str) -> str:
    """A contributor as a name that an account can have."""
    return re.sub(r"[^\w.@+-]", "-", contributor)[:150]


def _readable(
    rows: Iterable[Numbered], refused: list[Refused]
) -> Iterator[tuple[int, dict[str, Any]]]:
    for place, row in rows:
        if isinstance(row, BadRow):
            where = f"{row.name}: " if row.name else ""
            refused.append(Refused(place, where + row.detail, row.mend))
        else:
            yield place, row


def _belongs(row: Mapping[str, Any], group_by: str, contributor_field: str) -> tuple[str, str]:
    group = str(row.get(group_by) or "") if group_by else ""
    return group, str(row.get(contributor_field) or "") if contributor_field else ""


def _sendable(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ROW_FIELDS if name in row}


def _named(name: str, rows: list[tuple[int, dict[str, Any]]]) -> str:
    """A batch name that only the same rows of the same file have."""
    content = "\n".join(_line(row) for _, row in rows).encode()
    return f"{name[:50]}:{rows[0][0]}:{hashlib.sha256(content).hexdigest()[:12]}"


def _line(row: Mapping[str, Any]) -> str:
    # What JSON has no form for (bytes, a date) is no text either, and the site says so of its row.
    return json.dumps(row, ensure_ascii=False, default=lambda value: {"type": repr(type(value))})


def _sent(answer: Mapping[str, Any], places: list[int]) -> Sent:
    counts = answer.get("counts", {})
    numbers = (shown["number"] for shown in answer.get("contributions", []))
    return Sent(
        stored=counts.get("stored", 0),
        duplicate=counts.get("duplicate", 0),
        contributions={number for number in numbers if number},
        refused=[
            Refused(places[bad["row"]], bad["detail"], bad["mend"])
            for bad in answer.get("rows", answer.get("errors", []))
            if bad["verdict"] == "refused"
        ],
    )


def _read(response: httpx.Response) -> dict[str, Any]:
    """The answer; one that refuses every row is an answer too."""
    try:
        answer: dict[str, Any] = response.json()
    except ValueError:
        raise SendingFailed(
            f"{response.url} answered {response.status_code} without JSON; is this the site's "
            "address?"
        ) from None
    if response.is_error and answer.get("code") != "nothing_usable":
        raise SendingFailed(f"the site refused: {answer.get('detail', response.status_code)}")
    return answer
