"""Limits on what OpenRouter is used for: requests per minute, and a budget in USD."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from limits import RateLimitItemPerDay, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from ...schemas.result import Outcome
from ...schemas.settings import Settings, is_redis_url
from .plan_cache import connect_redis

__all__ = ["UsageLimits"]

_LOGGER = logging.getLogger("clinical_model_selector")

_MICRO = 1_000_000
"""The budget is counted in millionths of a dollar: the windows count whole numbers."""

_BUDGET_DAYS = 30
_WHOM = "openrouter"

T = TypeVar("T")


class UsageLimits:
    """Counts per process; shared between processes where the cache is in Redis.

    Requests already under way when the budget runs out are still paid for.
    """

    def __init__(self, settings: Settings) -> None:
        self._per_minute = settings.selector_requests_per_minute
        self._budget = settings.selector_budget_usd
        self.blocks = is_redis_url(settings.selector_cache)
        self._local = _Windows(MemoryStorage())
        self._shared: _Windows | None = None
        if self.blocks:
            pool = connect_redis(settings.selector_cache).connection_pool
            self._shared = _Windows(
                RedisStorage(
                    settings.selector_cache, pool, wrap_exceptions=True, key_prefix="clinical-model-selector:limits"
                )
            )

    def refuse(self) -> tuple[Outcome, str] | None:
        """Why no request may be sent now; None counts the one that will be."""
        return self._with_windows(self._refuse)

    def pay(self, cost_usd: float | None) -> None:
        """Count what a request cost; unknown cannot be counted, and is said."""
        if self._budget is None:
            return
        if cost_usd is None:
            _LOGGER.warning("what a request cost is unknown: it is missing from the budget's count")
            return
        micro = round(cost_usd * _MICRO)
        if micro > 0:
            self._with_windows(lambda windows: windows.fixed.hit(self._budget_item(), _WHOM, cost=micro))

    def _refuse(self, windows: _Windows) -> tuple[Outcome, str] | None:
        if self._budget is not None and windows.fixed.get_window_stats(self._budget_item(), _WHOM).remaining <= 0:
            return "over_budget", f"the budget of {self._budget:g} USD in {_BUDGET_DAYS} days is spent"
        if self._per_minute is not None and not windows.moving.hit(RateLimitItemPerMinute(self._per_minute), _WHOM):
            return "over_limit", f"{self._per_minute} requests per minute are used up"
        return None

    def _budget_item(self) -> RateLimitItemPerDay:
        assert self._budget is not None
        return RateLimitItemPerDay(max(1, round(self._budget * _MICRO)), _BUDGET_DAYS)

    def _with_windows(self, work: Callable[[_Windows], T]) -> T:
        """Do ``work`` on the shared windows, or on this process's own where Redis does not answer."""
        if self._shared is not None:
            try:
                return work(self._shared)
            except StorageError as error:
                _LOGGER.warning(
                    "the limits in Redis cannot be read (%s); counting in this process", type(error).__name__
                )
        return work(self._local)


class _Windows:
    """Both kinds of window over one storage."""

    def __init__(self, storage: Storage) -> None:
        self.moving = MovingWindowRateLimiter(storage)
        self.fixed = FixedWindowRateLimiter(storage)
