"""Locks that the system lets go when their holder dies, however it dies."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["hold", "is_free"]


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock on the file ``path``, made where it is not there; waits for whoever has it."""
    import fcntl  # not on Windows, where all that needs no lock shall work

    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock on ``path``; True too where it is gone."""
    import fcntl

    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True
