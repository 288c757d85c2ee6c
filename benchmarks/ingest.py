"""How many rows of feedback a second are stored, beside what PostgreSQL alone can do.

    python -m benchmarks.ingest [--json] [--rows N] [--repeats N] [--memory] [--peers]

A whole site runs (`flywheel.supervisor`, as `manage.py serve` does) on a database of its own. Each
cell sends fresh rows (576 bytes of JSON on average: prompt, answer, rating, a correction for 35 %,
one of twenty skills, a client id) through gunicorn and the check of the token, in batches of 100,
500 and 1,000 by 1 and 4 clients that keep their connection. Before and after each cell, raw COPY
(psycopg, the same columns and indexes, one commit a batch) writes the same rows into a table
without partitions or foreign keys; the ratio is to the mean of the two.

A row counts when it is read back from the database. Rates move with whatever else the machine does;
rows a CPU second (the web processes and all of PostgreSQL) move far less, so both are told.

`--memory` sends 10,000 and then a million rows, in bodies of up to 100 MB, and tells the most
memory that web and worker took for each. `--peers` measures Label Studio and doccano where
they are set up (see `benchmarks/peers.py`).
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import random
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psutil
import psycopg

from benchmarks import peers
from flywheel import services
from flywheel.addresses import parse_database_url
from flywheel.supervisor import Site, running_site

BATCHES, CLIENTS = (100, 500, 1000), (1, 4)
AT_BATCH = 500
SKILLS = [f"task-{number:02}" for number in range(20)]
NDJSON = "application/x-ndjson"

FOUND = """
import json
from apps.accounts.models import Account, Role
from apps.accounts.actions import make_token
from apps.skills.models import ModelLine, Skill
line = ModelLine.objects.create(name="bench", title="Bench", base="nowhere")
for number in range(20):
    Skill.objects.create(line=line, name=f"task-{number:02}", title="Task")
tokens = []
for number in range(4):
    account = Account.objects.create(username=f"sender-{number}", role=Role.SERVICE)
    tokens.append(make_token(account, name="bench", scopes=["feedback"])[1])
print(json.dumps(tokens))
"""

RAW = """
DROP TABLE IF EXISTS raw_feedback;
CREATE TABLE raw_feedback (LIKE traces_feedback);
ALTER TABLE raw_feedback ADD PRIMARY KEY (id);
CREATE UNIQUE INDEX ON raw_feedback (account_id, client_id);
"""
RAW_COLUMNS = (
    "id, delivery_id, account_id, skill_id, trace_id, source, client_id, context, prompt, answer,"
    " correction, success, rating, gathers, at"
)


# The rows


class Texts:
    """Deterministic texts of made-up words."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        letters = "abcdefghijklmnopqrstuvwxyz"
        self.words = [
            "".join(self.rng.choices(letters, k=self.rng.randint(2, 10))) for _ in range(3000)
        ]

    def of(self, least: int, most: int) -> str:
        """Some words, at least so many characters."""
        wanted, said, size = self.rng.randint(least, most), [], 0
        while size < wanted:
            said.append(self.rng.choice(self.words))
            size += len(said[-1]) + 1
        return " ".join(said)


def rows(count: int, seed: int = 7) -> list[dict[str, Any]]:
    """Rows as a product team would send them; each call's client ids are new."""
    texts, rng = Texts(seed), random.Random(seed)
    made = []
    for _ in range(count):
        row = {
            "client_id": str(uuid.uuid4()),
            "prompt": texts.of(90, 200),
            "answer": texts.of(150, 300),
            "rating": rng.randint(1, 5),
            "skill": rng.choice(SKILLS),
        }
        if rng.random() < 0.35:
            row["correction"] = texts.of(80, 220)
        made.append(row)
    return made


