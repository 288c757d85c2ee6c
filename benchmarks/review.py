"""How fast reviewers get and decide, with ten thousand and with a million items waiting.

    python -m benchmarks.review [--json] [--decisions N] [--queues N N] [--peers]

A whole site runs (`flywheel.supervisor`, as `manage.py serve` does) on a database of its own, and
every request goes through gunicorn and the check of its token. A reviewer asks for the next item
(POST /api/v1/reviews/next, which answers with its rows, its score and two items held ahead) and
accepts it (POST …/decision, which writes the record); a decision counts when it is read back from
the database. `at_one_go` is the same by one request, whose answer brings the next item, as the desk
does it; the peers' screens ask twice, for the answer of the first brings no task. The ratios take
decisions as the desk does, and beside them (`by_two_requests`) as the peers do. Then 500 reviewers
ask for an item at once, and every item that two of them were given counts as claimed twice.

The items are put there by SQL: ten thousand first, then as many as make a million. `--peers`
measures Label Studio and doccano where they are set up (see `benchmarks/peers.py`); what they did
on two quiet cores stands beside it as `quiet`.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from time import perf_counter
from typing import Any

import psycopg

from benchmarks import peers
from benchmarks.ingest import Sender, by_clients, postmaster
from flywheel import services
from flywheel.addresses import parse_database_url
from flywheel.supervisor import Site, running_site

QUEUES, REVIEWERS = (10_000, 1_000_000), (1, 4)
CLAIMERS, AT_ONCE = 500, 32
# Decisions a second by 1 and by 4 reviewers, measured once on two quiet cores.
QUIET = {"label_studio": {"1": 8, "4": 14}, "doccano": {"1": 17, "4": 36}}

FOUND = f"""
import json
from apps.accounts.models import Account, Role
from apps.accounts.actions import make_token
from apps.reviews.queue.models import Pulled
from apps.skills.models import ModelLine, Skill
from django.utils import timezone
# The half-life that the places below are written with; and nothing to ask of a model.
policy = {{"review": {{"half_life_hours": 12, "evidence": {{"rows_asked": 0}}}}}}
line = ModelLine.objects.create(name="bench", title="Bench", base="nowhere", policy=policy)
for number in range(20):
    Skill.objects.create(line=line, name=f"task-{{number:02}}", title="Task", protected=number < 3)
Account.objects.bulk_create(Account(username=f"author-{{number}}") for number in range(1000))
tokens = []
for number in range({CLAIMERS}):
    account = Account.objects.create(username=f"reviewer-{{number}}", role=Role.REVIEWER)
    tokens.append(make_token(account, name="bench", scopes=["review"])[1])
Pulled.objects.update_or_create(pk=1, defaults={{"until": timezone.now()}})
print(json.dumps(tokens))
"""

# Items as they come: a thousand authors, twenty skills, arrivals over a month, worth over eight
# doublings. They carry the time of yesterday, so that the clock does not look at them again.
FILL = """
SET session_replication_role = replica;
INSERT INTO contributions_contribution (id, line_id, skill_id, author_id, kind, title, description,
    stage, licence, consent, signed_off, source, batch, revision, digest, row_count, locked,
    touched_at, created_at, submitted_at)
SELECT n, line.id, (SELECT min(id) FROM skills_skill) + n % 20,
    (SELECT min(id) FROM accounts_account WHERE username = 'author-0') + n % 1000, 'dataset',
    'Some rows', '', 'in_review', 'CC0-1.0', 'train', true, 'api', '', 1,
    encode(sha256(n::text::bytea), 'hex'), 1, false, now() - interval '1 day', now(), now()
FROM generate_series({first}, {last}) n, skills_modelline line;
INSERT INTO contributions_revision (id, contribution_id, number, digest, note, refused, created_at)
SELECT n, n, 1, encode(sha256(n::text::bytea), 'hex'), '', '[]', now()
FROM generate_series({first}, {last}) n;
INSERT INTO contributions_row (id, revision_id, position, context, prompt, completion, chosen,
    rejected, original, client_id, digest)
