"""Five thousand rows out and five hundred responses back, each once, whatever dies on the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import argilla as sdk
import httpx
import psycopg
import pytest

from flywheel.supervisor import Site, running_site
from tests.argilla.reviewing import annotator
from tests.argilla.server import Server

SINGLE, LARGE, ROWS_OF_LARGE = 500, 9, 500
ROWS = SINGLE + LARGE * ROWS_OF_LARGE
PATIENCE = 900.0

# What happens inside the site's own database; the queue is filled past the screens.
FILL = f"""
from apps.contributions.stages import Stage
from apps.reviews.argilla.policy import ArgillaPolicy
from tests.people import a_contribution, a_line, somebody
line, author = a_line("sums"), somebody("maintainer")
# There is no model here to ask what these rows would do to it.
line.policy["review"]["evidence"] = {{"rows_asked": 0}}
line.save()
def rows(first, count):
    return [{{"prompt": f"What is {{n}} plus 1?", "completion": str(n + 1)}}
            for n in range(first, first + count)]
for n in range({SINGLE}):
    a_contribution(line, by=author, rows=rows(n, 1), stage=Stage.IN_REVIEW)
for n in range({LARGE}):
    first = {SINGLE} + n * {ROWS_OF_LARGE}
    a_contribution(line, by=author, rows=rows(first, {ROWS_OF_LARGE}), stage=Stage.IN_REVIEW)
