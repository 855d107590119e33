"""Adding up what selections used, and the audit log."""

from __future__ import annotations

import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...schemas.plan import ModelSelectionPlan
from ...schemas.result import Attempt, Provenance, Usage
from ...schemas.settings import Settings
from ..fingerprint import digest
from .attempt_usage import add_costs

__all__ = ["UsageLog"]

_LOGGER = logging.getLogger("clinical_model_selector")


class UsageLog:
    """Counts selections; with SELECTOR_AUDIT_LOG set, writes a JSON line for each."""

    def __init__(self, settings: Settings) -> None:
        self._log = Path(settings.selector_audit_log).expanduser() if settings.selector_audit_log else None
        self._usage = Usage()
        self._lock = threading.Lock()

    def usage(self) -> Usage:
        """Totals so far."""
        with self._lock:
            return self._usage

    def record_answer(self, plan: ModelSelectionPlan, provenance: Provenance) -> None:
        """Count a selection that was answered."""
        self._add(provenance.attempts, provenance.seconds, provenance)
        line = provenance.model_dump(mode="json", exclude={"versions"})
        self._write({**line, "plan_digest": digest(plan.model_dump(mode="json"))})

    def record_failure(self, attempts: tuple[Attempt, ...], seconds: float, fingerprint: str) -> None:
        """Count a selection that nobody could answer."""
        self._add(attempts, seconds, None)
        listed = [attempt.model_dump(mode="json") for attempt in attempts]
        self._write({"provider": None, "attempts": listed, "seconds": seconds, "fingerprint": fingerprint})

    def _add(self, attempts: tuple[Attempt, ...], seconds: float, provenance: Provenance | None) -> None:
        told = sum(attempt.cost_usd for attempt in attempts if attempt.cost_usd is not None)
        cost: float | None = 0.0
        for attempt in attempts:
            cost = add_costs(cost, attempt.cost_usd)
        with self._lock:
            now = self._usage
            answered = dict(now.answered_by)
            if provenance is not None:
                answered[provenance.provider] = answered.get(provenance.provider, 0) + 1
            self._usage = Usage(
                selections=now.selections + 1,
                failed=now.failed + (provenance is None),
                answered_by=answered,
                fallbacks=now.fallbacks + (provenance is not None and provenance.fallback_reason is not None),
                cached=now.cached + (provenance is not None and provenance.cached),
                requests=now.requests + sum(attempt.requests for attempt in attempts),
                repairs=now.repairs + sum(attempt.repairs for attempt in attempts),
                input_tokens=now.input_tokens + sum(attempt.input_tokens or 0 for attempt in attempts),
                output_tokens=now.output_tokens + sum(attempt.output_tokens or 0 for attempt in attempts),
                cost_usd=now.cost_usd + told,
                unknown_costs=now.unknown_costs + (cost is None),
                seconds=now.seconds + seconds,
            )

    def _write(self, entry: dict[str, Any]) -> None:
        if self._log is None:
            return
        line = json.dumps({"at": datetime.now(UTC).isoformat(timespec="milliseconds"), **entry}) + "\n"
        try:
            # One write to a file opened for appending: lines of several processes do not mix.
            descriptor = os.open(self._log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, line.encode())
            finally:
                os.close(descriptor)
        except OSError as error:
            _LOGGER.error("the audit log cannot be written (%s)", type(error).__name__)
