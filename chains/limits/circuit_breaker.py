"""The circuit breaker: a provider that is out is not asked for a while."""

from __future__ import annotations

import logging
import threading
import time
from typing import Literal

from ...schemas.result import Outcome
from ...schemas.settings import Settings

__all__ = ["CircuitBreaker"]

_LOGGER = logging.getLogger("clinical_model_selector")

_OUTAGES: frozenset[Outcome] = frozenset(
    {"connection", "timeout", "payment", "rate_limited", "server_error", "invalid_response"}
)
"""Failures of a service; an answer that is merely wrong, or one question that is refused, says nothing of the next."""

_HOPELESS: frozenset[Outcome] = frozenset({"authentication", "not_found"})
"""A wrong key or an unknown model: the next request would fail alike."""

State = Literal["closed", "open", "half-open"]


class CircuitBreaker:
    """Skips a provider for a cool-down after repeated outages, then lets one request try."""

    def __init__(self, name: str, settings: Settings) -> None:
        self._name = name
        self._cooldown_s = settings.selector_breaker_cooldown_s
        self._allowed = settings.selector_breaker_failures
        self._failures = 0
        self._opened_at: float | None = None
        self._trying = False
        self._why = ""
        self._lock = threading.Lock()

    @property
    def state(self) -> State:
        """``closed``: asked; ``open``: skipped for now; ``half-open``: being tried again. Changes nothing."""
        if self._opened_at is None:
            return "closed"
        return "half-open" if self._trying else "open"

    def refuse(self) -> str | None:
        """Why the provider is not asked now; None lets the caller ask, and makes it the trial after a cool-down."""
        with self._lock:
            if self._opened_at is None:
                return None
            if self._trying:
                return f"skipped while another request tries it again; {self._why}"
            left = self._opened_at + self._cooldown_s - time.monotonic()
            if left > 0:
                return f"skipped for another {left:.0f} s; {self._why}"
            self._trying = True
            return None

    def report(self, outcome: Outcome | None, message: str = "") -> None:
        """How a request that was let through ended; None where it was cancelled."""
        with self._lock:
            was_trial, self._trying = self._trying, False
            if outcome is None:
                if was_trial:
                    self._opened_at = time.monotonic()
            elif outcome in _HOPELESS:
                self._open(f"its last answer was {outcome}: {message}", loudly=True)
            elif outcome not in _OUTAGES:
                self._failures, self._opened_at = 0, None
            else:
                self._failures += 1
                if was_trial or self._failures >= self._allowed:
                    why = f"{self._failures} failures in a row, the last {outcome}: {message}"
                    self._open(why, loudly=self._opened_at is None)

    def _open(self, why: str, *, loudly: bool) -> None:
        self._opened_at, self._why = time.monotonic(), why
        if loudly:
            _LOGGER.error("%s will not be asked for %.0f s: %s", self._name, self._cooldown_s, why)
