"""A child that outlives its parent would hold a port, a lease or a GPU. This ties them together."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

# Loaded now and not in the child: between fork and exec a child may not take the import lock.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(with_signal: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel end this process when the thread that started it ends.

    Linux only; elsewhere it does nothing, and a killed supervisor leaves its children running
    until the next start finds and ends them.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, int(with_signal), 0, 0, 0)


def tied_to(parent: int) -> None:
    """Tie this process to `parent` (a pid), and leave at once when `parent` is already gone."""
    die_with_parent()
    if os.getppid() != parent:
        os._exit(1)
