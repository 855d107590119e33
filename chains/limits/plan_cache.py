"""Validated plans kept by fingerprint: in memory, in a SQLite file, or in Redis.

Entries are a plan's JSON and nothing else: no prompt, no answer as it came. LangChain's own cache stores whatever a
model said, bad answers too, and libraries that pickle run code from a file that others may write; hence this small one.
A cache that fails is a miss, never an error: a plan can always be asked for anew.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from abc import ABC, abstractmethod
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cachetools import TTLCache
from pydantic import ValidationError

from ...schemas.errors import MissingExtra, SettingsError
from ...schemas.plan import ModelSelectionPlan
from ...schemas.settings import Settings, is_redis_url

if TYPE_CHECKING:
    from redis import Redis

__all__ = ["PlanCache", "connect_redis", "open_cache"]

_LOGGER = logging.getLogger("clinical_model_selector")

_PREFIX = "clinical-model-selector:plan:"
_MAX_IN_MEMORY = 1024
_REST_S = 30.0
"""A cache that failed is left alone this long: a dead Redis must not cost every selection a timeout."""


class PlanCache(ABC):
    """Where plans are kept; ``blocks`` says that it waits for a disk or a socket."""

    blocks = True

    def __init__(self) -> None:
        self._rests_until = 0.0

    def get(self, key: str) -> ModelSelectionPlan | None:
        """The plan kept under ``key``; an unreadable entry is a miss."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            text = self._load(key)
        except self._failures() as error:
            self._rest("read", error)
            return None
        if text is None:
            return None
        try:
            return ModelSelectionPlan.model_validate_json(text)
        except ValidationError:
            return None

    def put(self, key: str, plan: ModelSelectionPlan) -> None:
        """Keep ``plan`` for the time to live."""
        if time.monotonic() < self._rests_until:
            return
        try:
            self._store(key, plan.model_dump_json())
        except self._failures() as error:
            self._rest("written", error)

    def ping(self) -> str | None:
        """What is wrong with the cache; None where it works. One that rests is not asked."""
        if time.monotonic() < self._rests_until:
            return "resting"
        try:
            self._store("ping", "{}")
            self._load("ping")
        except self._failures() as error:
            self._rest("reached", error)
            return type(error).__name__
        return None

    @abstractmethod
    def _load(self, key: str) -> str | bytes | None: ...

    @abstractmethod
    def _store(self, key: str, text: str) -> None: ...

    @abstractmethod
    def _failures(self) -> tuple[type[Exception], ...]: ...

    def _rest(self, verb: str, error: Exception) -> None:
        self._rests_until = time.monotonic() + _REST_S
        _LOGGER.warning("the cache cannot be %s (%s); doing without for %d s", verb, type(error).__name__, _REST_S)


class _MemoryCache(PlanCache):
    blocks = False

    def __init__(self, ttl: float) -> None:
        super().__init__()
        self._kept: TTLCache[str, str] = TTLCache(_MAX_IN_MEMORY, ttl)
        self._lock = threading.Lock()

    def _load(self, key: str) -> str | None:
        with self._lock:
            return self._kept.get(key)

    def _store(self, key: str, text: str) -> None:
        with self._lock:
            self._kept[key] = text

    def _failures(self) -> tuple[type[Exception], ...]:
        return ()


class _SqliteCache(PlanCache):
    """One small table; a connection per call, so that threads and processes may share the file."""

    def __init__(self, path: Path, ttl: float) -> None:
        super().__init__()
        self._path = path
        self._ttl = ttl

    def _load(self, key: str) -> str | None:
        with closing(self._connect()) as database:
            row = database.execute("SELECT plan FROM plans WHERE key = ? AND until > ?", (key, time.time())).fetchone()
        return None if row is None else str(row[0])

    def _store(self, key: str, text: str) -> None:
        with closing(self._connect()) as database, database:
            database.execute("DELETE FROM plans WHERE until <= ?", (time.time(),))
            database.execute("REPLACE INTO plans VALUES (?, ?, ?)", (key, text, time.time() + self._ttl))

    def _connect(self) -> sqlite3.Connection:
        database = sqlite3.connect(self._path, timeout=1.0)
        try:
            database.execute("CREATE TABLE IF NOT EXISTS plans (key TEXT PRIMARY KEY, plan TEXT, until REAL)")
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _failures(self) -> tuple[type[Exception], ...]:
        return (sqlite3.Error, OSError)


class _RedisCache(PlanCache):
    def __init__(self, url: str, ttl: float) -> None:
        super().__init__()
        self._redis = connect_redis(url)
        self._ttl = ttl

    def _load(self, key: str) -> bytes | None:
        text: Any = self._redis.get(_PREFIX + key)
        return text if isinstance(text, bytes) else None

    def _store(self, key: str, text: str) -> None:
        self._redis.set(_PREFIX + key, text, px=max(1, int(self._ttl * 1000)))

    def _failures(self) -> tuple[type[Exception], ...]:
        from redis.exceptions import RedisError

        return (RedisError, OSError)


def connect_redis(url: str) -> Redis:
    """A client for ``url``; it connects when first used.

    Raises:
        MissingExtra: The redis package is not installed.
        SettingsError: The URL cannot be used.
    """
    try:
        from redis import Redis
    except ImportError:
        raise MissingExtra("A cache in Redis", "redis") from None
    try:
        client: Redis = Redis.from_url(url, socket_timeout=1.0, socket_connect_timeout=1.0)
    except ValueError:
        # Its message quotes the URL, which may hold a password.
        raise SettingsError("SELECTOR_CACHE: not a usable redis:// URL") from None
    return client


def open_cache(settings: Settings) -> PlanCache | None:
    """The cache that SELECTOR_CACHE names; None for ``off``.

    Raises:
        SettingsError: It names a folder, a file in no folder, or an unusable URL.
        MissingExtra: It names Redis and the redis package is not installed.
    """
    where, ttl = settings.selector_cache.strip(), settings.selector_cache_ttl_s
    if where.lower() in ("off", ""):
        return None
    if where.lower() == "memory":
        return _MemoryCache(ttl)
    if is_redis_url(where):
        return _RedisCache(where, ttl)
    path = Path(where.removeprefix("sqlite:///")).expanduser()
    if path.is_dir() or not path.absolute().parent.is_dir():
        raise SettingsError("SELECTOR_CACHE: off, memory, a SQLite file in a folder that exists, or a redis:// URL")
    return _SqliteCache(path, ttl)
