"""Which process works in a folder: asked of the operating system, never of a pid file alone."""

import signal
import time
from pathlib import Path

import psutil


def working_in(folder: Path, program: str, pid: int | None) -> psutil.Process | None:
    """The living process `pid`, when it is `program` and its working folder is `folder`."""
    if pid is None:
        return None
    try:
        process = psutil.Process(pid)
        if _is(process, folder, program):
            return process
    except psutil.Error:
        pass
    return None


def all_working_in(folder: Path, program: str) -> list[psutil.Process]:
    """Every living process of `program` whose working folder is `folder`."""
    found = []
    for process in psutil.process_iter():
        try:
            if _is(process, folder, program):
                found.append(process)
        except psutil.Error:
            continue
    return found


def read_pid(path: Path) -> int | None:
    """The pid on the first line of a pid file, or None for a missing, empty or broken one."""
    try:
        return int(path.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def end(process: psutil.Process, *, gently: signal.Signals, within: float) -> None:
    """Ask a process to end, wait, and kill it when it does not."""
    try:
        process.send_signal(gently)
        process.wait(within)
    except psutil.NoSuchProcess:
        return
    except psutil.TimeoutExpired:
        process.kill()
        process.wait(10)


def end_leftovers(folder: Path, program: str, *, patience: float = 5.0) -> None:
    """Wait for the children of a killed server to notice, then kill those that do not."""
    deadline = time.monotonic() + patience
    while leftovers := all_working_in(folder, program):
        if time.monotonic() > deadline:
            for process in leftovers:
                process.kill()
            psutil.wait_procs(leftovers, timeout=5)
            return
        time.sleep(0.05)


def _is(process: psutil.Process, folder: Path, program: str) -> bool:
    return (
        process.name().startswith(program)
        and process.status() != psutil.STATUS_ZOMBIE
        and Path(process.cwd()) == folder.resolve()
    )
