"""Label Studio and doccano beside us, where somebody has set them up.

PEERS_ROOT is the folder in which the peers' own environments lie, and PEERS_BENCH the folder of
`peerbench`, which starts and loads them (batch 500, 1 and 4 clients, rows of the same size). Their
PostgreSQL and Redis must run. What is not there is told as a reason, and its ratio is null.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

SYSTEMS = {
    "label_studio": ("ls", "label-studio-tasks"),
    "label_studio_annotated": ("ls", "label-studio-annotated"),
    "doccano": ("doccano", "doccano"),
}
SECONDS = 900


def measured(rows: int) -> dict[str, Any]:
    """For each peer its cells of ingestion by number of clients, or why there are none."""
    return {
        peer: _ingested(_cells(*where, ["--batches", "500", "--clients", "1,4", "--n", str(rows)]))
        for peer, where in SYSTEMS.items()
    }


def reviewed() -> dict[str, Any]:
    """For each peer with a queue its decisions a second by reviewers, or why there are none."""
    wanted = ["--no-ingest", "--review", "--queue", "10000", "--reviewers", "1,4"]
    found = {peer: _cells(*SYSTEMS[peer], wanted) for peer in ("label_studio", "doccano")}
    return {
        peer: cells
        if isinstance(cells, dict)
        else {str(cell["reviewers"]): round(cell["rate"], 1) for cell in cells}
        for peer, cells in found.items()
    }


def _ingested(cells: list[dict[str, Any]] | dict[str, str]) -> dict[str, Any]:
    if isinstance(cells, dict):
        return cells
    return {
        str(cell["clients"]): {
            "rows_per_s": round(cell["rate"]),
            "rows_per_cpu_s": round(cell["rec_per_cpu_s"] or 0),
            "p95_ms": round(cell["p95_ms"], 1),
        }
        for cell in cells
    }


def _cells(
    environment: str, system: str, wanted: list[str]
) -> list[dict[str, Any]] | dict[str, str]:
    """What `peerbench` measured, or the reason why it did not."""
    root, bench = Path(os.environ.get("PEERS_ROOT", "")), Path(os.environ.get("PEERS_BENCH", ""))
    python = root / "venv" / "bench" / "bin" / "python"
    if not os.environ.get("PEERS_ROOT") or not os.environ.get("PEERS_BENCH"):
        return {"reason": "PEERS_ROOT and PEERS_BENCH do not say where the peers are"}
    if not (root / "venv" / environment / "bin").is_dir() or not python.exists():
        return {"reason": f"{root} holds no environment “{environment}” with its loader"}
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "cells.json"
        command = [str(python), "-m", "peerbench.runner", "--systems", system, "--no-control"]
        command += [*wanted, "--out", str(out)]
        try:
            done = subprocess.run(
                command, cwd=bench, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return {"reason": f"not done within {SECONDS} seconds"}
        if done.returncode or not out.exists():
            return {"reason": (done.stderr.strip().splitlines() or ["it failed"])[-1][:300]}
        cells: list[dict[str, Any]] = json.loads(out.read_text())["cells"]
    return cells


def times(ours: dict[int, Any], peer: dict[str, Any]) -> dict[str, float] | None:
    """How many times a peer's decisions a second are taken here, by number of reviewers."""
    if "reason" in peer:
        return None
    return {
        str(reviewers): round(cell["decisions_per_s"] / peer[str(reviewers)], 1)
        for reviewers, cell in ours.items()
        if peer.get(str(reviewers))
    }


def ratio(ours: dict[str, Any], peer: dict[str, Any]) -> dict[str, float] | None:
    """How many times a peer's rows a second and a CPU second we store; None where it is missing."""
    if "reason" in peer or not peer["1"]["rows_per_s"]:
        return None
    names = ("rows_per_s", "rows_per_cpu_s")
    return {name: round(ours[name] / peer["1"][name], 1) for name in names if peer["1"][name]}
