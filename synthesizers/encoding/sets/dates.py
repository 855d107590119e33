"""Dates of a set of tables: days since each patient's first event, and dates again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ..column_encoding import code_column, decode_column
from ..dates_and_ages import read_moments
from ..history_tables import EventRows
from .linked_set import LinkedSet, LinkedTable

__all__ = [
    "DeathDates",
    "as_dates",
    "as_days",
    "find_end",
    "find_told_death",
    "first_days",
    "follow",
    "is_birth",
    "is_date",
    "last_day",
    "last_rows",
    "relate_to_death",
    "span_of",
    "tells_death",
]

_FEWEST_DEATHS = 10
"""Patients whose deaths must be told for anything to be learnt of them."""
_FITS = 0.98
"""Share of the rows that must not lie after a date of death for it to be one."""


def is_date(item: LinkedTable, name: Any) -> bool:
    """A column of dates, of birth too, that comes back as dates."""
    how = item.treatment(name).how
    if how == "time_since_first":
        return True
    return (
        item.births
        and how in ("age_from_birth", "year_of_date")
        and bool(read_moments(item.table[name]).notna().any())
        and _looks_dated(item.table[name])
    )


def is_birth(item: LinkedTable, name: Any) -> bool:
    """A column of dates of birth."""
    return item.treatment(name).how == "age_from_birth" and is_date(item, name)


def first_days(tables: LinkedSet, keys: pd.Index) -> pd.Series:
    """The day from which a patient's days are counted: birth where it is known, else the first event, else any date."""
    by_rank: list[list[pd.Series]] = [[], [], []]
    for item in tables.tables:
        owners = keys.get_indexer(item.table[item.key])
        for name in item.table:
            if not is_date(item, name):
                continue
            birth = item.treatment(name).how == "age_from_birth"
            rank = 0 if birth else 2 if item is tables.patients else 1
            moments = pd.Series(read_moments(item.table[name]).to_numpy())[owners >= 0]
            by_rank[rank].append(moments.groupby(owners[owners >= 0]).min())
    days = pd.Series(pd.NaT, index=range(len(keys)), dtype="datetime64[ns]")
    for series in (part for rank in by_rank for part in [_earliest(rank)] if part is not None):
        days = days.fillna(series.reindex(days.index))
    return days


def span_of(tables: LinkedSet) -> tuple[float, float]:
    """First and last day of any date in the set, in days since 1970; without dates, no bounds."""
    moments = [read_moments(t.table[name]) for t in tables.tables for name in t.table if is_date(t, name)]
    dates = pd.concat(moments).dropna() if moments else pd.Series(dtype="datetime64[ns]")
    if dates.empty:
        return -np.inf, np.inf
    days = (dates - pd.Timestamp(0)).dt.total_seconds() / 86_400
    return float(days.min()), float(days.max())


def last_day(tables: LinkedSet) -> float:
    """The last event of anybody, in days since 1970: until then those are followed who have no end of their own."""
    days = [
        (read_moments(item.table[name]).max() - pd.Timestamp(0)).total_seconds() / 86_400
        for item in tables.events
        for name in item.table
        if item.treatment(name).part == "time" and is_date(item, name)
    ]
    return max(days, default=np.nan)


def follow(death: pd.Series, first: pd.Series, last: float) -> tuple[pd.Series, pd.Series]:
    """How long each patient is followed, in days since his or her first day, and whether death ends it."""
    died = death.notna()
    return death.where(died, last - first), pd.Series(np.where(died, "yes", "no"), index=death.index, dtype=object)


def find_end(tables: LinkedSet, people: pd.DataFrame, events: Sequence[EventRows]) -> str | None:
    """A date of death in the patients table, if no row lies after it."""
    if tables.patients is None:
        return None
    for name in tables.patients.table:
        column = f"{tables.patients.name}.{name}"
        if column not in people or not tells_death(name):
            continue
        if not is_date(tables.patients, name):
            continue
        ends = people[column].to_numpy(dtype=float)
        late = [ends[e.owners] - e.cells[e.time].to_numpy(dtype=float) for e in events if e.time is not None]
        gaps = np.concatenate(late) if late else np.zeros(0)
        gaps = gaps[~np.isnan(gaps)]
        if len(gaps) and (gaps >= -1.0).mean() >= _FITS:
            return column
    return None


