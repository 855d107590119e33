"""Who may be asked at all: circuit breakers, requests per minute, budget."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import TypeVar

from limits import RateLimitItemPerDay, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from pybreaker import (
    STATE_CLOSED,
    STATE_HALF_OPEN,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitMemoryStorage,
)

from ..schemas.result import Outcome
from ..schemas.settings import Settings
from .cache import connect_redis, is_redis

__all__ = ["Breaker", "Limits"]

_LOGGER = logging.getLogger("clinical_model_selector")

_OUTAGES: frozenset[Outcome] = frozenset(
    {"connection", "timeout", "payment", "rate_limited", "server_error", "invalid_response"}
)
"""Failures of a service; an answer that is merely wrong says nothing about the next one."""

_HOPELESS: frozenset[Outcome] = frozenset({"authentication", "forbidden", "not_found"})
"""A wrong key or an unknown model: the next request would fail alike."""

_MICRO = 1_000_000
_BUDGET_DAYS = 30
_WHOM = "openrouter"

T = TypeVar("T")


class _OutageError(Exception):
    """Tells the breaker of an outage."""


class Breaker:
    """Skips a provider for a cool-down after repeated outages, then lets one request try.

    pybreaker's own ``call`` holds its lock while the request runs, one request at a time; so only outcomes are
    reported through it, after the fact.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._cooldown = settings.selector_breaker_cooldown_s
        self._storage = CircuitMemoryStorage(STATE_CLOSED)
        self._breaker = CircuitBreaker(
            fail_max=settings.selector_breaker_failures,
            reset_timeout=self._cooldown,
            state_storage=self._storage,
            throw_new_error_on_trip=False,
        )
        self._lock = threading.Lock()
        self._why = ""

    def refuse(self) -> str | None:
        """Why the provider is not asked now; None lets the caller ask, and makes it the trial after a cool-down."""
        with self._lock:
            state = self._breaker.current_state
            if state == STATE_CLOSED:
                return None
            if state == STATE_HALF_OPEN:
                return f"skipped while another request tries it again; {self._why}"
            opened = self._storage.opened_at or datetime.now(UTC)
            left = self._cooldown - (datetime.now(UTC) - opened.replace(tzinfo=UTC)).total_seconds()
            if left > 0:
                return f"skipped for another {left:.0f} s; {self._why}"
            self._breaker.half_open()
            return None

    def report(self, outcome: Outcome | None, message: str = "") -> None:
        """How a request that was let through ended; None where it was cancelled."""
        with self._lock:
            if outcome is None:
                if self._breaker.current_state == STATE_HALF_OPEN:
                    self._breaker.open()
                return
            before = self._breaker.current_state
            if outcome in _HOPELESS:
                self._why = f"its last answer was {outcome}: {message}"
                self._breaker.open()
                _LOGGER.error("%s will not be asked for %.0f s: %s: %s", self._name, self._cooldown, outcome, message)
                return
            with suppress(CircuitBreakerError, _OutageError):
                self._breaker.call(_settle, outcome in _OUTAGES)
            if self._breaker.current_state == STATE_OPEN and before != STATE_OPEN:
                self._why = f"{self._breaker.fail_counter} failures in a row, the last {outcome}: {message}"
                _LOGGER.error("%s will not be asked for %.0f s: %s", self._name, self._cooldown, self._why)


def _settle(outage: bool) -> None:
    if outage:
        raise _OutageError


class Limits:
    """Requests per minute and a budget in USD for OpenRouter; shared between processes where the cache is in Redis."""

    def __init__(self, settings: Settings) -> None:
        self._per_minute = settings.selector_requests_per_minute
        self._budget = settings.selector_budget_usd
        self.blocks = is_redis(settings.selector_cache) and self.active
        self._local = _Counters(MemoryStorage())
        self._shared: _Counters | None = None
        if self.blocks:
            pool = connect_redis(settings.selector_cache).connection_pool
            self._shared = _Counters(
                RedisStorage(
                    settings.selector_cache, pool, wrap_exceptions=True, key_prefix="clinical-model-selector:limits"
                )
            )

    @property
    def active(self) -> bool:
        """Whether there is any limit."""
        return self._per_minute is not None or self._budget is not None

    def refuse(self) -> tuple[Outcome, str] | None:
        """Why no request may be sent now; None counts the one that will be."""
        return self._count(self._refuse)

    def pay(self, cost_usd: float | None) -> None:
        """Count what a request cost; unknown cannot be counted, and is said."""
        if self._budget is None:
            return
        if cost_usd is None:
            _LOGGER.warning("what a request cost is unknown: it is missing from the budget's count")
            return
        micro = round(cost_usd * _MICRO)
        if micro > 0:
            self._count(lambda counters: counters.fixed.hit(self._budget_item(), _WHOM, cost=micro))

    def _refuse(self, counters: _Counters) -> tuple[Outcome, str] | None:
        if self._budget is not None and counters.fixed.get_window_stats(self._budget_item(), _WHOM).remaining <= 0:
            return "over_budget", f"the budget of {self._budget:g} USD in {_BUDGET_DAYS} days is spent"
        if self._per_minute is not None and not counters.moving.hit(RateLimitItemPerMinute(self._per_minute), _WHOM):
            return "over_limit", f"{self._per_minute} requests per minute are used up"
        return None

    def _budget_item(self) -> RateLimitItemPerDay:
        assert self._budget is not None
        return RateLimitItemPerDay(max(1, round(self._budget * _MICRO)), _BUDGET_DAYS)

    def _count(self, work: Callable[[_Counters], T]) -> T:
        """Do ``work`` on the shared counters, or on this process's own where Redis does not answer."""
        if self._shared is not None:
            try:
                return work(self._shared)
            except StorageError as error:
                _LOGGER.warning(
                    "the limits in Redis cannot be read (%s); counting in this process", type(error).__name__
                )
        return work(self._local)


class _Counters:
    """Both kinds of window over one storage."""

    def __init__(self, storage: Storage) -> None:
        self.moving = MovingWindowRateLimiter(storage)
        self.fixed = FixedWindowRateLimiter(storage)