def renamed(some: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same rows under new client ids."""
    return [{**row, "client_id": str(uuid.uuid4())} for row in some]


def in_batches(some: list[Any], size: int) -> list[list[Any]]:
    return [some[at : at + size] for at in range(0, len(some), size)]


# The measures


@dataclass(frozen=True)
class Cell:
    """One measurement: rows stored, seconds, latency of each batch, CPU seconds of each part."""

    stored: int
    seconds: float
    latencies: list[float]
    cpus: dict[str, float]

    @property
    def cpu(self) -> float:
        """CPU seconds of all parts together."""
        return sum(self.cpus.values())

    def told(self) -> dict[str, float]:
        """The numbers of the report; milliseconds, rows a second, rows a CPU second."""
        cuts = statistics.quantiles(self.latencies, n=100, method="inclusive")
        return {
            "rows_per_s": round(self.stored / self.seconds),
            "rows_per_cpu_s": round(self.stored / self.cpu) if self.cpu else 0,
            "cpu_us_a_row": {
                part: round(1e6 * cpu / self.stored, 1) for part, cpu in self.cpus.items()
            },
            "p50_ms": round(1000 * cuts[49], 1),
            "p95_ms": round(1000 * cuts[94], 1),
        }


def cpu_of(parts: dict[str, int]) -> dict[str, float]:
    """CPU seconds of each process with its descendants, also of those that ended."""
    return {part: _cpu_of(psutil.Process(pid)) for part, pid in parts.items()}


def _cpu_of(process: psutil.Process) -> float:
    total = float(sum(process.cpu_times()[:4]))
    for child in process.children(recursive=True):
        try:
            total += sum(child.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
    return total


def postmaster(url: str) -> int:
    """The main process of the embedded PostgreSQL."""
    with psycopg.connect(url) as connection:
        answer = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert answer is not None
        return psutil.Process(answer[0]).ppid()


Worker = Callable[[int, Any, Any], list[float]]


def by_clients(
    work: Worker, clients: int, parts: dict[str, int]
) -> tuple[float, list[float], dict[str, float]]:
    """Seconds, latencies and CPU seconds (by part) of processes that begin together."""
    forked = multiprocessing.get_context("fork")
    ready, start, done, over = forked.Queue(), forked.Event(), forked.Queue(), forked.Event()

    def run(number: int) -> None:
        try:
            done.put(work(number, ready, start))
        except BaseException as error:
            done.put(error)
            raise
        # Its connection stays open until the CPU of the backend behind it is read.
        over.wait()

    workers = [forked.Process(target=run, args=(number,)) for number in range(clients)]
    for worker in workers:
        worker.start()
    for _ in workers:
        ready.get(timeout=60)
    before, began = cpu_of(parts), time.perf_counter()
    start.set()
    answers = [done.get(timeout=600) for _ in workers]
    seconds, after = time.perf_counter() - began, cpu_of(parts)
    over.set()
    for worker in workers:
        worker.join()
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
    cpus = {part: after[part] - before[part] for part in parts}
    return seconds, [latency for answer in answers for latency in answer], cpus


def raw_copy(url: str, some: list[dict[str, Any]], batch: int, clients: int, server: int) -> Cell:
    """COPY by psycopg of rows that are Python tuples already; one commit a batch."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in RAW.strip().split(";\n"):
            connection.execute(statement)
    at = "2026-11-21T12:00:00+00:00"
    tuples = [
        (number, 1, 1, 1 + number % 20, None, "", row["client_id"], None, row["prompt"],
         row["answer"], row.get("correction", ""), None, row["rating"], False, at)
        for number, row in enumerate(some)
    ]  # fmt: skip
    parts, open_ones = in_batches(tuples, batch), []

    def work(number: int, ready: Any, start: Any) -> list[float]:
        latencies, connection = [], psycopg.connect(url)
        open_ones.append(connection)
        ready.put(number)
        start.wait()
        for part in parts[number::clients]:
            began = time.perf_counter()
            with connection.cursor() as cursor:
                copying = f"COPY raw_feedback ({RAW_COLUMNS}) FROM STDIN"
                with cursor.copy(copying) as table:
                    for row in part:
                        table.write_row(row)
            connection.commit()
            latencies.append(time.perf_counter() - began)
        return latencies

    seconds, latencies, cpu = by_clients(work, clients, {"postgres": server, "client": os.getpid()})
    with psycopg.connect(url) as connection:
        answer = connection.execute("SELECT count(*) FROM raw_feedback").fetchone()
    assert answer is not None
    return Cell(answer[0], seconds, latencies, cpu)


def endpoint(
    site: Site, url: str, tokens: list[str], some: list[dict[str, Any]], batch: int, clients: int,
    server: int,
) -> Cell:  # fmt: skip
    """The bulk address through the real server, with JSON lists that were made before."""
    port = int(site.url.rpartition(":")[2])
    bodies = [json.dumps(part).encode() for part in in_batches(some, batch)]
    before = count_of(url)

    def work(number: int, ready: Any, start: Any) -> list[float]:
        latencies, sender = [], Sender(port, tokens[number])
        sender.get("me")
        ready.put(number)
        start.wait()
        for body in bodies[number::clients]:
            began = time.perf_counter()
            sender.post("feedback/bulk", body)
            latencies.append(time.perf_counter() - began)
        return latencies

    seconds, latencies, cpu = by_clients(
        work, clients, {"postgres": server, "web": site.pids["web"]}
    )
    return Cell(count_of(url) - before, seconds, latencies, cpu)


class Sender:
    """A client that keeps its connection."""

    def __init__(self, port: int, token: str) -> None:
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def get(self, path: str) -> Any:
        return self._call("GET", path, None, {})

    def post(self, path: str, body: Any, kind: str = "application/json") -> Any:
        return self._call("POST", path, body, {"Content-Type": kind})

    def _call(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        if hasattr(body, "__len__"):
            headers["Content-Length"] = str(len(body))
        self.http.request(method, f"/api/v1/{path}", body, {**self.headers, **headers})
        response = self.http.getresponse()
        answer = response.read()
        if response.status not in (200, 201, 202, 207):
            raise RuntimeError(f"{path}: {response.status} {answer[:500]!r}")
        return json.loads(answer)


def count_of(url: str) -> int:
    with psycopg.connect(url) as connection:
        answer = connection.execute("SELECT count(*) FROM traces_feedback").fetchone()
    assert answer is not None
    return int(answer[0])


def cells(
    site: Site, url: str, tokens: list[str], batches: list[int], count: int, repeats: int
) -> dict[str, dict[str, Any]]:
    """Every batch size and number of clients, each between two runs of raw COPY."""
    server, made = postmaster(url), rows(count)
    endpoint(site, url, tokens, renamed(made)[:4000], AT_BATCH, 4, server)
    report = {}
    for batch in batches:
        for clients in CLIENTS:
            runs = []
            for _ in range(repeats):
                before = raw_copy(url, made, batch, clients, server)
                ours = endpoint(site, url, tokens, renamed(made), batch, clients, server)
                after = raw_copy(url, made, batch, clients, server)
                runs.append((before, ours, after))
            report[f"batch {batch}, {clients} clients"] = _summary(runs)
    return report


def _summary(runs: list[tuple[Cell, Cell, Cell]]) -> dict[str, Any]:
    """The middle run by its ratio to raw COPY."""

    def rate(cell: Cell) -> float:
        return cell.stored / cell.seconds

    def ratio(run: tuple[Cell, Cell, Cell]) -> float:
        return rate(run[1]) / statistics.mean([rate(run[0]), rate(run[2])])

    middle = sorted(runs, key=ratio)[len(runs) // 2]
    raw_cpu = statistics.mean([run.stored / run.cpu for run in (middle[0], middle[2])])
    return {
        "ours": middle[1].told(),
        "raw_copy": middle[0].told(),
        "of_copy": round(ratio(middle), 3),
        "of_copy_by_cpu": round(middle[1].stored / middle[1].cpu / raw_cpu, 3),
        "of_copy_each": sorted(round(ratio(run), 3) for run in runs),
    }


# The memory


def memory(site: Site, url: str, token: str) -> dict[str, Any]:
    """The most memory (MB, unique to the processes) for 10,000 rows and for a million."""
    pids = [site.pids["web"], site.pids["worker-default"]]
    # Each process imports what it needs at its first delivery; that is not what is measured.
    send_large(site, token, 60_000, each=10_000)
    few = _most_memory(pids, lambda: send_large(site, token, 10_000, each=10_000))
    many = _most_memory(pids, lambda: send_large(site, token, 1_000_000, each=160_000))
    return {"rows_10k_mb": few, "rows_1m_mb": many, "ratio": round(many / few, 3)}


def send_large(site: Site, token: str, count: int, *, each: int) -> None:
    """Stream rows as NDJSON in bodies of `each` rows, and follow each operation to its end."""
    sender, made = Sender(int(site.url.rpartition(":")[2]), token), rows(2_000)
    for start in range(0, count, each):
        lines = _Lines(made, min(each, count - start))
        answer = sender.post("feedback/bulk", lines, NDJSON)
        while not answer["done"]:
            time.sleep(0.2)
            answer = sender.get(f"operations/{answer['id']}")
        assert answer["counts"]["stored"] == lines.count, answer


class _Lines:
    """A body of so many rows that is made while it is sent, and knows its length before."""

    def __init__(self, made: list[dict[str, Any]], count: int) -> None:
        self.made = [json.dumps(row).encode() for row in made]
        self.count = count
        self.length = sum(len(self.made[at % len(self.made)]) + 1 for at in range(count))

    def __len__(self) -> int:
        return self.length

    def __iter__(self) -> Iterator[bytes]:
        for start in range(0, self.count, 500):
            some = range(start, min(start + 500, self.count))
            yield b"".join(self._line(at) + b"\n" for at in some)

    def _line(self, at: int) -> bytes:
        line = self.made[at % len(self.made)]
        # The client id stands first, and its length is always the same.
        return line[:15] + str(uuid.uuid4()).encode() + line[51:]


def _most_memory(pids: list[int], work: Callable[[], None]) -> float:
    import threading

    most, over = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.05):
            most = max(most, _memory_of(pids))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        work()
    finally:
        over.set()
        watcher.join()
    return round(most / 1024**2, 1)


def _memory_of(pids: list[int]) -> int:
    total = 0
    for pid in pids:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            try:
                total += process.memory_full_info().uss
            except psutil.Error:
                continue
    return total


# The report


@contextmanager
def a_site() -> Iterator[tuple[Site, str, list[str]]]:
    """A site with an empty database, its database's address, and four senders' tokens."""
    nobody = {"UPSTREAM_URL": "http://127.0.0.1:9", "LOG_LEVEL": "ERROR"}
    with running_site(port=0, fresh=True, apart="ingest", environment=nobody) as site:
        tokens = json.loads(site.manage("shell", "-c", FOUND).strip().splitlines()[-1])
        url = parse_database_url(site.environment["DATABASE_URL"]).url
        yield site, url, tokens


def _ratios(at: dict[int, Any], others: dict[str, Any]) -> dict[str, Any]:
    """Ours to each of the others, at batch 500; null where something was not measured."""
    ratios: dict[str, Any] = {
        "copy_1_client": at[1] and at[1]["of_copy"],
        "copy_4_clients": at[4] and at[4]["of_copy"],
    }
    for peer in peers.SYSTEMS:
        cells = others.get(peer, {"reason": "not asked for"})
        found = at[1] and peers.ratio(at[1]["ours"], cells)
        ratios[peer] = found and found["rows_per_s"]
    return ratios


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rows", type=int, default=20_000, help="in each cell")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batches", type=int, nargs="+", default=list(BATCHES))
    parser.add_argument("--memory", action="store_true", help="send a million rows as well")
    parser.add_argument("--peers", action="store_true", help="measure Label Studio and doccano")
    asked = parser.parse_args()
    services.start_as_configured()
    report: dict[str, Any] = {"rows": asked.rows, "repeats": asked.repeats}
    with a_site() as (site, url, tokens):
        report["cells"] = cells(site, url, tokens, asked.batches, asked.rows, asked.repeats)
        if asked.memory:
            report["memory"] = memory(site, url, tokens[0])
    at = {
        clients: report["cells"].get(f"batch {AT_BATCH}, {clients} clients") for clients in CLIENTS
    }
    report["peers"] = peers.measured(asked.rows) if asked.peers else {}
    report["ratios"] = _ratios(at, report["peers"])
    print(json.dumps(report, indent=None if asked.json else 2))


if __name__ == "__main__":
    main()