"""
MAP = """
from apps.reviews.argilla.actions import map_person
from tests.people import somebody
from apps.accounts.models import Account
grace = Account.objects.create(username="grace-of-argilla", role="reviewer")
map_person({name!r}, grace)
"""


class Desk:
    """The site's own counts, asked of its database, and its reviewer in Argilla."""

    def __init__(self, site: Site, server: Server, owner: sdk.Argilla) -> None:
        self.site, self.server, self.owner = site, server, owner
        self.database = psycopg.connect(site.environment["DATABASE_URL"], autocommit=True)
        self.http = httpx.Client(base_url=server.url, timeout=300, trust_env=False)
        self.answered = 0

    def count(self, question: str) -> int:
        (number,) = self.database.execute(f"SELECT count(*) FROM {question}").fetchone() or (0,)
        return int(number)

    def slips(self, *states: str) -> int:
        words = ", ".join(f"'{state}'" for state in states)
        return self.count(f"reviews_slip WHERE state IN ({words})")

    def until(self, true: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, f"it never came about: {what}"
            time.sleep(0.2)

    def a_reviewer(self, workspace: str) -> str:
        """A user of Argilla who is to be a reviewer of ours; their name."""
        who = annotator(self.owner, sdk.Workspace(workspace, client=self.owner).create())
        self.http.headers["X-Argilla-Api-Key"] = who.http.headers["X-Argilla-Api-Key"]
        return who.name

    def accept(self, many: int) -> None:
        """Accept so many PRs of one row, none of them twice."""
        found = self.database.execute(
            "SELECT record FROM reviews_slip JOIN contributions_contribution c"
            " ON c.id = contribution_id WHERE c.row_count = 1 ORDER BY reviews_slip.id"
        ).fetchall()
        records = [record for (record,) in found][self.answered : self.answered + many]
        assert len(records) == many
        assert None not in records
        self.answered += many
        said = {"verdict": {"value": "accept"}}
        items = [{"record_id": str(r), "status": "submitted", "values": said} for r in records]
        for start in range(0, many, 25):
            answer = self.http.post(
                "/api/v1/me/responses/bulk", json={"items": items[start : start + 25]}
            )
            assert answer.status_code == 200, answer.text
            assert not any(one["error"] for one in answer.json()["items"])

    def records(self) -> list[dict[str, Any]]:
        (dataset,) = self.database.execute("SELECT dataset FROM reviews_board").fetchone() or (
            None,
        )
        found: list[dict[str, Any]] = []
        while True:
            page = self.owner.api.http_client.get(
                f"/api/v1/datasets/{dataset}/records", params={"offset": len(found), "limit": 1000}
            ).json()["items"]
            found += page
            if len(page) < 1000:
                return found


@contextmanager
def a_desk(server: Server, owner: sdk.Argilla) -> Iterator[Desk]:
    """A whole site of its own that shares its Valkey with Argilla."""
    assert server.valkey is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    workspace = f"restarts-{uuid4().hex[:8]}"
    hook = sdk.Webhook(
        url=f"http://127.0.0.1:{port}/api/v1/argilla/events",
        events=["response.created", "response.updated", "response.deleted"],
        _client=owner,
    ).create()
    told = {
        "REDIS_URL": server.valkey.address.url,
        "UPSTREAM_URL": "http://127.0.0.1:9",
        "ARGILLA_API_URL": server.url,
        "ARGILLA_API_KEY": server.key,
        "ARGILLA_WEBHOOK_SECRET": hook.secret,
        "ARGILLA_WORKSPACE": workspace,
    }
    try:
        with running_site(port=port, fresh=True, apart="argilla", environment=told) as site:
            desk = Desk(site, server, owner)
            site.manage("shell", "--verbosity=0", "-c", MAP.format(name=desk.a_reviewer(workspace)))
            yield desk
            desk.database.close()
            desk.http.close()
    finally:
        hook.delete()


def test_each_row_goes_out_once_and_each_response_comes_back_once(
    server: Server, owner: sdk.Argilla
):
    if not server.ours:
        pytest.skip("only a server of ours may be ended")
    with a_desk(server, owner) as desk:
        began = time.monotonic()
        desk.site.manage("shell", "--verbosity=0", "-c", FILL)
        filled = time.monotonic()
        desk.until(lambda: desk.slips("open") >= SINGLE, "the first rows are out")

        # Argilla dies while rows are on their way.
        server.stop()
        server.start()
        desk.accept(SINGLE // 2)
        desk.until(lambda: desk.count("reviews_decision") > 0, "the first response counts")

        # So does our worker, in the middle of whatever it does.
        os.kill(desk.site.pids["worker-default"], signal.SIGKILL)

        # And Redis, with every message of both sides in it.
        server.valkey.stop()
        server.valkey.start()
        desk.accept(SINGLE // 4)
        server.stop("worker")
        server.start("worker")
        desk.accept(SINGLE // 4)

        desk.until(lambda: desk.count("reviews_decision") >= SINGLE, "all responses count")
        desk.until(lambda: desk.slips("closed") >= SINGLE, "Argilla has closed what was decided")
        desk.until(lambda: desk.slips("waiting", "closing") == 0, "both desks are in step")
        took = time.monotonic() - filled

        told = {
            "decisions": desk.count("reviews_decision"),
            "decided PRs": desk.count("(SELECT DISTINCT contribution_id FROM reviews_decision) d"),
            "accepted": desk.count("contributions_contribution WHERE stage = 'accepted'"),
            "responses": desk.count("(SELECT DISTINCT response FROM reviews_answer) r"),
            "counted": desk.count("reviews_answer WHERE state = 'counted'"),
            "not counted": desk.count("reviews_answer WHERE state <> 'counted'"),
            "open": desk.slips("open"),
            "closed": desk.slips("closed"),
        }
        assert told == {
            "decisions": SINGLE,
            "decided PRs": SINGLE,
            "accepted": SINGLE,
            "responses": SINGLE,
            "counted": SINGLE,
            "not counted": 0,
            "open": ROWS - SINGLE,
            "closed": SINGLE,
        }
        records = desk.records()
        assert len({one["external_id"] for one in records}) == len(records) == ROWS
        assert sum(one["metadata"]["state"] == "accepted" for one in records) == SINGLE
        came = dict(
            desk.database.execute(
                "SELECT came_by, count(*) FROM reviews_answer GROUP BY 1"
            ).fetchall()
        )
        print(json.dumps({**told, "came by": came, "filled": filled - began, "took": took}))
