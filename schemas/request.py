"""What a caller asks for."""

from __future__ import annotations

from typing import Any, Self

from pydantic import ConfigDict, Field, model_validator

from .base import Frozen
from .options import SelectionOptions
from .plan import ModelSelectionPlan
from .profile import Kind, SafeProfile, TableProfile

__all__ = ["EvidenceMetrics", "Landmark", "PreviousRound", "SelectionRequest"]


class EvidenceMetrics(Frozen):
    """How a plan did when it was run; all optional, since callers measure different things."""

    model_config = ConfigDict(extra="allow", allow_inf_nan=False)

    fidelity: float | None = None
    """Column shapes and pair trends, 0 to 1, higher is better."""
    utility: float | None = None
    """TSTR over TRTR, higher is better."""
    membership_auc: float | None = None
    """Membership-inference AUC; 0.5 is chance."""
    failed: bool = False
    """The fit crashed or ran over a limit."""


class PreviousRound(Frozen):
    """The plan of the last round and what came of it."""

    plan: ModelSelectionPlan
    metrics: EvidenceMetrics


class Landmark(Frozen):
    """What a cheap synthesizer had when it was fitted once to the table itself: two digits, since a prompt holds it."""

    method: str
    caution: float
    """Level of its hyper-parameters."""
    fidelity: float
    """Between 0 and 1, like the next two."""
    utility: float | None
    risk: float | None


class SelectionRequest(SelectionOptions):
    """A table (or its ready profile) with the user's constraints.

    ``table`` takes a path, or a pandas, polars or Arrow table, or a DuckDB relation. It is profiled locally and never
    becomes part of a prompt, a trace or a cache.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    table: Any = Field(default=None, repr=False, description="path, or pandas, polars, Arrow or DuckDB table")
    profile: SafeProfile | TableProfile | None = None
    target: str | None = None
    patient_id: str | None = None
    time: str | None = None
    """Column that tells when a row was, where a patient has several."""
    keys: dict[str, str] = Field(default_factory=dict)
    """Of linked tables: table → column that holds the patient's key, where it is not to be found."""
    static: tuple[str, ...] = ()
    """Columns that are the same in all rows of a patient, besides those that are found to be."""
    kinds: dict[str, Kind] = Field(default_factory=dict)
    """Column name → kind, where the user knows better than the rules."""
    concepts: dict[str, str] = Field(default_factory=dict)
    """Column name → clinical concept, where the user knows better than the recogniser."""
    previous: PreviousRound | None = None
    landmarks: tuple[Landmark, ...] = ()
    """What cheap synthesizers had on this table, where it was measured already."""

    @model_validator(mode="after")
    def _table_or_profile(self) -> Self:
        if (self.table is None) == (self.profile is None):
            raise ValueError("give either a table or a ready profile")
        return self
