"""``synthesize``: a plan carried out on a table, profiled first where the plan comes without treatments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..profiling import open_table, profile_table
from ..profiling.readers.to_pandas import as_frame
from ..schemas.column_treatment import Treatment
from ..schemas.plan import ModelSelectionPlan
from ..schemas.result import SelectionResult
from ..schemas.settings import Settings
from ..synthesizers.encoding.table_encoding import Bounds
from ..synthesizers.running.fit_process import FitLimits
from ..synthesizers.running.run_plan import Say, Synthesis, carry_out

__all__ = ["synthesize"]


def synthesize(
    table: Any,
    plan: ModelSelectionPlan | SelectionResult,
    *,
    patient_id: str | None = None,
    seed: int | None = None,
    held_out: float = 0.2,
    limits: FitLimits | None = None,
    public: Mapping[str, Bounds] | None = None,
    settings: Settings | None = None,
    say: Say | None = None,
) -> Synthesis:
    """The synthetic table that ``plan`` describes, with its run card.

    Args:
        table: Whatever ``open_table`` takes, or its handle.
        plan: A plan, or a selection's result, whose treatments are then used.
        patient_id: Column that tells patients apart; used where the table must be profiled.
        seed: Makes a run repeatable; leave it out for DP methods.
        held_out: Share of rows or patients that the fit does not see, so that ``evaluate`` can judge disclosure.
        limits: Time and memory of each fit.
        public: Column → bounds or levels that are public knowledge.
        settings: Defaults to the environment and .env.
        say: Told of each fit and each failure.

    Raises:
        TableError: The table cannot be profiled, or does not match the treatments.
        SynthesisFailed: Neither choice nor backup could be run.
    """
    handle = open_table(table)
    treatments: tuple[Treatment, ...] = plan.treatments if isinstance(plan, SelectionResult) else ()
    if not treatments or any(item.column is None for item in treatments):
        profile = profile_table(handle, patient_id=patient_id)
        treatments = tuple(column.treatment for column in profile.columns)
    settings = settings if settings is not None else Settings()
    return carry_out(
        as_frame(handle),
        plan.plan if isinstance(plan, SelectionResult) else plan,
        treatments,
        environments=Path(settings.selector_environments).expanduser(),
        seed=seed,
        held_out=held_out,
        limits=limits,
        public=public,
        say=say,
    )
