"""What a selector has used so far."""

from __future__ import annotations

from pydantic import Field

from .base import Frozen

__all__ = ["Usage"]


class Usage(Frozen):
    """Totals over every selection of one selector."""

    selections: int = 0
    failed: int = 0
    """Selections that nobody could answer."""
    answered_by: dict[str, int] = Field(default_factory=dict)
    """Provider → selections it answered."""
    fallbacks: int = 0
    """Selections that the provider asked first did not answer."""
    cached: int = 0
    requests: int = 0
    repairs: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float = 0.0
    """What the providers named; see ``unknown_costs``."""
    unknown_costs: int = 0
    """Selections whose cost is not, or not wholly, known."""
    seconds: float = 0.0
