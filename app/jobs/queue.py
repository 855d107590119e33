"""Where ids of jobs wait: a SQLite file, or a Redis of the jobs' own.

Only ids go through it, as plain text: a task library would put a job's arguments there, pickled. It wakes workers up
and no more. What is to be done stands in the jobs' folders, so that nothing is lost with the queue, or with a worker
that had taken an id off it. Of the library huey only the storages are used: they are tested on both.
"""

from __future__ import annotations

import re
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...schemas.errors import MissingExtra, SettingsError

if TYPE_CHECKING:
    from huey.storage import BaseStorage

__all__ = ["JobQueue", "is_job_id"]

_ID = re.compile(r"[0-9a-f]{32}")
_NAME = "clinical_model_selector_jobs"
_POLL_SECONDS = 0.2


def is_job_id(text: str) -> bool:
    """Whether ``text`` can be an id at all: it becomes part of a path."""
    return _ID.fullmatch(text) is not None


class JobQueue:
    """Ids of jobs, first in, first out; a queue that fails costs time and no job.

    Args:
        setting: ``sqlite``, or the URL of a Redis.
        folder: Where the SQLite file lies.

    Raises:
        MissingExtra: The library, or Redis' client, is not installed.
        SettingsError: The URL cannot be used.
    """

    def __init__(self, setting: str, folder: Path) -> None:
        try:
            self._storage = _sqlite(folder) if setting == "sqlite" else _redis(setting)
        except ImportError:
            raise MissingExtra("A queue of jobs", "service" if setting == "sqlite" else "redis") from None
        self._failures = _failures(setting)

    def put(self, job_id: str) -> bool:
        """Wake a worker up; False where the queue cannot be reached, and a worker finds the job a little later."""
        try:
            self._storage.enqueue(job_id.encode("ascii"))
        except self._failures:
            return False
        return True

    def wait(self, seconds: float) -> str | None:
        """The next id, or None after ``seconds``; what is no id is dropped."""
        until = time.monotonic() + seconds
        while True:
            try:
                taken = self._storage.dequeue()
            except self._failures:
                taken = None
            text = bytes(taken).decode("ascii", "replace") if taken else ""
            if is_job_id(text):
                return text
            if time.monotonic() >= until:
                return None
            time.sleep(_POLL_SECONDS)

    def close(self) -> None:
        """Close the connection."""
        self._storage.close()


def _sqlite(folder: Path) -> BaseStorage:
    from huey.storage import SqliteStorage

    return SqliteStorage(_NAME, filename=str(folder / "queue.sqlite"))


def _redis(url: str) -> BaseStorage:
    from huey.storage import RedisStorage
    from redis import ConnectionPool

    try:
        pool = ConnectionPool.from_url(url, socket_timeout=3.0, socket_connect_timeout=1.0)
    except ValueError:
        # Its message quotes the URL, which may hold a password.
        raise SettingsError("SERVICE_QUEUE: not a usable redis:// URL") from None
    return RedisStorage(_NAME, connection_pool=pool, read_timeout=1)


def _failures(setting: str) -> tuple[type[Exception], ...]:
    if setting == "sqlite":
        return (sqlite3.Error, OSError)
    from redis.exceptions import RedisError

    failures: tuple[Any, ...] = (RedisError, OSError)
    return failures
