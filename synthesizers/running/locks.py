"""Locks that the system lets go when their holder dies, however it dies.

They lie in folders that others may write to. Hence only a regular file of this user's own is opened, never a link, and
never in a way that could wait for somebody else to open the other end.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

__all__ = ["hold", "is_free", "open_own", "try_lock"]


def open_own(path: Path, flags: int = 0) -> int:
    """A descriptor to read and write a regular file of this user's.

    Raises:
        OSError: It is not there, or is a link, a pipe or a device, or somebody else's.
    """
    descriptor = os.open(path, os.O_RDWR | _SAFE | flags, 0o600)
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and (os.name != "posix" or status.st_uid == os.geteuid()):
        return descriptor
    os.close(descriptor)
    raise PermissionError(1, "not a regular file of this user's", path.name)


def try_lock(descriptor: int) -> bool:
    """Take the lock on an open file; False where somebody has it."""
    import fcntl  # not on Windows, where all that needs no lock shall work

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def hold(path: Path) -> Iterator[None]:
    """Hold the lock on the file ``path``, made where it is not there; waits for whoever has it.

    Raises:
        OSError: What has this name is no regular file of this user's.
    """
    import fcntl

    descriptor = open_own(path, os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def is_free(path: Path) -> bool:
    """Whether ``path`` is ours and nobody holds its lock; True too where it is gone."""
    try:
        descriptor = open_own(path)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        return try_lock(descriptor)
    finally:
        os.close(descriptor)


_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