SELECT n, n, 0, '[]', repeat('What is asked here? ', 10) || n, repeat('An answer. ', 20), '', '',
    '', '', encode(sha256(n::text::bytea), 'hex')
FROM generate_series({first}, {last}) n;
INSERT INTO reviews_place (contribution_id, line_id, author_id, heap, revision, arrived_at,
    counts_from, factors, worth, standing, maintainers_only, low_risk, flagged)
SELECT id, line_id, author_id, skill_id, 1, came, came,
    '{{"judges": 0, "askers": 0, "novelty": 1}}', worth, worth - extract(epoch FROM came) / 43200,
    false, true, false
FROM (
    SELECT *, now() - (id * 7919 % 2592000) * interval '1 second' AS came,
        -(id * 104729 % 8000) / 1000.0 AS worth
    FROM contributions_contribution WHERE id BETWEEN {first} AND {last}
) item;
SET session_replication_role = origin;
"""


def fill(url: str, already: int, wanted: int) -> float:
    """Have so many items wait; returns the seconds it took."""
    began = perf_counter()
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in FILL.format(first=already + 1, last=wanted).split(";\n"):
            if statement.strip():
                connection.execute(statement)
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")
    return perf_counter() - began


def cell(site: Site, url: str, tokens: list[str], decisions: int, reviewers: int) -> dict[str, Any]:
    """So many decisions by reviewers that begin together: rate and latencies."""
    port, before = _port(site), _decisions(url)

    def work(number: int, ready: Any, start: Any) -> list[Any]:
        sender, taken = Sender(port, tokens[number]), []
        sender.post("reviews/next", b"")
        ready.put(number)
        start.wait()
        for _ in range(decisions // reviewers):
            began = perf_counter()
            item = sender.post("reviews/next", b"")["item"]
            got = perf_counter()
            verdict = {"verdict": "accept", "digest": item["digest"]}
            body = json.dumps(verdict).encode()
            sender.post(f"contributions/{item['number']}/decision", body)
            taken.append((got - began, perf_counter() - got))
        return taken

    parts = {"postgres": postmaster(url), "web": site.pids["web"]}
    seconds, taken, cpus = by_clients(work, reviewers, parts)
    made = _decisions(url) - before
    nexts, decides = [one for one, _ in taken], [two for _, two in taken]
    return {
        "decisions_per_s": round(made / seconds, 1),
        "next": _told(nexts),
        "decide": _told(decides),
        "both_p50_ms": round(1000 * statistics.median(map(sum, taken)), 2),
        "cpu_ms_a_decision": {part: round(1000 * cpu / made, 2) for part, cpu in cpus.items()},
    }


def at_one_go(
    site: Site, url: str, tokens: list[str], decisions: int, reviewers: int
) -> dict[str, Any]:
    """The same with `"next": true`: each decision's answer brings the next item with it."""
    port, before = _port(site), _decisions(url)

    def work(number: int, ready: Any, start: Any) -> list[float]:
        sender, taken = Sender(port, tokens[number]), []
        item = sender.post("reviews/next", b"")["item"]
        ready.put(number)
        start.wait()
        for _ in range(decisions // reviewers):
            verdict = {"verdict": "accept", "digest": item["digest"], "next": True}
            body, began = json.dumps(verdict).encode(), perf_counter()
            path = f"contributions/{item['number']}/decision"
            item = sender.post(path, body)["next"]["item"]
            taken.append(perf_counter() - began)
        return taken

    parts = {"postgres": postmaster(url), "web": site.pids["web"]}
    seconds, taken, cpus = by_clients(work, reviewers, parts)
    made = _decisions(url) - before
    return {
        "decisions_per_s": round(made / seconds, 1),
        "both": _told(taken),
        "cpu_ms_a_decision": {part: round(1000 * cpu / made, 2) for part, cpu in cpus.items()},
    }


def claimers(site: Site, url: str, tokens: list[str]) -> dict[str, Any]:
    """Every reviewer asks for an item, many at once; how many items went to two of them.

    Afterwards all is given back: whoever looks for work passes by what others hold.
    """
    port = _port(site)

    def ask(token: str) -> tuple[float, list[int]]:
        began = perf_counter()
        answer = Sender(port, token).post("reviews/next", b"")
        held = [answer["item"]["number"], *(one["number"] for one in answer["ahead"])]
        return perf_counter() - began, held

    with ThreadPoolExecutor(AT_ONCE) as pool:
        asked = list(pool.map(ask, tokens))
    given = Counter(number for _, held in asked for number in held)
    with psycopg.connect(url) as connection:
        connection.execute("DELETE FROM reviews_claim")
    return {
        "reviewers": len(tokens),
        "at_once": AT_ONCE,
        "held": len(given),
        "double_claims": sum(times > 1 for times in given.values()),
        "next": _told([latency for latency, _ in asked]),
    }


def _told(latencies: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(latencies, n=100, method="inclusive")
    return {f"p{cut}_ms": round(1000 * cuts[cut - 1], 2) for cut in (50, 95, 99)}


def _decisions(url: str) -> int:
    with psycopg.connect(url) as connection:
        answer = connection.execute("SELECT count(*) FROM reviews_decision").fetchone()
    assert answer is not None
    return int(answer[0])


def _port(site: Site) -> int:
    return int(site.url.rpartition(":")[2])


@contextmanager
def a_site() -> Iterator[tuple[Site, str, list[str]]]:
    """A site with an empty database, its database's address, and the reviewers' tokens."""
    nobody = {"UPSTREAM_URL": "http://127.0.0.1:9", "LOG_LEVEL": "ERROR", "DEBUG": "0"}
    with running_site(port=0, fresh=True, apart="review", environment=nobody) as site:
        tokens = json.loads(site.manage("shell", "-c", FOUND).strip().splitlines()[-1])
        yield site, parse_database_url(site.environment["DATABASE_URL"]).url, tokens


def _ratios(report: dict[str, Any], small: int, large: int) -> dict[str, Any]:
    """What was asked for: times a peer's rate, p99 of next, how flat, claims given twice."""
    cells = report["cells"]
    ratios: dict[str, Any] = {"by_two_requests": {}}
    for told, at in ((ratios, report["at_one_go"]), (ratios["by_two_requests"], cells)):
        ours = {reviewers: at[f"{small} items, {reviewers} reviewers"] for reviewers in REVIEWERS}
        for peer in QUIET:
            found = report["peers"].get(peer, {"reason": "not asked for"})
            told[peer] = peers.times(ours, found)
            told[f"{peer}_quiet"] = peers.times(ours, QUIET[peer])
    one = [cells[f"{size} items, 1 reviewers"]["both_p50_ms"] for size in (small, large)]
    return ratios | {
        "next_p99_ms": max(cell["next"]["p99_ms"] for cell in cells.values()),
        "flat_1e6_over_1e4": round(one[1] / one[0], 2),
        "double_claims": sum(claimed["double_claims"] for claimed in report["claimers"].values()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--decisions", type=int, default=600, help="in each cell")
    parser.add_argument("--queues", type=int, nargs=2, default=list(QUEUES))
    parser.add_argument("--peers", action="store_true", help="measure Label Studio and doccano")
    asked = parser.parse_args()
    services.start_as_configured()
    report: dict[str, Any] = {
        "decisions": asked.decisions,
        "cells": {},
        "claimers": {},
        "at_one_go": {},
    }
    filled = 0
    with a_site() as (site, url, tokens):
        for size in asked.queues:
            report[f"seconds_to_fill_{size}"] = round(fill(url, filled, size), 1)
            filled = size
            cell(site, url, tokens, 40, 4)
            for reviewers in REVIEWERS:
                name = f"{size} items, {reviewers} reviewers"
                report["cells"][name] = cell(site, url, tokens, asked.decisions, reviewers)
                once = at_one_go(site, url, tokens, asked.decisions, reviewers)
                report["at_one_go"][name] = once
            report["claimers"][f"{size} items"] = claimers(site, url, tokens)
    report["peers"] = peers.reviewed() if asked.peers else {}
    report["ratios"] = _ratios(report, *asked.queues)
    print(json.dumps(report, indent=None if asked.json else 2))


if __name__ == "__main__":
    main()
