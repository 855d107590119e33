"""Treat a table before a fit: drop, replace by arbitrary keys, or coarsen, as the rules decided for each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.column_treatment import Treatment
from ...schemas.errors import TableError

__all__ = ["KEY_ACTION", "codes_in", "group_column", "mask_codes", "persons_of", "read_moments", "treat_table"]

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


def treat_table(table: pd.DataFrame, treatments: Sequence[Treatment], on: date | None = None) -> pd.DataFrame:
    """What may enter a fit: without dropped and pseudonymised columns, the others coarsened where a rule says so.

    Args:
        table: The table.
        treatments: One for each column.
        on: The day that ages are counted to; today where it is not given.

    Raises:
        TableError: A treatment does not name its column, or names one that is not there, or a column has no treatment.
    """
    by_name = {item.column: item for item in treatments}
    if None in by_name:
        raise TableError("these treatments hold no column names: they come from a profile that had none")
    if not table.columns.is_unique or set(by_name) != set(map(str, table.columns)):
        raise TableError("the table's columns are not those that the treatments were made for")
    dates = [name for name in table.columns if by_name[str(name)].how == "time_since_first"]
    first = _first_dates(table, dates, group_column(table, treatments))
    found = {}
    for name in table.columns:
        treatment = by_name[str(name)]
        if treatment.action == "keep":
            found[name] = table[name]
        elif treatment.action == "generalise":
            found[name] = _generalise(table[name], treatment, first, on or date.today())
    if not found:
        raise TableError("no column is left to fit after the treatments")
    return pd.DataFrame(found)


def codes_in(treatments: Sequence[Treatment]) -> dict[str, tuple[float, ...]]:
    """Column → numbers that stand for a missing cell in a treated table."""
    return {
        item.column: item.missing_codes
        for item in treatments
        if item.column is not None and item.missing_codes and (item.action == "keep" or item.how == "cap_age")
    }


def mask_codes(table: pd.DataFrame, codes: Mapping[str, tuple[float, ...]]) -> pd.DataFrame:
    """The table with every missing code as a missing cell."""
    return table.assign(
        **{str(name): table[name].mask(_is_code(table[name], codes[str(name)])) for name in table if str(name) in codes}
    )


def group_column(table: pd.DataFrame, treatments: Sequence[Treatment]) -> Any:
    """The column that groups a person's rows, the patient's before any other key; None where every row is a person."""
    known = {item.column for item in treatments if item.patient}
    keys = known or {item.column for item in treatments if item.action == KEY_ACTION}
    return next((name for name in table.columns if str(name) in keys and table[name].duplicated().any()), None)


def persons_of(table: pd.DataFrame, treatments: Sequence[Treatment]) -> pd.Series | None:
    """Each row's person: the patient's key where known, else a key that several rows share; None where neither."""
    patients = {item.column for item in treatments if item.patient}
    name = next((name for name in table.columns if str(name) in patients), None)
    name = group_column(table, treatments) if name is None else name
    return None if name is None else table[name]


def _is_code(cells: pd.Series, codes: tuple[float, ...]) -> pd.Series:
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return cells.isin(codes).fillna(False)
    return pd.to_numeric(cells, errors="coerce").isin(codes)


def _first_dates(table: pd.DataFrame, dates: list[Any], group: Any) -> pd.Series:
    if not dates:
        return pd.Series(dtype="datetime64[ns]")
    moments = pd.DataFrame({name: read_moments(table[name]) for name in dates})
    earliest = moments.min(axis=1)
    return earliest if group is None else earliest.groupby(table[group]).transform("min")


def _generalise(cells: pd.Series, treatment: Treatment, first: pd.Series, on: date) -> pd.Series:
    code = _is_code(cells, treatment.missing_codes)
    known = cells.mask(code)
    if treatment.how == "time_since_first":
        return (read_moments(known) - first).dt.total_seconds() / 86_400
    if treatment.how == "postcode_area":
        area = _digits(known, 5).str.extract(r"(\d{3})", expand=False)
        return area.mask(area.isin(_SPARSE_POSTCODES), "000").astype(object)
    if treatment.how == "age_from_birth":
        return _ages(known, on).clip(upper=_AGE_CAP)
    if treatment.how == "cap_age":
        ages = pd.to_numeric(cells, errors="coerce")
        return ages.clip(upper=_AGE_CAP).where(~code, ages)
    raise TableError(f"column {treatment.alias}: this rule is not one that can be applied by itself")


def _ages(cells: pd.Series, on: date) -> pd.Series:
    """Whole years until ``on``; a number is the year of birth."""
    if pd.api.types.is_numeric_dtype(cells.dtype) and (cells.dropna() < 10_000).all():
        return on.year - cells
    return ((pd.Timestamp(on) - read_moments(cells)).dt.days / 365.25).apply(np.floor)


def read_moments(cells: pd.Series) -> pd.Series:
    """Dates in whatever form; where day and month are written as numbers, a first one above 12 tells their order."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return pd.to_datetime(cells, utc=True).dt.tz_localize(None)
    text = _digits(cells, 8)
    compact = text.str.fullmatch(r"\d{8}(\d{6})?").fillna(False).astype(bool)
    if compact.any():
        text = text.mask(compact, text.str.slice(0, 4) + "-" + text.str.slice(4, 6) + "-" + text.str.slice(6, 8))
    parts = text.str.extract(r"^\s*(\d{1,2})([./-])(\d{1,2})[./-]")
    leading, second = (pd.to_numeric(parts[i], errors="coerce").fillna(0).max() for i in (0, 2))
    dotted = bool((parts[1] == ".").fillna(False).any())
    day_first = bool(leading > 12 or (second <= 12 and dotted))
    moments = pd.to_datetime(text, errors="coerce", format="mixed", utc=True, dayfirst=day_first)
    return moments.dt.tz_localize(None)


def _digits(cells: pd.Series, width: int) -> pd.Series:
    """Cells as text; numbers without a point and with the zeros that they have lost."""
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return cells.astype("Float64").round().astype("Int64").astype("string").str.zfill(width)
    return cells.astype("string")
