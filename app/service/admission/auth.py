"""Who may call, and how often: bearer keys that are kept as hashes, and a limit per key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ....schemas.settings import Settings
from ..problem_details import NotAuthenticated, RateLimited
from .shares import ANONYMOUS, Caller

if TYPE_CHECKING:
    from limits.aio.storage import RedisStorage

__all__ = ["Gate", "KeyRing", "hash_key", "new_key"]


def new_key() -> str:
    """A fresh key of 256 random bits."""
    return "cms_" + secrets.token_urlsafe(32)


def hash_key(key: str) -> str:
    """What is kept of a key. One round of SHA-256 is enough: 256 random bits cannot be guessed, as a password can."""
    return hashlib.sha256(key.encode()).hexdigest()


class KeyRing:
    """The keys that are known, by name.

    Args:
        hashes: Name → SHA-256 of its keys; empty lets everyone in.
    """

    def __init__(self, hashes: Mapping[str, Sequence[str]]) -> None:
        self._hashes = dict(hashes)

    def __bool__(self) -> bool:
        return bool(self._hashes)

    def name_of(self, key: str) -> str | None:
        """The name of ``key``; takes as long whichever key it is, and whether or not it is known."""
        given, owner = hash_key(key), None
        for name, hashes in self._hashes.items():
            for known in hashes:
                if hmac.compare_digest(given, known):
                    owner = name
        return owner


class Gate:
    """Lets a request in, or raises.

    Args:
        settings: The SERVICE_* settings.
    """

    def __init__(self, settings: Settings) -> None:
        from limits import parse
        from limits.aio.storage import MemoryStorage
        from limits.aio.strategies import MovingWindowRateLimiter

        self.keys = KeyRing(settings.service_key_hashes)
        per_minute = settings.service_requests_per_minute
        self._limit = parse(f"{per_minute}/minute") if per_minute else None
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._redis = _redis(settings) if settings.service_rate_storage != "memory" else None
        self._shared = MovingWindowRateLimiter(self._redis) if self._redis is not None else None

    async def admit(self, key: str | None, address: str) -> Caller:
        """Who is asking: what the request is counted, logged and shared out under.

        Args:
            key: The bearer key; None where there is none.
            address: The client's address, which is counted where no key tells callers apart.

        Raises:
            NotAuthenticated: Keys are asked for and this is none.
            RateLimited: The key, or the address, has used up its minute.
        """
        if not self.keys:
            await self._count(address)
            return Caller(ANONYMOUS, address)
        name = self.keys.name_of(key) if key else None
        if name is None:
            # Counted too, or keys could be tried out without end.
            await self._count(f"refused {address}")
            raise NotAuthenticated("a key is needed: Authorization: Bearer KEY")
        await self._count(name)
        return Caller(name, address)

    async def close(self) -> None:
        """Close the connections to Redis, if there are any."""
        if self._redis is not None:
            from limits.aio.storage.redis.redispy import RedispyBridge

            assert isinstance(self._redis.bridge, RedispyBridge)
            await self._redis.bridge.storage.aclose()

    async def _count(self, who: str) -> None:
        if self._limit is None:
            return
        limiter = self._own
        if self._shared is not None:
            try:
                if await self._shared.hit(self._limit, who):
                    return
                limiter = self._shared
                stats = await limiter.get_window_stats(self._limit, who)
                raise RateLimited(_wait(stats.reset_time))
            except self._shared.storage.base_exceptions:
                # A lost Redis must not stop the service: each replica counts for itself until it is back.
                limiter = self._own
        if not await limiter.hit(self._limit, who):
            raise RateLimited(_wait((await limiter.get_window_stats(self._limit, who)).reset_time))


def _wait(reset_time: float) -> int:
    return max(1, round(reset_time - time.time()))


def _redis(settings: Settings) -> RedisStorage:
    from limits.aio.storage import RedisStorage

    return RedisStorage(
        "async+" + settings.service_rate_storage.replace("unix://", "redis+unix://", 1),
        implementation="redispy",
        key_prefix="clinical-model-selector",
        socket_connect_timeout=1.0,
        socket_timeout=1.0,
    )
