"""Carry out a plan: treat the table, fit the choice or else a backup, restore the table's form, fill in a run card."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.base import count_of
from ...schemas.column_treatment import Treatment
from ...schemas.compliance import DEFAULT_PROTECTION, ValueProtection
from ...schemas.errors import MissingExtra, SynthesisFailed, TableError
from ...schemas.methods import CATALOGUE, Hyperparameters, TableShape
from ...schemas.plan import ModelSelectionPlan
from ..encoding.apply_treatments import codes_in, group_column, outcome_in, persons_of, treat_table
from ..encoding.restore_columns import make_stand_in, reads_real_rows, restore_columns
from ..encoding.table_encoding import Bounds, Encoding
from ..progress import Say, Step, say_nothing
from ..protection.protect_table import protect_table
from ..protection.report import ProtectionReport
from ..rules.keeper import RuledTable, RuleKeeper, RulesAsked, keeper_for
from ..rules.report import RulesReport
from ..sizing import expected_wait
from .changes import protection_changes, treatment_changes
from .fit_process import FitFailed, FitLimits, FitRun, run_fit
from .holdout import canonical_order, split_rows
from .run_card import DPSpent, Failure, HeldOut, RunCard, Unprotected
from .run_histories import run_history_fit

__all__ = ["Recipe", "Synthesis", "carry_out", "rounded_down", "rows_of"]

_FEWEST_ROWS = 20


@dataclass(frozen=True, slots=True)
class Synthesis:
    """A synthetic table and how it came about."""

    table: pd.DataFrame
    card: RunCard
    recipe: Recipe | None = None
    """What it takes to make further rows of the fitted model; None where no model was kept."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How drawn rows become a table like the real one."""

    encoding: Encoding
    stand_in: pd.DataFrame
    """In place of the real table: its columns and how its keys repeat, no value of a modelled column."""
    treatments: tuple[Treatment, ...]
    k: int
    rows: int
    """Of the real table; rounded down under differential privacy."""
    keeper: RuleKeeper | None = None
    """What keeps rules in drawn rows; None where that was switched off."""

    @property
    def whole(self) -> Encoding:
        """How every column is coded, those among them that are not fitted but rebuilt."""
        return self.encoding if self.keeper is None else self.keeper.whole or self.encoding


