"""The circuit breaker: a provider that is out is not asked for a while."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from datetime import UTC, datetime

from pybreaker import (
    STATE_CLOSED,
    STATE_HALF_OPEN,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerError,
    CircuitMemoryStorage,
)

from ...schemas.result import Outcome
from ...schemas.settings import Settings

__all__ = ["Breaker"]

_LOGGER = logging.getLogger("clinical_model_selector")

_OUTAGES: frozenset[Outcome] = frozenset(
    {"connection", "timeout", "payment", "rate_limited", "server_error", "invalid_response"}
)
"""Failures of a service; an answer that is merely wrong says nothing about the next one."""

_HOPELESS: frozenset[Outcome] = frozenset({"authentication", "forbidden", "not_found"})
"""A wrong key or an unknown model: the next request would fail alike."""


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

    @property
    def state(self) -> str:
        """``closed``: asked; ``open``: skipped for now; ``half-open``: being tried again. Changes nothing."""
        return str(self._storage.state)

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
