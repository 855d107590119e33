"""Treat a table before a fit: drop, replace by arbitrary keys, or coarsen, as the rules decided for each column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ..schemas.errors import TableError
from ..schemas.treatment import Treatment

__all__ = ["KEY_ACTION", "add_keys", "group_column", "treat_table"]

KEY_ACTION = "pseudonymise"

_AGE_CAP = 90
"""Ages of 90 and over are one class (45 CFR 164.514(b)(2)(i)(C))."""

_SPARSE_POSTCODES = frozenset(
    [
        "036",
        "059",
        "063",
        "102",
        "203",
        "556",
        "692",
        "790",
        "821",
        "823",
        "830",
        "831",
        "878",
        "879",
        "884",
        "890",
        "893",
    ]
)
"""Three-digit areas of 20,000 people or fewer in the 2000 census, as HHS lists them."""


def treat_table(table: pd.DataFrame, treatments: Sequence[Treatment]) -> pd.DataFrame:
    """What may enter a fit: without dropped and pseudonymised columns, the others coarsened where a rule says so.

    Raises:
        TableError: A treatment does not name its column, or names one that is not there, or a column has no treatment.
    """
    by_name = {item.column: item for item in treatments}
    if None in by_name:
        raise TableError("these treatments hold no column names: they come from a profile that had none")
    if set(by_name) != set(map(str, table.columns)):
        raise TableError("the table's columns are not those that the treatments were made for")
    dates = [name for name in table.columns if _is_relative(by_name[str(name)])]
    first = _first_dates(table, dates, group_column(table, treatments))
    found = {}
    for name in table.columns:
        treatment = by_name[str(name)]
        if treatment.action == "keep":
            found[name] = table[name]
        elif treatment.action == "generalise":
            found[name] = _generalise(table[name], treatment, first)
    if not found:
        raise TableError("no column is left to fit after the treatments")
    return pd.DataFrame(found)


def group_column(table: pd.DataFrame, treatments: Sequence[Treatment]) -> str | None:
    """The pseudonymised column that groups a person's rows; None where every row is a person."""
    for item in treatments:
        if item.action == KEY_ACTION and item.column in table.columns and table[item.column].duplicated().any():
            return item.column
    return None


def add_keys(synthetic: pd.DataFrame, table: pd.DataFrame, treatments: Sequence[Treatment]) -> pd.DataFrame:
    """Put arbitrary keys where identifiers were, and every column back in its place.

    The keys are the row numbers: they lead nowhere, and synthetic rows belong to nobody.
    """
    keys = {item.column for item in treatments if item.action == KEY_ACTION}
    found: dict[Any, Any] = {}
    for name in table.columns:
        if name in synthetic.columns:
            found[name] = synthetic[name]
        elif str(name) in keys:
            numbers = np.arange(1, len(synthetic) + 1)
            found[name] = numbers if pd.api.types.is_numeric_dtype(table[name].dtype) else [f"S{n}" for n in numbers]
    return pd.DataFrame(found, index=synthetic.index)


def _is_relative(treatment: Treatment) -> bool:
    return treatment.action == "generalise" and "first date" in treatment.rule


def _first_dates(table: pd.DataFrame, dates: list[Any], group: str | None) -> pd.Series:
    if not dates:
        return pd.Series(dtype="datetime64[ns]")
    moments = pd.DataFrame({name: _moments(table[name]) for name in dates})
    earliest = moments.min(axis=1)
    return earliest if group is None else earliest.groupby(table[group]).transform("min")


def _generalise(cells: pd.Series, treatment: Treatment, first: pd.Series) -> pd.Series:
    rule = treatment.rule
    if _is_relative(treatment):
        return (_moments(cells) - first).dt.total_seconds() / 86_400
    if "three digits" in rule:
        area = cells.astype("string").str.extract(r"(\d{3})", expand=False)
        return area.mask(area.isin(_SPARSE_POSTCODES), "000").astype(object)
    if "age in years" in rule:
        return _ages(cells).clip(upper=_AGE_CAP)
    if "90 and over" in rule:
        return pd.to_numeric(cells, errors="coerce").clip(upper=_AGE_CAP)
    raise TableError(f"column {treatment.alias}: this rule is not one that can be applied by itself")


def _ages(cells: pd.Series) -> pd.Series:
    """Whole years until today."""
    today = pd.Timestamp.today()
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return today.year - cells
    return ((today - _moments(cells)).dt.days / 365.25).apply(np.floor)


def _moments(cells: pd.Series) -> pd.Series:
    moments = pd.to_datetime(cells, errors="coerce", format="mixed", utc=True)
    return moments.dt.tz_localize(None)
