"""Every process of one site, in one table; `flywheel.supervisor.running_site` runs it."""

import sys
from dataclasses import dataclass

PYTHON = sys.executable

# Torch, numpy and their like would each take every core for themselves.
QUIET_NEIGHBOURS = {
    "OMP_NUM_THREADS": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


@dataclass(frozen=True)
class Process:
    """One line of the table: its name, its command, and the sign by which we know it is ready.

    `ready_url` answers 200 when the process can work; without one the process is ready when it
    has touched the file that the supervisor names in its environment (Celery does, in
    `flywheel.celery`).
    """

    name: str
    command: tuple[str, ...]
    ready_url: str = ""


def process_table(
    *, web_socket: int, web_url: str, upstream: "Upstream", artifacts: str, beat_schedule: str
) -> tuple[Process, ...]:
    """The processes of one site, in the order in which they start.

    `web_socket` is the number of an open, listening socket that the web process inherits, so that
    nobody else can take the port while it restarts.
    """
    return (
        *upstream.processes(artifacts),
        Process(
            "web",
            (
                *(PYTHON, "-m", "gunicorn", "flywheel.wsgi"),
                *("--bind", f"fd://{web_socket}", "--no-control-socket"),
                *("--worker-class", "flywheel.worker.Worker", "--workers", "2", "--threads", "8"),
                *("--timeout", "120", "--graceful-timeout", "10", "--keep-alive", "15"),
                # Imported once and shared by both workers, which start in a third of the time.
                "--preload",
            ),
            ready_url=f"{web_url}/readyz",
        ),
        Process("worker-default", _celery_worker("default", concurrency=2)),
        Process("worker-gpu", _celery_worker("gpu", concurrency=1)),
        Process("beat", (*_celery("beat"), f"--schedule={beat_schedule}", "--pidfile=")),
    )


@dataclass(frozen=True)
class Upstream:
    """Where models answer: a server of yours, or the small runtime on a port of its own."""

    url: str
    ours: bool
    base_model: str = ""
    base_name: str = ""

    def processes(self, artifacts: str) -> tuple[Process, ...]:
        """The runtime, unless UPSTREAM_URL names a server that somebody else runs."""
        if not self.ours:
            return ()
        port = self.url.rpartition(":")[2]
        return (
            Process(
                "runtime",
                (
                    *(PYTHON, "-m", "training", "serve", "--base", self.base_model),
                    *("--name", self.base_name),
                    *("--host", "127.0.0.1", "--port", port, "--allow-adapters", artifacts),
                ),
                ready_url=f"{self.url}/health",
            ),
        )


def _celery(what: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "celery", "--app", "flywheel", "--quiet", what, "--loglevel=INFO")


def _celery_worker(queue: str, *, concurrency: int) -> tuple[str, ...]:
    return (
        *_celery("worker"),
        *("--queues", queue, "--hostname", f"{queue}@%h", "--concurrency", str(concurrency)),
        # One machine has nobody to gossip with, and the start is a second faster without.
        *("--without-gossip", "--without-mingle", "--without-heartbeat"),
    )
