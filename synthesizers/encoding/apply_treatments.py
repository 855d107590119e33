"""Treat a table before a fit: drop, replace by arbitrary keys, or coarsen, as the rules decided for each column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from ...schemas.column_treatment import OutcomePart, Treatment
from ...schemas.errors import TableError
from ...schemas.table.ages import AGE_CAP
from .dates_and_ages import MOST_DAYS, ages_at, as_whole, capped_ages, days_since, digits, read_moments

__all__ = [
    "KEY_ACTION",
    "codes_in",
    "first_dates",
    "group_column",
    "mask_codes",
    "outcome_in",
    "persons_of",
    "relative_dates",
    "treat_table",
]

KEY_ACTION = "pseudonymise"

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
    first = first_dates(table, treatments)
    # A birth is counted to the person's first event, so that the age is the one that the other columns go with.
    seen = pd.Series(pd.Timestamp(on or date.today()), index=table.index)
    seen = seen if first is None else first.fillna(seen)
    treated = {}
    for name in table.columns:
        treatment = by_name[str(name)]
        if treatment.action == "keep":
            treated[name] = table[name]
        elif treatment.action == "generalise":
            treated[name] = _generalise(table[name], treatment, first, seen)
    if not treated:
        raise TableError("no column is left to fit after the treatments")
    return pd.DataFrame(treated)


def relative_dates(synthetic: pd.DataFrame, treatments: Sequence[Treatment]) -> pd.DataFrame:
    """A synthetic table whose dates are days since the synthetic person's first, as in a treated real table."""
    dated = [item for item in treatments if item.how == "time_since_first"]
    names = {item.column for item in dated}
    columns = [name for name in synthetic.columns if str(name) in names]
    # Days already, where the table was made by a version that did not write dates.
    columns = [name for name in columns if read_moments(synthetic[name]).notna().any()]
    first = first_dates(synthetic[[*columns, *_keys(synthetic, treatments)]], dated) if columns else None
    if first is None:
        return synthetic
    group = group_column(synthetic, treatments)
    first = first if group is None else first.groupby(synthetic[group]).transform("min")
    return synthetic.assign(**{name: days_since(synthetic[name], first) for name in columns})


def _keys(table: pd.DataFrame, treatments: Sequence[Treatment]) -> list[Any]:
    group = group_column(table, treatments)
    return [] if group is None else [group]


def codes_in(treatments: Sequence[Treatment]) -> dict[str, tuple[float, ...]]:
    """Column → numbers that stand for a missing cell in a treated table."""
    return {
        item.column: item.missing_codes
        for item in treatments
        if item.column is not None
        and item.missing_codes
        and (item.action == "keep" or str(item.how).startswith("cap_age"))
    }


def outcome_in(treatments: Sequence[Treatment]) -> dict[str, OutcomePart]:
    """Column → what it is of the time-to-event outcome, where the table has one."""
    return {item.column: item.outcome for item in treatments if item.column is not None and item.outcome is not None}


def mask_codes(table: pd.DataFrame, codes: Mapping[str, tuple[float, ...]]) -> pd.DataFrame:
    """The table with every missing code as a missing cell."""
    return table.assign(
        **{str(name): table[name].mask(_is_code(table[name], codes[str(name)])) for name in table if str(name) in codes}
    )


def group_column(table: pd.DataFrame, treatments: Sequence[Treatment]) -> Any:
    """The column that groups a person's rows, the patient's before any other key; None where every row is a person."""
    patients = {item.column for item in treatments if item.patient}
    keys = patients or {item.column for item in treatments if item.action == KEY_ACTION}
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


def first_dates(table: pd.DataFrame, treatments: Sequence[Treatment]) -> pd.Series | None:
    """Each row's person's first event, births not counted; None where the table has no such date."""
    events = {item.column: item for item in treatments if item.how in ("time_since_first", "year_of_date")}
    dates = [name for name in table.columns if str(name) in events]
    if not dates:
        return None
    read = {name: read_moments(_known(table[name], events[str(name)])) for name in dates}
    earliest = pd.DataFrame(read).min(axis=1)
    group = group_column(table, treatments)
    return earliest if group is None else earliest.groupby(table[group]).transform("min")


def _known(cells: pd.Series, treatment: Treatment) -> pd.Series:
    return cells.mask(_is_code(cells, treatment.missing_codes)) if treatment.missing_codes else cells


def _generalise(cells: pd.Series, treatment: Treatment, first: pd.Series | None, seen: pd.Series) -> pd.Series:
    known = _known(cells, treatment)
    if treatment.how == "time_since_first" and first is not None:
        return days_since(known, first)
    if treatment.how == "year_of_date":
        return as_whole(read_moments(known).dt.year)
    if treatment.how == "postcode_area":
        area = digits(known, 5).str.extract(r"(\d{3})", expand=False)
        return area.mask(area.isin(_SPARSE_POSTCODES), "000").astype(object)
    if treatment.how == "age_from_birth":
        return ages_at(known, seen, short_years=treatment.short_years)
    if treatment.how == "cap_age":
        return capped_ages(cells, treatment.missing_codes)
    if treatment.how in ("cap_age_days", "cap_age_months"):
        limit = MOST_DAYS if treatment.how == "cap_age_days" else 12 * AGE_CAP
        numbers = pd.to_numeric(cells, errors="coerce")
        return numbers.clip(-limit, limit).where(~_is_code(cells, treatment.missing_codes), numbers)
    raise TableError(f"column {treatment.alias}: this rule is not one that can be applied by itself")