@dataclass(frozen=True, slots=True)
class DeathDates:
    """What the dates of an event table have to do with a death.

    Attributes:
        told: Column that holds the date of death, in the patient's last row alone; None where there is none.
        before: Columns of dates that never lie after it.
        equal: Those of them that are the same day in the row that tells it.
        marks: Column → what it holds in every row that tells a death and in no other, such as a discharge as dead.
    """

    told: Any = None
    before: tuple[Any, ...] = ()
    equal: tuple[Any, ...] = ()
    marks: Mapping[Any, Any] = field(default_factory=dict)


def find_told_death(item: LinkedTable, owners: np.ndarray[Any, Any]) -> Any:
    """A date of death that stands in the last row of whoever died, as a death in hospital does in the admission."""
    time = next((name for name in item.table if item.treatment(name).part == "time"), None)
    if time is None or not is_date(item, time):
        return None
    moments = pd.Series(read_moments(item.table[time]).to_numpy())
    last = moments.groupby(owners).transform("max")
    for name in item.table:
        if name == time or not tells_death(name) or not is_date(item, name):
            continue
        dated = item.table[name].notna().to_numpy() & (owners >= 0)
        if len(np.unique(owners[dated])) < max(_FEWEST_DEATHS, dated.sum()):
            continue
        if (moments[dated] >= last[dated]).mean() >= _FITS:
            return name
    return None


def relate_to_death(rows: EventRows, told: Any, deaths: np.ndarray[Any, Any]) -> DeathDates:
    """Which dates of ``rows`` never lie after their patient's death, and which are the same day.

    Args:
        rows: Real ones; dates are days from the row's own time on.
        told: Their column that holds the date of death, if any.
        deaths: Day of each patient's death, NaN for who lives.
    """
    before, equal = [], []
    if rows.time is None:
        return DeathDates(told)
    times, day = as_days(rows.cells[rows.time]), deaths[rows.owners]
    telling = last_rows(rows.owners, times) & ~np.isnan(day)
    for name in rows.dates:
        late = as_days(rows.cells[name]) + times - day
        dated = ~np.isnan(late)
        if len(np.unique(rows.owners[dated])) < _FEWEST_DEATHS or (late[dated] > 1.0).any():
            continue
        before.append(name)
        if told is not None and (np.abs(late[dated & telling]) <= 1.0).mean() >= _FITS:
            equal.append(name)
    return DeathDates(told, tuple(before), tuple(equal), {} if told is None else _marks(rows, telling))


def _marks(rows: EventRows, telling: np.ndarray[Any, Any]) -> dict[Any, Any]:
    marks = {}
    for name in rows.cells:
        cells = rows.cells[name]
        if name == rows.time or name in rows.dates or not telling.any():
            continue
        value = cells[telling].iloc[0]
        if not pd.isna(value) and bool((cells == value).fillna(False).eq(telling).all()):
            marks[name] = value
    return marks


def last_rows(owners: np.ndarray[Any, Any], times: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Beside each row: it is its patient's last; of rows at one time the one that comes last."""
    order = np.lexsort((np.arange(len(owners)), np.nan_to_num(times, nan=-np.inf), owners))
    last = np.zeros(len(owners), dtype=bool)
    if len(order):
        last[order[np.r_[owners[order][1:] != owners[order][:-1], True]]] = True
    return last


def tells_death(name: Any) -> bool:
    """A column whose name speaks of a death."""
    return any(word in str(name).lower() for word in ("death", "dod", "deceased", "died"))


def as_dates(days: np.ndarray[Any, Any], real: pd.Series) -> pd.Series:
    """Days since 1970 in the real column's form: ISO text where it is written in another one."""
    code = code_column(real, real.name, "date", None, ())
    if code.numeric and code.form in ("moment", "date", "date text"):
        return decode_column(pd.Series(days), None, replace(code, lower=-np.inf, upper=np.inf, has_empty=True))
    moments = pd.to_datetime(pd.Series(np.round(days)), unit="D", errors="coerce")
    return moments.dt.strftime("%Y-%m-%d").astype(object).where(moments.notna(), None)


def as_days(cells: pd.Series) -> np.ndarray[Any, Any]:
    """Numbers as floats, missing as NaN."""
    return np.asarray(pd.to_numeric(cells, errors="coerce").astype("Float64").to_numpy(dtype=float, na_value=np.nan))


def _looks_dated(cells: pd.Series) -> bool:
    """More than a year of birth."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return True
    return not pd.api.types.is_numeric_dtype(cells.dtype) and bool((cells.dropna().astype(str).str.len() > 4).any())


def _earliest(parts: list[pd.Series]) -> pd.Series | None:
    return pd.concat(parts, axis=1).min(axis=1).astype("datetime64[ns]") if parts else None
