"""The options of a selection, each declared here and nowhere else.

Request, resolved constraints, fingerprint, command line, page and OpenAPI derive from :class:`SelectionOptions`. A new
option is one field with its docstring, which is its help; the code that acts on it comes besides. This module imports
pydantic and nothing heavy: help texts need it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, field_validator

from .base import Frozen
from .compliance import Compliance

__all__ = ["Deployment", "EvidencePolicy", "ProviderChoice", "SelectionOptions", "Tradeoff", "Words"]

Tradeoff = Literal["balanced", "fidelity", "utility", "privacy", "speed"]
Deployment = Literal["internal", "saas"]
EvidencePolicy = Literal["advise", "enforce", "off"]
"""What becomes of a language model's choice that the measurements speak against: a warning, another choice, nothing."""
ProviderChoice = Literal["auto", "openrouter", "ollama", "embedded"]


@dataclass(frozen=True, slots=True)
class Words:
    """Marks the user's own words: names of columns in them become aliases before they leave this machine."""


_FreeText = Annotated[str | None, Field(max_length=2000), Words()]


class SelectionOptions(Frozen):
    """What a caller may ask of a selection; every field has a default."""

    model_config = ConfigDict(use_attribute_docstrings=True, allow_inf_nan=False)

    goal: _FreeText = None
    """What the synthetic table is for."""
    instructions: _FreeText = None
    """What the provider should heed besides."""
    tradeoff: Tradeoff = "balanced"
    """What matters most."""
    compliance: Compliance | None = None
    """Level to be judged by; by default the setting COMPLIANCE_LEVEL."""
    allowed: tuple[Annotated[str, Field(max_length=40)], ...] | None = Field(default=None, min_length=1, max_length=40)
    """Choose among these synthesizers only."""
    require_dp: bool = False
    """Only differentially private synthesizers."""
    epsilon_max: float | None = Field(default=None, ge=1e-3, le=1e6)
    """Largest privacy budget, all parts added up; the level's limit holds besides."""
    deployment: Deployment = "internal"
    """Where it will run: saas leaves out licences that bar offering it as a service."""
    single_rows: bool = False
    """Synthetic patients of one row each, though the table has several rows a patient."""
    max_fit_seconds: float | None = Field(default=None, gt=0.0, le=1e9)
    """Longest fit, in estimated CPU seconds."""
    evidence_policy: EvidencePolicy | None = None
    """Where measurements speak against a model's choice: warn, replace it, or nothing; by default the setting
    SELECTOR_EVIDENCE_POLICY."""
    measure: bool | None = None
    """Fit the cheap synthesizers to the table once, for better expectations; by default the setting SELECTOR_MEASURE.
    It needs the table itself and the extra light."""
    provider: ProviderChoice = "auto"
    """Who is asked."""
    model: str | None = Field(default=None, min_length=1, max_length=200)
    """Model of the provider that is asked first."""

    @field_validator("allowed", mode="before")
    @classmethod
    def _split_names(cls, value: Any) -> Any:
        """A list, or names with commas between them."""
        if isinstance(value, str):
            value = [name.strip() for name in value.split(",") if name.strip()]
        if not isinstance(value, list | tuple):
            return value
        if not value:
            raise ValueError("allowed is empty: name at least one synthesizer, or leave it out to allow all")
        return tuple(dict.fromkeys(value))

    @classmethod
    def free_text(cls) -> tuple[str, ...]:
        """Fields that hold the user's own words."""
        return tuple(name for name, field in cls.model_fields.items() if Words() in field.metadata)
