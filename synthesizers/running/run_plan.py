"""Carry out a plan: treat the table, fit the choice or else a backup, restore the table's form, fill in a run card."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from ...schemas.column_treatment import Treatment
from ...schemas.errors import MissingExtra, SynthesisFailed, TableError
from ...schemas.methods import CATALOGUE, Hyperparameters
from ...schemas.plan import ModelSelectionPlan
from ..encoding.apply_treatments import add_keys, codes_in, group_column, treat_table
from ..encoding.table_encoding import Bounds, Encoding
from .fit_process import FitFailed, FitLimits, FitRun, run_fit
from .holdout import split_rows
from .run_card import DPSpent, Failure, HeldOut, RunCard
from .run_histories import run_history_fit

__all__ = ["Say", "Synthesis", "carry_out"]

Say = Callable[[str], None]
"""Told what happens, one sentence at a time."""

_FEWEST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A synthetic table and how it came about."""

    table: pd.DataFrame
    card: RunCard


def carry_out(
    table: pd.DataFrame,
    plan: ModelSelectionPlan,
    treatments: Sequence[Treatment],
    *,
    environments: Path,
    seed: int | None = None,
    held_out: float = 0.0,
    limits: FitLimits | None = None,
    public: Mapping[str, Bounds] | None = None,
    say: Say | None = None,
) -> Synthesis:
    """Make the synthetic table that ``plan`` describes.

    Args:
        table: The real table.
        plan: Choice, backups, and how many rows.
        treatments: One for each column of ``table``.
        environments: Directory of the synthesizers' environments.
        seed: Makes a run repeatable; by default drawn at random and, for a DP method, told to nobody.
        held_out: Share of the rows, or of the persons, kept out of the fit for a later evaluation.
        limits: Time and memory of each fit.
        public: Column → bounds or levels that are public knowledge; without them no DP guarantee is formal.
        say: Told of each fit and of each failure.

    Raises:
        TableError: The treatments do not match the table, or too few rows are left to fit.
        SynthesisFailed: Neither choice nor backup could be run.
    """
    tell = say or _say_nothing
    given = seed
    seed = secrets.randbits(31) if seed is None else seed
    group = group_column(table, treatments)
    # Which rows were held out must be known to whoever evaluates; the seed of a fit need not be.
    split_seed = given if given is not None else secrets.randbits(31)
    inside, _ = split_rows(table, held_out, split_seed, group)
    today = date.today()
    fitted = treat_table(table, treatments, today).iloc[inside].reset_index(drop=True)
    if len(fitted) < _FEWEST_ROWS:
        raise TableError(f"{len(fitted)} rows are left to fit, at least {_FEWEST_ROWS} are needed")
    rows = max(1, min(plan.max_synth_rows, round(plan.sample_multiplier * len(table))))
    encoding = Encoding.of(fitted, public, codes_in(treatments))
    failures: list[Failure] = []
    for config in (plan.choice, *plan.backups):
        tell(f"fitting {config.method} to {len(fitted)} rows")
        try:
            if CATALOGUE[config.method].histories:
                run = run_history_fit(
                    table.iloc[inside].reset_index(drop=True),
                    treatments,
                    config,
                    patients=_patients(table, group, plan),
                    seed=seed,
                    environments=environments,
                    limits=limits,
                    public=public,
                    on=today,
                )
            else:
                run = run_fit(fitted, encoding, config, rows=rows, seed=seed, environments=environments, limits=limits)
        except (FitFailed, MissingExtra) as error:
            failures.append(Failure.model_validate({"method": config.method, "reason": str(error)}))
            tell(f"{config.method} failed: {error}")
            continue
        whole = run.table if CATALOGUE[config.method].histories else add_keys(run.table, table, treatments)
        hidden = config.is_dp and given is None
        card = _card(config, plan, failures, treatments, len(fitted), run, None if hidden else seed, encoding)
        kept_out = None
        if held_out:
            kept_out = HeldOut(share=held_out, seed=split_seed, group=None if group is None else str(group))
        return Synthesis(whole, card.model_copy(update={"treated_on": today, "held_out": kept_out}))
    raise SynthesisFailed({failure.method: failure.reason for failure in failures})


def _patients(table: pd.DataFrame, group: Any, plan: ModelSelectionPlan) -> int:
    """How many patients make the rows that the plan asks for."""
    persons = len(table) if group is None else int(table[group].nunique())
    most = plan.max_synth_rows * persons / max(len(table), 1)
    return max(1, round(min(plan.sample_multiplier * persons, most)))


def _card(
    config: Hyperparameters,
    plan: ModelSelectionPlan,
    failures: list[Failure],
    treatments: Sequence[Treatment],
    fitted: int,
    run: FitRun,
    seed: int | None,
    encoding: Encoding,
) -> RunCard:
    spent = None
    if config.is_dp:
        parts = {name: float(getattr(config, name)) for name in config.epsilon_fields}
        spent = DPSpent(
            epsilon=config.total_epsilon, delta=config.total_delta, parts=parts, public_bounds=encoding.public
        )
    return RunCard.model_validate(
        {
            "method": config.method,
            "plan": plan,
            "failures": failures,
            "treatments": tuple(treatments),
            "rows_fitted": fitted,
            "rows_made": len(run.table),
            "seed": seed,
            "repeatable": CATALOGUE[config.method].repeatable,
            "fit_seconds": run.fit_seconds,
            "fit_cpu_seconds": run.fit_cpu_seconds,
            "sample_seconds": run.sample_seconds,
            "peak_bytes": run.peak_bytes,
            "dp": spent,
            "versions": {"clinical-model-selector": version("clinical-model-selector"), **run.versions},
        }
    )


def _say_nothing(text: str) -> None:
    """For those who do not listen."""
