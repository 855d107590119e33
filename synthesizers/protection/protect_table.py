"""``protect_table``: a table in which every value is held by at least k persons, or is nobody's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from ...schemas.compliance import RareLevels
from ...schemas.errors import TableError
from ..encoding.column_encoding import Bounds, ColumnCode, code_column, decode_column, to_codes, to_number
from .levels import protect_levels
from .numbers import protect_numbers
from .report import ColumnProtection, ProtectionReport

__all__ = ["ProtectedTable", "protect_table"]

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class ProtectedTable:
    """The table as it may enter a fit, and what was done to it."""

    table: pd.DataFrame
    report: ProtectionReport


def protect_table(
    table: pd.DataFrame,
    *,
    k: int,
    persons: pd.Series | None = None,
    target: str | None = None,
    public: Mapping[str, Bounds] | None = None,
    missing_codes: Mapping[str, tuple[float, ...]] | None = None,
    rare_levels: RareLevels = "pool",
    seed: int = 0,
) -> ProtectedTable:
    """The table without values that fewer than ``k`` persons hold; rows, columns and their order stay.

    A fit gets the protected rows, so that no model sees what must not come out. ``evaluate`` gets the protected real
    table by the same call, as the ceiling of what a synthesizer could reach.

    Levels: codes go to their parent (S72.0 to S72), other texts into ``other``, numbers and dates of few levels to
    common neighbours; words of the closed public vocabulary and 0/1 stay. Numbers, dates and durations: beyond the k-th
    person at either end they are drawn anew inside, exact values of few move among their k nearest persons; ties,
    steps and heaping stay. A column in which no value is held by ``k`` persons comes back empty.

    Args:
        table: Treated rows (see ``treat_table``): direct identifiers and free text are out already.
        k: Fewest persons that hold a value that stays; at least 2.
        persons: Each row's patient, in the order of ``table``; None counts every row as a person.
        target: Column that must keep at least two values.
        public: Column → bounds or levels that are public knowledge; public levels stay however few hold them.
        missing_codes: Column → numbers that stand for a missing cell.
        rare_levels: Pool rare texts into ``other``, or draw them anew among the common ones.
        seed: Equal arguments give equal tables.

    Raises:
        TableError: Protection would leave the target fewer than two values (the message names the column), or nothing
            at all.
    """
    if k < 2:
        raise ValueError("k counts persons: at least 2")
    who = _person_codes(table, persons)
    public, missing_codes = public or {}, missing_codes or {}
    rng = np.random.default_rng(seed)
    columns: dict[Any, pd.Series] = {}
    reports: list[ColumnProtection] = []
    for name in table.columns:
        key = str(name)
        code = code_column(table[name], name, "c1", public.get(key), missing_codes.get(key, ()))
        protect = _protect_numbers if code.numeric else _protect_levels
        columns[name], report = protect(table[name], code, who, k, rng, rare_levels)
        if report.changed or report.public_levels_kept:
            reports.append(report)
        if key == target and table[name].nunique() > 1 and columns[name].nunique() < 2:
            raise TableError(
                f"column {key!r}: fewer than two values of the target are held by {k} persons or more, so that nothing "
                "would be left to predict; join its rare levels, choose another target, or lower the number of persons"
            )
    if table.columns.size and all(cells.isna().all() for cells in columns.values()):
        raise TableError(f"no value in this table is held by {k} persons or more: nothing would be left to fit")
    unit: Literal["patient", "row"] = "row" if persons is None else "patient"
    return ProtectedTable(
        pd.DataFrame(columns, index=table.index), ProtectionReport(k=k, unit=unit, columns=tuple(reports))
    )


def _person_codes(table: pd.DataFrame, persons: pd.Series | None) -> Ints:
    if persons is None:
        return np.arange(len(table), dtype=np.int64)
    return np.asarray(pd.factorize(persons.to_numpy(), use_na_sentinel=False)[0], dtype=np.int64)


def _protect_levels(
    cells: pd.Series, code: ColumnCode, persons: Ints, k: int, rng: np.random.Generator, rare_levels: RareLevels
) -> tuple[pd.Series, ColumnProtection]:
    levels = tuple(level for level in code.levels if level is not None)
    categorical = isinstance(cells.dtype, pd.CategoricalDtype)
    ordered = (categorical and cells.cat.ordered) or not any(isinstance(level, str) for level in levels)
    protected = protect_levels(
        to_codes(cells, replace(code, levels=levels)), levels, persons, k, rng,
        rare_levels="redraw" if ordered else rare_levels, ordered=bool(ordered), public=code.public,
    )  # fmt: skip
    report = ColumnProtection(
        column=str(code.name),
        levels_generalised=protected.generalised,
        levels_pooled=protected.pooled,
        levels_redrawn=protected.redrawn,
        public_levels_kept=protected.public_kept,
        withheld=protected.withheld,
    )
    if protected.levels == levels and not report.changed:
        return cells, report
    values = [None if i < 0 else protected.levels[i] for i in protected.indices.tolist()]
    if categorical:
        dtype = pd.CategoricalDtype(list(protected.levels), ordered=cells.cat.ordered)
        return pd.Series(pd.Categorical(values, dtype=dtype), index=cells.index, name=cells.name), report
    return _typed(values, cells), report


def _protect_numbers(
    cells: pd.Series, code: ColumnCode, persons: Ints, k: int, rng: np.random.Generator, rare_levels: RareLevels
) -> tuple[pd.Series, ColumnProtection]:
    values = to_number(cells, code)
    reasons = np.where(np.isnan(values), "1", "0").astype(object)
    for position, missing in enumerate(code.codes):
        at = values == missing
        # A code that few hold becomes an empty cell; where the type has none, a number drawn inside.
        rare = len(np.unique(persons[at])) < k
        reasons[at] = "1" if rare else str(position + 2)
        values[at] = np.nan
    protected = protect_numbers(values, persons, k, rng, code.decimals)
    report = ColumnProtection(
        column=str(code.name),
        extremes_redrawn=protected.extremes,
        values_smoothed=protected.smoothed,
        withheld=protected.withheld,
    )
    if protected.withheld:
        return _typed([None] * len(cells), cells), report
    if not report.changed and not code.codes:
        return cells, report
    whole = isinstance(cells.dtype, np.dtype) and cells.dtype.kind in "iu"
    if whole and (reasons == "1").any():
        drawn = rng.choice(protected.values[~np.isnan(protected.values)], int((reasons == "1").sum()))
        protected.values[reasons == "1"] = drawn
        reasons[reasons == "1"] = "0"
    open_code = replace(code, lower=-np.inf, upper=np.inf, has_empty=bool((reasons == "1").any()))
    made = decode_column(pd.Series(protected.values), pd.Series(reasons), open_code)
    return made.set_axis(cells.index).rename(cells.name), report


def _typed(values: list[Any], cells: pd.Series) -> pd.Series:
    """``values`` with the type of ``cells``, or the nearest one that knows missing cells."""
    dtype: Any = cells.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biu" and any(value is None for value in values):
        dtype = "boolean" if dtype.kind == "b" else dtype.name.replace("i", "I", 1).replace("u", "U", 1)
    return pd.Series(values, index=cells.index, name=cells.name, dtype=object).astype(dtype)
