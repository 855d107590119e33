"""Carry out a plan for histories: one table of several rows a patient, or a set of linked tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from ...schemas.column_treatment import Treatment
from ...schemas.errors import TableError
from ...schemas.methods import Hyperparameters
from ..encoding.apply_treatments import group_column
from ..encoding.history_tables import code_histories
from ..encoding.linked_tables import LinkedSet, LinkedTable, prepare_set, restore_set
from ..encoding.table_encoding import Bounds
from .fit_process import FitLimits, FitRun, run_coded

__all__ = ["fit_set", "one_table", "run_history_fit"]


def one_table(table: pd.DataFrame, treatments: Sequence[Treatment]) -> LinkedSet:
    """A table of several rows a patient as a set of one.

    Raises:
        TableError: No column tells patients apart.
    """
    patient = group_column(table, treatments)
    if patient is None:
        raise TableError("no column tells patients apart, so that their rows cannot be kept together")
    return LinkedSet((LinkedTable("table", table, tuple(treatments), patient),))


def fit_set(
    tables: LinkedSet,
    config: Hyperparameters,
    *,
    patients: int,
    seed: int,
    environments: Path,
    limits: FitLimits | None = None,
    public: Mapping[str, Bounds] | None = None,
    k: int = 0,
    restore_dates: bool = True,
    on: date | None = None,
) -> tuple[dict[str, pd.DataFrame], FitRun]:
    """Fit ``config`` to a set and draw ``patients`` synthetic ones with their rows.

    Args:
        tables: The fit's rows.
        config: Method and hyper-parameters.
        patients: How many to draw.
        seed: Of the fit.
        environments: Directory of the synthesizers' environments.
        limits: Time and memory.
        public: Column → bounds or levels that are public knowledge.
        k: Persons that the level of protection asks for, where they are more than the plan's.
        restore_dates: Dates come back as dates, from a synthetic first day on; else as their treatments say.
        on: The day that ages are counted to.

    Returns:
        Table name → synthetic table, and the run with the coded rows.

    Raises:
        TableError: Nothing is left to fit, or treatments do not match.
        MissingExtra: No interpreter here can run the method.
        FitFailed: The fit crashed, raised, or ran over a limit.
    """
    prepared = prepare_set(tables, restore_dates=restore_dates, on=on)
    coded = code_histories(
        prepared.people, prepared.events, end=prepared.end, missing_codes=prepared.missing_codes, public=public
    )
    least = int(config.knobs().get("patients_per_leaf", k))
    run = run_coded(
        coded.table,
        coded.columns,
        config,
        rows=patients,
        seed=seed,
        environments=environments,
        limits=limits,
        knobs={"patients_per_leaf": max(least, k)},
    )
    people, events = coded.decode(run.table)
    return restore_set(tables, prepared, people, events), run


def run_history_fit(
    table: pd.DataFrame, treatments: Sequence[Treatment], config: Hyperparameters, **options: Any
) -> FitRun:
    """:func:`fit_set` of one table, whose dates come back as its treatments say; the run holds the whole table.

    Args:
        table: The fit's rows as they are in the real table.
        treatments: One for each of its columns.
        config: Method and hyper-parameters.
        **options: As for :func:`fit_set`.
    """
    made, run = fit_set(one_table(table, treatments), config, restore_dates=False, **options)
    return replace(run, table=made["table"])
