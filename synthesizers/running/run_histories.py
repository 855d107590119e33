"""Carry out a plan for histories: one table of several rows a patient, or a set of linked tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

import pandas as pd

from ...schemas.column_treatment import Treatment
from ...schemas.compliance import ValueProtection
from ...schemas.errors import TableError
from ...schemas.methods import Hyperparameters
from ..encoding.apply_treatments import group_column
from ..encoding.history_tables import code_histories
from ..encoding.linked_set import LinkedSet, LinkedTable
from ..encoding.linked_tables import PreparedSet, prepare_set, restore_set
from ..encoding.table_encoding import Bounds
from ..progress import Say
from ..protection.protect_table import protect_table
from ..protection.report import ProtectionReport
from .fit_process import FitLimits, FitRun, run_coded

__all__ = ["HistoryFit", "fit_set", "one_table", "protect_set", "run_history_fit"]

_SAY_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class HistoryFit:
    """Synthetic tables and how they came about."""

    tables: dict[str, pd.DataFrame]
    run: FitRun
    """With the coded rows."""
    report: ProtectionReport | None


def one_table(table: pd.DataFrame, treatments: Sequence[Treatment]) -> LinkedSet:
    """A table of several rows a patient as a set of one.

    Raises:
        TableError: No column tells patients apart.
    """
    patient = group_column(table, treatments)
    if patient is None:
        raise TableError("no column tells patients apart, so that their rows cannot be kept together")
    return LinkedSet((LinkedTable("table", table, tuple(treatments), patient, births=False),))


def fit_set(
    tables: LinkedSet,
    config: Hyperparameters,
    *,
    patients: int,
    seed: int,
    environments: Path,
    limits: FitLimits | None = None,
    public: Mapping[str, Bounds] | None = None,
    target: str | None = None,
    protection: ValueProtection | None = None,
    on: date | None = None,
    say: Say | None = None,
) -> HistoryFit:
    """Fit ``config`` to a set and draw ``patients`` synthetic ones with their rows.

    Args:
        tables: The fit's rows.
        config: Method and hyper-parameters.
        patients: How many to draw.
        seed: Of the fit.
        environments: Directory of the synthesizers' environments.
        limits: Time and memory.
        public: Column → bounds or levels that are public knowledge.
        target: Column that must keep at least two values after protection.
        protection: How values of few patients are kept out; its number of them counts where it is above the plan's.
        on: The day that ages are counted to.
        say: Told of the share of the fit that is done, every few seconds.

    Raises:
        TableError: Nothing is left to fit, or treatments do not match.
        MissingExtra: No interpreter here can run the method.
        FitFailed: The fit crashed, raised, or ran over a limit.
    """
    prepared = prepare_set(tables, on=on)
    report = None
    if protection is not None:
        prepared, report = protect_set(prepared, protection, target=target, public=public, seed=seed)
    k = 1 if protection is None else protection.k
    coded = code_histories(
        prepared.people, prepared.events, end=prepared.end, missing_codes=prepared.missing_codes, public=public
    )
    run = run_coded(
        coded.table,
        coded.columns,
        config,
        rows=patients,
        seed=seed,
        environments=environments,
        limits=limits,
        knobs={"patients_per_leaf": max(int(config.knobs().get("patients_per_leaf", k)), k)},
        watch=None if say is None else _shares(config.method, say),
    )
    people, events = coded.decode(run.table)
    return HistoryFit(restore_set(tables, prepared, people, events, k=k, seed=seed), run, report)


def protect_set(
    prepared: PreparedSet,
    protection: ValueProtection,
    *,
    target: str | None = None,
    public: Mapping[str, Bounds] | None = None,
    seed: int = 0,
) -> tuple[PreparedSet, ProtectionReport]:
    """A set without values that few patients hold; the times of rows are left, since gaps are drawn and not times.

    Args:
        prepared: Statics and event rows.
        protection: How many patients, and what becomes of rare levels.
        target: Column that must keep at least two values.
        public: Column → bounds or levels that are public knowledge.
        seed: Of the draws.

    Raises:
        TableError: Protection would leave the target one value, or nothing at all.
    """
    options: dict[str, Any] = {
        "k": protection.k,
        "public": public,
        "missing_codes": prepared.missing_codes,
        "rare_levels": protection.rare_levels,
        "seed": seed,
    }
    people, reports = prepared.people, []
    if people.shape[1]:
        wanted = next((name for name, home in prepared.homes.items() if home[1] == target), None)
        done = protect_table(people, target=wanted, **options)
        people = done.table
        reports += [c.model_copy(update={"column": _home(prepared, c.column)}) for c in done.report.columns]
    events = []
    for rows in prepared.events:
        others = [name for name in rows.cells if name != rows.time]
        if others:
            done = protect_table(rows.cells[others], persons=pd.Series(rows.owners), target=target, **options)
            rows = replace(rows, cells=rows.cells.assign(**{str(n): done.table[n] for n in others}))
            reports += list(done.report.columns)
        events.append(rows)
    report = ProtectionReport(k=protection.k, unit="patient", columns=tuple(reports))
    return replace(prepared, people=people, events=tuple(events)), report


def _shares(method: str, say: Say) -> Callable[[float], None]:
    """Says the share of a fit that is done, no oftener than one can read."""
    due, last = monotonic() + _SAY_SECONDS, 0.0

    def watch(share: float) -> None:
        nonlocal due, last
        if monotonic() >= due and share > last:
            due, last = monotonic() + _SAY_SECONDS, share
            say(f"fitting {method}: {share:.0%}")

    return watch


def _home(prepared: PreparedSet, column: str) -> str:
    home = prepared.homes.get(column)
    return column if home is None else str(home[1])


def run_history_fit(
    table: pd.DataFrame, treatments: Sequence[Treatment], config: Hyperparameters, **options: Any
) -> tuple[FitRun, ProtectionReport | None]:
    """:func:`fit_set` of one table; the run holds the whole table.

    Args:
        table: The fit's rows as they are in the real table.
        treatments: One for each of its columns.
        config: Method and hyper-parameters.
        **options: As for :func:`fit_set`.
    """
    made = fit_set(one_table(table, treatments), config, **options)
    return replace(made.run, table=made.tables["table"]), made.report
