"""Folders for rows that must not outlive their maker: held by a lock while it lives, swept once nobody holds them.

A temporary directory is shared with other users of the machine: only what is our own is looked at.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from .locks import open_own, try_lock

__all__ = ["LOCK_FILE", "HeldFolder", "is_own_folder", "sweep_folders"]

LOCK_FILE = "owner"
"""Held by whoever the folder belongs to; it lies in the folder."""
_POSIX = os.name == "posix"


class HeldFolder:
    """A folder that only this user can read, and that is gone when it is closed; after a kill the next sweep takes it.

    Args:
        prefix: Of its name, and what ``sweep_folders`` finds it by.
        parent: Where it is made; the system's temporary directory by default.

    Raises:
        OSError: It cannot be made there.
    """

    def __init__(self, prefix: str, parent: Path | None = None) -> None:
        self._lock: int | None = None
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
            if not _POSIX:
                return
            try:
                self._lock = open_own(self.path / LOCK_FILE, os.O_CREAT | os.O_EXCL)
            except FileNotFoundError:
                # A sweep took the folder while it was empty and not yet held.
                continue
            if try_lock(self._lock) and (self.path / LOCK_FILE).exists():
                return
            os.close(self._lock)

    def close(self) -> None:
        """Remove the folder, then let go of it; again is allowed."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def sweep_folders(prefix: str, parent: Path | None = None) -> int:
    """Remove this user's held folders that nobody holds any more; how many those were.

    A folder without a lock is one that is just being made, or was left before rows could be written: it goes only if it
    is empty.
    """
    if not _POSIX:
        return 0
    removed = 0
    with contextlib.suppress(OSError), os.scandir(parent or tempfile.gettempdir()) as entries:
        for entry in entries:
            if entry.name.startswith(prefix) and is_own_folder(Path(entry.path)):
                removed += _sweep(Path(entry.path))
    return removed


def _sweep(folder: Path) -> bool:
    try:
        lock = open_own(folder / LOCK_FILE)
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            folder.rmdir()
        return False
    except OSError:
        return False
    try:
        if not try_lock(lock):
            return False
        shutil.rmtree(folder, ignore_errors=True)
        return True
    finally:
        os.close(lock)


def is_own_folder(path: Path) -> bool:
    """Whether ``path`` is a folder itself, no link to one, and belongs to this user."""
    try:
        found = path.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and (not _POSIX or found.st_uid == os.geteuid())
