"""Carry out a plan for histories: one table of several rows a patient, or a set of linked tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.column_treatment import Treatment
from ...schemas.compliance import ValueProtection
from ...schemas.errors import TableError
from ...schemas.methods import Hyperparameters
from ..encoding.apply_treatments import group_column
from ..encoding.history_tables import EventRows, code_histories
from ..encoding.sets.linked_set import LinkedSet, LinkedTable
from ..encoding.sets.prepared_set import PreparedSet, prepare_set
from ..encoding.sets.restored_set import restore_set
from ..encoding.table_encoding import Bounds
from ..progress import Say
from ..protection.protect_table import protect_table
from ..protection.report import ProtectionReport
from .fit_process import FitLimits, FitRun, run_coded

__all__ = ["HistoryFit", "fit_set", "keep_order", "keep_pairs", "one_table", "protect_set", "run_history_fit"]

_SAY_SECONDS = 2.0
_FEWEST_LEVELS = 3
"""Of a column that determines another; two values determine much by chance."""
_FEWEST_REPEATED = 20
"""Rows of values that come more than once: a value that comes once determines everything."""


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
    prepared = raw = prepare_set(tables, on=on)
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
    people = keep_pairs(raw.people, people, np.arange(len(raw.people)), k)
    events = [
        replace(rows, cells=keep_order(own, keep_pairs(own.cells, rows.cells, own.owners, k, (own.time, *own.dates))))
        for own, rows in zip(raw.events, events, strict=True)
    ]
    return HistoryFit(restore_set(tables, prepared, people, events, k=k, seed=seed), run, report)


def keep_pairs(
    real: pd.DataFrame, drawn: pd.DataFrame, owners: np.ndarray[Any, Any], k: int, without: Sequence[Any] = ()
) -> pd.DataFrame:
    """``drawn`` with each value that has one partner in another column of ``real`` beside that partner.

    A code determines its text, and a term its class: a tree that draws the one from the other still mixes them up in
    leaves of several codes. What fewer than k patients hold has left the table before the fit, and is left as drawn.

    Args:
        real: Real rows, before protection.
        drawn: Synthetic ones with the same columns.
        owners: Whose row each real one is.
        k: Patients who must hold a value for its partner to come out.
        without: Columns that are left alone, such as times.
    """
    names = [n for n in real if n not in without and n in drawn and not pd.api.types.is_float_dtype(real[n].dtype)]
    codes = {name: pd.factorize(real[name], use_na_sentinel=False)[0] for name in names}
    # Those of many values first: what they determine may determine others.
    names.sort(key=lambda name: -len(np.unique(codes[name])))
    made = drawn.copy()
    for first in names:
        levels, place, counts = np.unique(codes[first], return_index=True, return_counts=True)
        if not _FEWEST_LEVELS <= len(levels) <= len(real) / 2:
            continue
        holders = pd.Series(owners).groupby(codes[first]).nunique().reindex(levels).to_numpy()
        common = (holders >= k) & real[first].iloc[place].notna().to_numpy()
        if owners[np.isin(codes[first], levels[counts > 1])].size < _FEWEST_REPEATED:
            continue
        for second in names:
            pairs = np.unique(np.column_stack([codes[first], codes[second]]), axis=0)
            if first == second or len(pairs) > len(levels) or len(np.unique(codes[second])) < 2:
                continue
            rows = place[common]
            partners = dict(zip(map(str, real[first].iloc[rows]), real[second].iloc[rows], strict=True))
            made[second] = _partnered(made[first], made[second], partners)
    return made


def keep_order(real: EventRows, drawn: pd.DataFrame) -> pd.DataFrame:
    """``drawn`` with no date before another that it never lies before in any real row: the later one moves up to it.

    Args:
        real: Real rows, whose dates are days from the row's own time on.
        drawn: Synthetic cells, dates on one scale.
    """
    days = {name: pd.to_numeric(real.cells[name], errors="coerce").to_numpy(dtype=float) for name in real.dates}
    # By their medians: what a move may break stands behind it.
    names = sorted(days, key=lambda name: float(np.nanmedian(days[name])) if not np.isnan(days[name]).all() else 0.0)
    made = drawn.copy()
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            known = ~(np.isnan(days[first]) | np.isnan(days[second]))
            if len(np.unique(real.owners[known])) < _FEWEST_REPEATED or (days[first] > days[second])[known].any():
                continue
            made[second] = made[second].mask(made[first] > made[second], made[first])
    return made


def _partnered(first: pd.Series, second: pd.Series, partners: Mapping[str, Any]) -> pd.Series:
    keys = first.astype(str).where(first.notna())
    has = keys.isin(partners)
    cells = second.astype(object).where(~has, keys.map(partners))
    if isinstance(second.dtype, pd.CategoricalDtype):
        return pd.Series(pd.Categorical(cells, categories=second.cat.categories), index=second.index)
    return cells.astype(second.dtype) if cells.notna().all() or second.dtype.kind == "O" else cells


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
