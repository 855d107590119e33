"""What a caller asks for."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from .compliance import Compliance
from .plan import ModelSelectionPlan
from .profile import Kind, SafeProfile, TableProfile

__all__ = ["Deployment", "EvidenceMetrics", "EvidencePolicy", "PreviousRound", "SelectionRequest", "Tradeoff"]

Tradeoff = Literal["balanced", "fidelity", "utility", "privacy", "speed"]
Deployment = Literal["internal", "saas"]
EvidencePolicy = Literal["advise", "enforce", "off"]
"""What becomes of a language model's choice that the measurements speak against: a warning, another choice, nothing."""


class EvidenceMetrics(BaseModel):
    """How a plan did when it was run; all optional, since callers measure different things."""

    model_config = ConfigDict(extra="allow", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)

    fidelity: float | None = None
    """Column shapes and pair trends, 0 to 1, higher is better."""
    utility: float | None = None
    """TSTR over TRTR, higher is better."""
    membership_auc: float | None = None
    """Membership-inference AUC; 0.5 is chance."""
    failed: bool = False
    """The fit crashed or ran over a limit."""


class PreviousRound(BaseModel):
    """The plan of the last round and what came of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    plan: ModelSelectionPlan
    metrics: EvidenceMetrics


class SelectionRequest(BaseModel):
    """A table (or its ready profile) with the user's constraints.

    ``table`` takes a path, or a pandas, polars or Arrow table, or a DuckDB relation. It is profiled locally and never
    becomes part of a prompt, a trace or a cache.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True)

    table: Any = Field(default=None, repr=False, description="path, or pandas, polars, Arrow or DuckDB table")
    profile: SafeProfile | TableProfile | None = None
    target: str | None = None
    patient_id: str | None = None
    kinds: dict[str, Kind] = Field(default_factory=dict)
    """Column name → kind, where the user knows better than the rules."""
    goal: Annotated[str, Field(max_length=2000)] | None = None
    instructions: Annotated[str, Field(max_length=2000)] | None = None
    tradeoff: Tradeoff = "balanced"
    compliance: Compliance | None = None
    """None takes the setting COMPLIANCE_LEVEL."""
    require_dp: bool = False
    epsilon_max: Annotated[float, Field(gt=0.0)] | None = None
    """Total budget, all epsilons added up; the policy's limit holds besides."""
    allowed: tuple[str, ...] | None = None
    deployment: Deployment = "internal"
    max_fit_seconds: Annotated[float, Field(gt=0.0)] | None = None
    evidence_policy: EvidencePolicy | None = None
    """None takes the setting SELECTOR_EVIDENCE_POLICY."""
    previous: PreviousRound | None = None
    provider: Literal["auto", "openrouter", "ollama", "embedded"] = "auto"
    model: str | None = None
    """Overrides the model id of the provider asked first."""

    @field_validator("allowed")
    @classmethod
    def _known_methods(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if value is None:
            return None
        if not value:
            raise ValueError("allowed is empty: name at least one synthesizer, or leave it out to allow all")
        return tuple(dict.fromkeys(value))

    @model_validator(mode="after")
    def _table_or_profile(self) -> Self:
        if (self.table is None) == (self.profile is None):
            raise ValueError("give either a table or a ready profile")
        return self
