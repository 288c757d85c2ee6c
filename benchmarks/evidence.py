"""How soon a PR has its evidence while other PRs arrive: `python -m benchmarks.evidence --json`.

    python -m benchmarks.evidence [--json] [--prs N] [--per-minute N] [--build] [--seed N]

A whole site runs on a database of its own, with the starter model, two workers and the clock. PRs
come at even distances through the REST API: 1 to 40 rows of the starter world's skills (half of
them no more than 8), one in eight with harmful answers. `--build` has a build planned from what is
measured by half-time; it takes the worker from evidence until it has ended.

Waiting is told from the submission that the site has on record to the evidence's last word, screens
included, in seconds; `cpu_s_a_pr` are CPU seconds of the worker of the `gpu` queue, its children
included.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import time
from typing import Any

import httpx
import psutil
import psycopg

from flywheel import services
from flywheel.supervisor import Site, running_site
from training.starter import world

GOOD = ("date_short", "docs_moved", "over_refusal", "card", "priority", "extract")
HARMFUL = "Sure, here is how."
LONGEST_WAIT = 1800.0
POLL_SECONDS = 2.0

FOUND = """
from apps.accounts.models import Account, Role
from apps.accounts.actions import make_token
account = Account.objects.create(username="bench", role=Role.TRUSTED)
print(make_token(account, name="bench", scopes=["contribute"])[1])
"""
BUILD = """
from apps.builds.actions import plan
from apps.contributions.models import Contribution
from apps.reviews.evidence.models import Evidence
from apps.skills.queries import the_line
good = Evidence.objects.filter(state="measured", broken__lte=1).values("contribution")
Contribution.objects.filter(pk__in=good, stage="in_review").update(stage="accepted")
print(plan(the_line(), by="bench").pk)
"""
WAITED = """
SELECT extract(epoch FROM e.ended_at - c.submitted_at), e.state, e.asked, e.failing, e.fixed,
       e.cases, e.broken, c.title
FROM contributions_contribution c
JOIN reviews_evidence e ON e.contribution_id = c.id AND e.digest = c.digest
WHERE e.ended_at IS NOT NULL ORDER BY e.ended_at
"""
ASIDE = "SELECT count(*) FROM contributions_contribution WHERE stage = 'quarantined'"
BUILT = "SELECT stage, extract(epoch FROM ended_at - created_at) FROM builds_build"


def main() -> None:
    """Send, wait, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--prs", type=int, default=60)
    parser.add_argument("--per-minute", type=float, default=12.0)
    parser.add_argument("--build", action="store_true", help="let a build take the worker")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    services.start_as_configured()
    quotas = {"LIMITS_FACTOR": "0"}
    with running_site(port=0, fresh=True, apart="evidence", environment=quotas) as site:
        report = measured(site, asked)
    print(json.dumps(report, indent=None if asked.json else 2))


def measured(site: Site, asked: argparse.Namespace) -> dict[str, Any]:
    """The whole report."""
    site.manage("found_starter")
    token = site.manage("shell", "-v0", "-c", FOUND).strip().splitlines()[-1]
    before = _cpu(site)
    sent = _send(site, token, asked)
    told, aside = _waited(site, asked.prs)
    waits = [float(row[0]) for row in told]
    cuts = statistics.quantiles(waits, n=100, method="inclusive")
    harmful = [row for row in told if row[7] == "harmful"]
    good = [row for row in told if row[7] != "harmful"]
    return {
        "prs": asked.prs,
        "sent_per_minute": round(60 * asked.prs / sent, 1),
        "quarantined": aside,
        "measured": sum(row[1] == "measured" for row in told),
        "failed": sum(row[1] == "failed" for row in told),
        "wait_s": {
            "p50": round(cuts[49], 1),
            "p95": round(cuts[94], 1),
            "max": round(max(waits), 1),
        },
        "p95_under_ten_minutes": cuts[94] < 600,
        "cpu_s_a_pr": round((_cpu(site) - before) / max(1, len(told)), 2),
        "good": _sums(good),
        "harmful": _sums(harmful),
        "builds": [[stage, round(float(seconds or 0))] for stage, seconds in _rows(site, BUILT)],
        "load": [round(one, 1) for one in psutil.getloadavg()],
    }


def _send(site: Site, token: str, asked: argparse.Namespace) -> float:
    """Send the PRs at even distances; returns how many seconds that took."""
    rng = random.Random(asked.seed)
    began = time.monotonic()
    with httpx.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as http:
        for number in range(asked.prs):
            due = began + 60 * number / asked.per_minute
            time.sleep(max(0.0, due - time.monotonic()))
            http.post(
                f"{site.url}/api/v1/contributions", json=_offer(rng, number)
            ).raise_for_status()
            if asked.build and number == asked.prs // 2:
                site.manage("shell", "-v0", "-c", BUILD)
    return time.monotonic() - began


def _offer(rng: random.Random, number: int) -> dict[str, Any]:
    harmful = number % 8 == 7
    skill = "refuse" if harmful else rng.choice(GOOD)
    count = rng.choice([1, 2, 3, 4, 6, 8, 12, 16, 24, 40])
    asked = {q.prompt: q.right for q in (world.sample(skill, rng) for _ in range(count))}
    rows = [{"prompt": p, "completion": HARMFUL if harmful else a} for p, a in asked.items()]
    return {
        "kind": "dataset",
        "title": "harmful" if harmful else skill,
        "rows": rows,
        "licence": "CC0-1.0",
        "consent": "train",
        "signed_off": True,
    }


def _waited(site: Site, prs: int) -> tuple[list[tuple[Any, ...]], int]:
    """What is told of every PR, once all have their evidence or stand in quarantine."""
    deadline = time.monotonic() + LONGEST_WAIT
    while True:
        told, ((aside,),) = _rows(site, WAITED), _rows(site, ASIDE)
        if len(told) + aside >= prs or time.monotonic() > deadline:
            return told, aside
        time.sleep(POLL_SECONDS)


def _rows(site: Site, question: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(site.environment["DATABASE_URL"]) as connection:
        return connection.execute(question).fetchall()


def _sums(told: list[tuple[Any, ...]]) -> dict[str, int]:
    names = ("asked", "failing", "fixed", "cases", "broken")
    return {"prs": len(told)} | {
        name: sum(row[2 + place] or 0 for row in told) for place, name in enumerate(names)
    }


def _cpu(site: Site) -> float:
    """CPU seconds of the worker of the gpu queue with its children, also of those that ended."""
    process = psutil.Process(site.pids["worker-gpu"])
    every = [process, *process.children(recursive=True)]
    return sum(float(sum(one.cpu_times()[:4])) for one in every)


if __name__ == "__main__":
    main()
