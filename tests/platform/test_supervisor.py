"""One site's processes: started together, started again when they die, ended together."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest
from django.conf import settings

from flywheel.supervisor import Site, SiteRefused, running_site

# Somebody else's server of models, so that no runtime is started; nobody asks it anything here.
ELSEWHERE = {"UPSTREAM_URL": "http://127.0.0.1:9"}
ALL = {"web", "worker-default", "worker-gpu", "beat"}


def within(seconds: float, holds: Callable[[], bool]) -> bool:
    """Whether something comes true in time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def running(processes: list[psutil.Process], *, within: float) -> list[psutil.Process]:
    """Those that have not ended in so many seconds; one that nobody has buried has ended."""
    _, there = psutil.wait_procs(processes, timeout=within)
    return [one for one in there if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def family(pids: list[int]) -> list[psutil.Process]:
    """The processes and all that they have started."""
    parents = [psutil.Process(pid) for pid in pids]
    return parents + [child for parent in parents for child in parent.children(recursive=True)]


@pytest.fixture(scope="module")
def site(migrated: str) -> Iterator[Site]:
    """A running site with a database of its own."""
    with running_site(
        port=0, fresh=True, copy_of=migrated, apart="supervised", environment=ELSEWHERE
    ) as site:
        yield site


def test_a_site_is_ready_when_it_is_yielded(site):
    ready = httpx.get(f"{site.url}/readyz")

    assert ready.json() == {"status": "ok", "database": "ok", "broker": "ok"}
    assert set(site.pids) == ALL
    state = json.loads((settings.VAR_DIR / "supervised" / "run" / "state.json").read_text())
    assert (state["url"], state["pids"]) == (site.url, dict(site.pids))


def test_every_answer_carries_the_policy_that_keeps_strangers_out(site):
    policy = httpx.get(f"{site.url}/healthz").headers["Content-Security-Policy"]

    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("name", ["web", "worker-gpu"])
def test_a_killed_process_starts_again_and_leaves_no_child_behind(site, name):
    before = site.pids[name]
    killed = family([before])
    os.kill(before, signal.SIGKILL)

    assert within(15, lambda: site.pids[name] != before)
    alive = running(killed, within=10)
    assert alive == []
    assert within(15, lambda: httpx.get(f"{site.url}/readyz", timeout=15).status_code == 200)


def test_a_second_site_in_the_same_folder_is_refused_with_the_address_of_the_first(site):
    with (
        pytest.raises(SiteRefused, match=site.url),
        running_site(port=0, apart="supervised", environment=ELSEWHERE),
    ):
        pass


def test_a_taken_port_is_refused_with_the_way_out(site):
    taken = int(site.url.rpartition(":")[2])

    with (
        pytest.raises(SiteRefused, match=f"Port {taken} cannot be had.*--port"),
        running_site(port=taken, apart="other", environment=ELSEWHERE),
    ):
        pass


KILLED = """
import django, time
django.setup()
from flywheel.supervisor import running_site
with running_site(
    port=0, fresh=True, copy_of="{COPY_OF}", apart="killed", environment={ELSEWHERE}
) as site:
    print(*site.pids.values(), flush=True)
    time.sleep(600)
""".replace("{ELSEWHERE}", repr(ELSEWHERE))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_nothing_outlives_a_killed_supervisor(migrated):
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "flywheel.settings",
        "PYTHONPATH": f"{settings.BASE_DIR / 'platform'}:{settings.BASE_DIR}",
    }
    supervisor = subprocess.Popen(
        [sys.executable, "-c", KILLED.replace("{COPY_OF}", migrated)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    processes = family([int(pid) for pid in supervisor.stdout.readline().split()])

    supervisor.kill()
    supervisor.wait(10)
    alive = running(processes, within=15)

    assert len(processes) >= len(ALL) + 4
    assert alive == []


def test_serve_ends_everything_on_ctrl_c(site):
    environment = {
        **os.environ,
        **ELSEWHERE,
        # Migrated already.
        "DATABASE_URL": site.environment["DATABASE_URL"],
        "PYTHONUNBUFFERED": "",
        "DJANGO_SETTINGS_MODULE": "flywheel.settings",
    }
    command = [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), "serve", "--port", "0"]
    serve = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    lines = []
    for line in serve.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    pids = [int(line.split()[1]) for line in lines if line.startswith("  ")]
    processes = family(pids)

    serve.send_signal(signal.SIGINT)
    serve.wait(30)
    alive = running(processes, within=1)

    assert any("The site answers at http://127.0.0.1:" in line for line in lines)
    assert serve.returncode == 0
    assert alive == []
