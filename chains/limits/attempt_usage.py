"""Counting what an attempt costs while it lasts."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ...schemas.result import Attempt, Outcome, ProviderName
from ..providers.base import RequestForm
from ..providers.http import Reply, RequestFailed
from ..providers.redaction import MAX_MESSAGE

__all__ = ["AttemptUsage", "add_costs", "add_counts"]


@dataclass(slots=True)
class AttemptUsage:
    """One attempt under way."""

    provider: ProviderName
    model: str
    """As it was named by settings or caller."""
    form: RequestForm | None = None
    requests: int = 0
    repairs: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = 0.0
    reply: Reply | None = None
    """The last one, which says who answered."""
    began: float = field(default_factory=time.monotonic)

    def add(self, reply: Reply | None, failure: RequestFailed | None) -> float | None:
        """Count one request, rejected answers too; its cost in USD, None where unknown."""
        self.requests += 1
        if reply is not None:
            self.reply = reply
            cost = reply.cost_usd
            self.input_tokens = add_counts(self.input_tokens, reply.input_tokens)
            self.output_tokens = add_counts(self.output_tokens, reply.output_tokens)
        else:
            # Nothing is charged for an error answer or a request that never left; one that was cut may be.
            cost = 0.0 if failure is not None and not failure.sent else None
        self.cost_usd = add_costs(self.cost_usd, cost)
        return cost

    def close(self, outcome: Outcome, message: str = "", status: int | None = None) -> Attempt:
        """The finished attempt."""
        reply, form = self.reply, self.form
        return Attempt(
            provider=self.provider,
            model=",".join(form.models) if form is not None else self.model,
            structured_output=form.structured_output if form is not None else None,
            answered_by=reply.model if reply is not None else None,
            upstream=reply.upstream if reply is not None else None,
            response_id=reply.response_id if reply is not None else None,
            outcome=outcome,
            status=status,
            message=message[:MAX_MESSAGE],
            notes=form.notes if form is not None else (),
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