@dataclass(frozen=True, slots=True)
class _FitInput:
    """What enters a fit."""

    table: pd.DataFrame
    encoding: Encoding
    report: ProtectionReport | None
    unprotected: Unprotected | None
    keeper: RuleKeeper | None = None


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
    target: str | None = None,
    protection: ValueProtection | None = DEFAULT_PROTECTION,
    rows: int | None = None,
    keep: Path | None = None,
    rules: RulesAsked | None = None,
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
        target: Column that must keep at least two values after protection.
        protection: How values of few persons are kept out; None where they are not (see ``protection_for``). A DP fit
            whose bounds and levels are all public is left as it is, since looking at exact counts would void its
            epsilon; unless dates, keys that repeat or gaps of a constant are put back, which no epsilon covers.
        rows: How many rows to make; by default the real table's times the plan's multiplier, the plan's limit kept.
        keep: A file for the fitted model; the result then has its recipe.
        rules: Which rules between columns are tried and kept; None leaves them to the model.
        say: Told of each fit and of each failure.

    Raises:
        SettingsError: The model is to be kept and its method's cannot be.
        TableError: The treatments do not match the table, too few rows are left to fit, or protection would leave the
            target one value.
        SynthesisFailed: Neither choice nor backup could be run.
    """
    tell = say or say_nothing
    given = seed
    seed = secrets.randbits(31) if seed is None else seed
    group = group_column(table, treatments)
    # Which rows were held out must be known to whoever evaluates; the seed of a fit need not be.
    split_seed = given if given is not None else secrets.randbits(31)
    inside, _ = split_rows(table, held_out, split_seed, group)
    order = canonical_order(table)
    inside = order[np.isin(order, inside)]
    today = date.today()
    fitted = treat_table(table, treatments, today).iloc[inside].reset_index(drop=True)
    if len(fitted) < _FEWEST_ROWS:
        raise TableError(f"only {count_of(len(fitted), 'row')} left to fit, at least {_FEWEST_ROWS} are needed")
    persons = persons_of(table, treatments)
    persons = None if persons is None else persons.iloc[inside].reset_index(drop=True)
    codes, outcome = codes_in(treatments), outcome_in(treatments)
    raw = _FitInput(
        fitted, Encoding.of(fitted, public, codes, outcome), None, "switched off" if protection is None else None
    )  # fmt: skip
    formal = raw.encoding.public and not reads_real_rows(table, treatments)
    kept_out = HeldOut(share=held_out, seed=split_seed, group=None if group is None else str(group))
    card: dict[str, Any] = {
        "plan": plan,
        "treatments": tuple(treatments),
        "treated_on": today,
        "held_out": kept_out if held_out else None,
    }
    failures: list[Failure] = []
    for config in (plan.choice, *plan.backups):
        source = raw
        histories = CATALOGUE[config.method].histories
        if config.is_dp and formal:
            source = replace(raw, unprotected="formal guarantee")
        elif protection is not None and not histories:
            made = protect_table(
                fitted, k=protection.k, persons=persons, target=target, public=public, missing_codes=codes,
                rare_levels=protection.rare_levels, seed=seed,
            )  # fmt: skip
            source = _FitInput(made.table, Encoding.of(made.table, public, codes, outcome), made.report, None)
        began = time.process_time()
        if rules is not None and not histories:
            ruled = RuledTable(
                fitted, source.table, persons, k=1 if protection is None else protection.k, missing_codes=codes,
                seed=seed, private=config.is_dp,
                fitted_as_is=frozenset(outcome) if CATALOGUE[config.method].survival else frozenset(),
            )  # fmt: skip
            keeper, shaped = keeper_for(rules, ruled)
            source = replace(source, table=shaped, encoding=Encoding.of(shaped, public, codes, outcome), keeper=keeper)
        rule_seconds = time.process_time() - began
        expected = expected_wait(config, _shape(source.encoding, len(fitted)))
        tell(Step(f"fitting {config.method} to {count_of(len(fitted), 'row')}", expected))
        real_rows = rounded_down(len(table)) if config.is_dp else len(table)
        wanted = rows or rows_of(plan, real_rows, tell)
        try:
            if histories and keep is not None:
                raise FitFailed("error", "its models cannot be kept yet", 0.0)
            if histories:
                run, report = run_history_fit(
                    table.iloc[inside].reset_index(drop=True),
                    treatments,
                    config,
                    patients=_patients(table, group, plan),
                    seed=seed,
                    environments=environments,
                    limits=limits,
                    public=public,
                    target=target,
                    protection=protection,
                    on=today,
                    say=say,
                )
                source = replace(raw, report=report)
            else:
                run = run_fit(
                    source.table,
                    source.encoding,
                    config,
                    rows=wanted,
                    seed=seed,
                    environments=environments,
                    limits=limits,
                    keep=keep,
                )
        except (FitFailed, MissingExtra) as error:
            failures.append(Failure.model_validate({"method": config.method, "reason": str(error)}))
            tell(f"{config.method} failed: {error}")
            continue
        k = 1 if protection is None else protection.k
        if source.keeper is not None:
            began = time.process_time()
            kept = source.keeper.rebuild(run.table, seed)
            run = replace(run, table=kept.table)
            card["rules"] = RulesReport(
                kept=kept.rules, refused=source.keeper.refused, cells_changed=kept.cells_changed,
                cpu_seconds=rule_seconds + time.process_time() - began,
            )  # fmt: skip
        whole = run.table if histories else restore_columns(run.table, table, treatments, seed=seed, k=k)
        hidden = config.is_dp and given is None
        told = _record(config, source, treatments, run, None if hidden else seed)
        recipe = None
        if keep is not None:
            stand_in = make_stand_in(table, treatments)
            recipe = Recipe(source.encoding, stand_in, tuple(treatments), k, real_rows, source.keeper)
        return Synthesis(whole, RunCard.model_validate({**card, "failures": failures, **told}), recipe)
    raise SynthesisFailed({failure.method: failure.reason for failure in failures})


def _shape(encoding: Encoding, rows: int) -> TableShape:
    """The shape of what is fitted, for an estimate of its cost."""
    levels = [len(column.levels) for column in encoding.columns if not column.numeric]
    return TableShape(
        rows=rows,
        columns=len(encoding.columns),
        continuous=len(encoding.columns) - len(levels),
        levels=sum(levels),
        max_levels=max(levels, default=0),
        high_cardinality=sum(count > 50 for count in levels),
        missing_share=0.0,
    )


def rows_of(plan: ModelSelectionPlan, real_rows: int, tell: Say) -> int:
    """The real number of rows times the plan's multiplier, as far as the plan's limit lets."""
    wanted = max(1, round(plan.sample_multiplier * real_rows))
    if wanted > plan.max_synth_rows:
        tell(f"{plan.max_synth_rows} rows are made and not {wanted}: the plan's max_synth_rows")
    return min(wanted, plan.max_synth_rows)


def rounded_down(count: int) -> int:
    """Two significant digits: the exact number of rows is a fact about the data."""
    unit: int = 10 ** max(len(str(count)) - 2, 0)
    return count // unit * unit


def _patients(table: pd.DataFrame, group: Any, plan: ModelSelectionPlan) -> int:
    """How many patients make the rows that the plan asks for."""
    persons = len(table) if group is None else int(table[group].nunique())
    most = plan.max_synth_rows * persons / max(len(table), 1)
    return max(1, round(min(plan.sample_multiplier * persons, most)))


def _record(
    config: Hyperparameters, source: _FitInput, treatments: Sequence[Treatment], run: FitRun, seed: int | None
) -> dict[str, Any]:
    """What the run card says of the fit that succeeded."""
    spent = None
    if config.is_dp:
        parts = {name: float(getattr(config, name)) for name in config.epsilon_fields}
        spent = DPSpent(
            epsilon=config.total_epsilon, delta=config.total_delta, parts=parts,
            public_bounds=source.unprotected == "formal guarantee",
        )  # fmt: skip
    return {
        "method": config.method,
        "rows_fitted": len(source.table),
        "rows_made": len(run.table),
        "seed": seed,
        "repeatable": CATALOGUE[config.method].repeatable,
        "fit_seconds": run.fit_seconds,
        "fit_cpu_seconds": run.fit_cpu_seconds,
        "sample_seconds": run.sample_seconds,
        "peak_bytes": run.peak_bytes,
        "dp": spent,
        "protection": source.report,
        "unprotected": source.unprotected,
        "changes": (*treatment_changes(treatments), *protection_changes(source.report)),
        "versions": {"clinical-model-selector": version("clinical-model-selector"), **run.versions},
    }
