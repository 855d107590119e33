"""The run card: what was done to make a synthetic table, enough to judge it and to do it again."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import Field

from ...schemas.base import Frozen
from ...schemas.column_treatment import Treatment
from ...schemas.methods import Method
from ...schemas.plan import ModelSelectionPlan
from ...schemas.result import RaceReport
from ...schemas.table.reading import ReadingChange
from ..protection.report import ProtectionReport
from ..rules.report import RulesReport

__all__ = ["ColumnChange", "DPSpent", "Failure", "HeldOut", "RunCard", "Unprotected"]


Unprotected = Literal["switched off", "formal guarantee"]
"""Why values of few were not taken out: the user's choice, or bounds and levels that are all public under DP."""


class ColumnChange(Frozen):
    """A column that is not in the output as it was in the real table."""

    column: str
    change: str


class Failure(Frozen):
    """A method of the plan that could not be run."""

    method: Method
    reason: str


class HeldOut(Frozen):
    """Which rows the fit did not see; with the same table they can be found again."""

    share: Annotated[float, Field(ge=0.0, lt=1.0)]
    seed: int
    group: str | None = None
    """The column that kept a person's rows together."""


class DPSpent(Frozen):
    """The privacy budget that a run used up."""

    epsilon: float
    """All parts added up."""
    delta: float
    parts: dict[str, float]
    public_bounds: bool
    """Every bound and level was given, and neither dates nor keys that repeat nor gaps of a constant are put back from
    the data; only then is the guarantee formal."""


class RunCard(Frozen):
    """One synthesis."""

    method: Method
    """What made the table: the plan's choice or, after failures, a backup."""
    plan: ModelSelectionPlan
    race: RaceReport | None = None
    """The fits that chose the plan, since a time budget does not repeat, or why there were none; None where untuned."""
    failures: tuple[Failure, ...] = ()
    treatments: tuple[Treatment, ...] = ()
    reading: tuple[ReadingChange, ...] = ()
    """What reading made of the real table before it was treated."""
    treated_on: date | None = None
    """The day that ages were counted to."""
    rows_fitted: int
    rows_made: int
    seed: int | None
    """None where it is kept secret: whoever knows the seed of a DP fit can take its noise off again."""
    repeatable: bool | None = None
    """Whether the same seed makes the same table again; None on cards from before it was told."""
    held_out: HeldOut | None = None
    fit_seconds: float
    fit_cpu_seconds: float
    sample_seconds: float
    peak_bytes: int
    dp: DPSpent | None = None
    protection: ProtectionReport | None = None
    """What was done to values of few persons; None where they were not protected."""
    unprotected: Unprotected | None = None
    """Why there was no protection."""
    rules: RulesReport | None = None
    """Which rules between columns were kept; None where that was switched off."""
    changes: tuple[ColumnChange, ...] = ()
    """What changed: identifiers that are new keys, columns left out, made coarser or held by too few."""
    versions: dict[str, str]
