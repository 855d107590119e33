"""Counting what an attempt costs while it lasts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ...schemas.result import Attempt, Outcome, Provider
from ..providers.http import Exchange
from ..providers.redaction import MAX_MESSAGE

__all__ = ["Tally", "add_counts", "add_costs"]


@dataclass(slots=True)
class Tally:
    """One attempt under way."""

    provider: Provider
    model: str
    method: str | None = None
    requests: int = 0
    repairs: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = 0.0
    began: float = field(default_factory=time.monotonic)

    def add(self, exchange: Exchange) -> float | None:
        """Count one request, rejected answers too; its cost in USD, None where unknown."""
        self.requests += 1
        reply = exchange.reply
        if reply is not None:
            cost = reply.cost_usd
            self.input_tokens = add_counts(self.input_tokens, reply.input_tokens)
            self.output_tokens = add_counts(self.output_tokens, reply.output_tokens)
        else:
            # Nothing is charged for an error answer or a request that never left; one that was cut may be.
            cost = 0.0 if exchange.failure is not None and not exchange.failure.sent else None
        self.cost_usd = add_costs(self.cost_usd, cost)
        return cost

    def close(self, outcome: Outcome, message: str = "", status: int | None = None) -> Attempt:
        """The finished attempt."""
        return Attempt(
            provider=self.provider,
            model=self.model,
            method=self.method,
            outcome=outcome,
            status=status,
            message=message[:MAX_MESSAGE],
            requests=self.requests,
            repairs=self.repairs,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            cost_usd=self.cost_usd,
            seconds=time.monotonic() - self.began,
        )


def add_counts(total: int | None, more: int | None) -> int | None:
    """Sum of what is known; None where nothing is."""
    return total if more is None else (total or 0) + more


def add_costs(total: float | None, more: float | None) -> float | None:
    """Sum of costs; one unknown makes all unknown."""
    return None if total is None or more is None else total + more
