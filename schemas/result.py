"""What a caller gets: plan, provenance, treatments, warnings."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from .plan import ModelSelectionPlan
from .treatment import Treatment

__all__ = ["Attempt", "Outcome", "Provenance", "Provider", "SelectionResult", "Treatment"]

Provider = Literal["openrouter", "ollama", "embedded"]

Outcome = Literal[
    "ok",
    "repaired",
    "connection",
    "timeout",
    "authentication",
    "payment",
    "forbidden",
    "not_found",
    "bad_request",
    "rate_limited",
    "server_error",
    "invalid_response",
    "invalid_answer",
    "truncated",
    "refused",
    "content_filter",
    "prompt_cut",
    "infeasible",
    "circuit_open",
    "over_limit",
    "over_budget",
    "deadline",
]
"""How one attempt ended; all but ``ok`` and ``repaired`` are failures."""


class Attempt(BaseModel):
    """One provider's turn, with every request it cost."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    provider: Provider
    model: str | None = None
    method: str | None = None
    """How structure was asked for: json_schema, function_calling or json_mode."""
    outcome: Outcome
    status: int | None = None
    """HTTP status, where there was one."""
    message: Annotated[str, Field(max_length=500)] = ""
    """The provider's own words or ours, keys masked; never an answer's content."""
    requests: int = 0
    repairs: int = 0
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    """The provider's own figure; None is unknown, not free."""
    seconds: float = 0.0


class Provenance(BaseModel):
    """Who answered, and everything that happened on the way."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    provider: Provider
    model: str | None = None
    method: str | None = None
    attempts: tuple[Attempt, ...]
    fallback_reason: str | None = None
    """Why the first provider did not answer; None when it did."""
    cached: bool = False
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: float | None = None
    seconds: float
    fingerprint: str
    """Digest of prompt, request, model and versions: equal fingerprints ask the same question."""
    versions: dict[str, str]


class SelectionResult(BaseModel):
    """The answer to a :class:`~clinical_model_selector.schemas.request.SelectionRequest`."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    plan: ModelSelectionPlan
    provenance: Provenance
    treatments: tuple[Treatment, ...] = ()
    warnings: list[str] = Field(default_factory=list)
    _question: Any = PrivateAttr(default=None)
    """The safe question that was asked; ``replan`` builds on it. Not part of the serialised result."""

    def _repr_html_(self) -> str:
        from .result_html import render_result_html  # costs a template engine, which only notebooks need

        return render_result_html(self)
