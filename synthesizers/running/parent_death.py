"""A process that must not outlive the one that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

__all__ = ["END_WITH_PARENT", "end_with_parent"]

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def end_with_parent() -> None:
    """Have the system kill this process when its parent dies, however it dies; Linux alone can.

    Elsewhere a process notices at its next read from its parent's pipe.
    """
    if _LIBC is None:
        return
    parent = os.getppid()
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # It died in between, and its signal will not come any more.
        os.kill(os.getpid(), signal.SIGKILL)


END_WITH_PARENT = end_with_parent if os.name == "posix" else None
"""For ``subprocess``'s ``preexec_fn``: programs of others, which cannot call it themselves."""
