"""What Prometheus reads: selections, fallbacks, tokens, money, time. Labels are closed vocabularies, never text."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from ...schemas.errors import ProvidersUnavailable, SelectorError
from ...schemas.result import Attempt, SelectionResult

__all__ = ["CONTENT_TYPE", "Metrics"]

CONTENT_TYPE = CONTENT_TYPE_LATEST

_SECONDS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0)
_PREFIX = "selector_"


class Metrics:
    """The figures of one service, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.selections = self._counter("selections", "Selections by who answered", "provider", "outcome")
        self.attempts = self._counter("attempts", "Providers' turns by outcome", "provider", "outcome")
        self.fallbacks = self._counter("fallbacks", "Selections that the first provider did not answer", "provider")
        self.tokens = self._counter("tokens", "Tokens as the providers report them", "provider", "direction")
        self.usd = self._counter("usd", "US dollars as the providers report them", "provider")
        self.unpriced = self._counter("unpriced", "Turns whose cost the provider did not say", "provider")
        self.cached = self._counter("cache", "Selections by whether the cache answered", "result")
        self.refusals = self._counter("errors", "Requests that ended in an error, by its class", "error")
        self.jobs = self._counter("jobs", "Jobs that were started, by kind", "kind")
        self.uploads = self._counter("profiled", "Uploaded tables that were profiled")
        self.waiting = Gauge(f"{_PREFIX}waiting", "Selections under way", registry=self.registry)
        self.seconds = Histogram(
            f"{_PREFIX}selection_seconds", "Time to a plan", ("provider",), buckets=_SECONDS, registry=self.registry
        )
        self.requests = Histogram(
            f"{_PREFIX}request_seconds",
            "Time of a request",
            ("route", "status"),
            buckets=_SECONDS,
            registry=self.registry,
        )

    def count_result(self, result: SelectionResult, seconds: float) -> None:
        """Add a selection that has a plan."""
        provenance = result.provenance
        self.selections.labels(provenance.provider, "ok").inc()
        self.seconds.labels(provenance.provider).observe(seconds)
        self.cached.labels("hit" if provenance.cached else "miss").inc()
        if provenance.fallback_reason:
            self.fallbacks.labels(provenance.provider).inc()
        if not provenance.cached:
            # What is answered from the cache was paid for before.
            for attempt in provenance.attempts:
                self._count_attempt(attempt)

    def count_error(self, error: SelectorError) -> None:
        """Add a request that ended in an error."""
        self.refusals.labels(type(error).__name__).inc()
        if isinstance(error, ProvidersUnavailable):
            self.selections.labels("none", "unavailable").inc()
            for attempt in error.attempts:
                self._count_attempt(attempt)

    def exposition(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

    def _count_attempt(self, attempt: Attempt) -> None:
        self.attempts.labels(attempt.provider, attempt.outcome).inc()
        self.tokens.labels(attempt.provider, "input").inc(attempt.input_tokens or 0)
        self.tokens.labels(attempt.provider, "output").inc(attempt.output_tokens or 0)
        if attempt.cost_usd is not None:
            self.usd.labels(attempt.provider).inc(attempt.cost_usd)
        elif attempt.requests:
            self.unpriced.labels(attempt.provider).inc()

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(_PREFIX + name, text, labels, registry=self.registry)
