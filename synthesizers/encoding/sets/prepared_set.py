"""Raw tables of the same patients as one set of statics and event rows.

A set has a patients table or none, and one event table or more; a single table of several rows a patient is a set of
one. Keys never enter a fit: patients are numbered, and a key that two tables share is put together again by the order
of the records. Dates enter as days since the patient's first one, birth or event.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ....schemas.errors import TableError
from ..apply_treatments import KEY_ACTION, codes_in, treat_table
from ..dates_and_ages import read_moments
from ..history_tables import EventRows
from .dates import (
    DeathDates,
    as_days,
    find_end,
    find_told_death,
    first_days,
    follow,
    is_date,
    last_day,
    relate_to_death,
    span_of,
    tells_death,
)
from .keys import find_shared
from .linked_set import LinkedSet, LinkedTable

__all__ = ["FIRST_DAY", "FOLLOWED", "PreparedSet", "death_days", "prepare_set"]

FIRST_DAY = "first day"
FOLLOWED = "followed"
"""Columns of the statics that are none of any table: the day that dates count from, and the days of follow-up."""
_STATIC = ("static", "end", "event")


@dataclass(frozen=True, slots=True)
class PreparedSet:
    """What enters a fit.

    Attributes:
        people: Statics, a row for each patient.
        events: Event rows, table by table.
        end: Column of ``people`` with the end of follow-up.
        death: Column of ``people`` that says whether the end is a death, whose date the table holds.
        missing_codes: Column → numbers that stand for a missing cell.
        homes: Column of ``people`` → table and column that it came from.
        shared: Event table → key column → table whose rows' own key it is.
        span: First and last day of any date in the set, in days since 1970: one for all columns, or cutting at it would
            turn their order around.
        last: The last event of anybody, in days since 1970.
        dated: Columns of ``people`` that hold a date, as days since the patient's first one.
        deaths: Event table → what its dates have to do with a death.
    """

    people: pd.DataFrame
    events: tuple[EventRows, ...]
    end: Any = None
    death: Any = None
    missing_codes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    homes: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    shared: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    span: tuple[float, float] = (-np.inf, np.inf)
    last: float = np.nan
    dated: frozenset[str] = frozenset()
    deaths: Mapping[str, DeathDates] = field(default_factory=dict)

    def take(self, patients: np.ndarray[Any, Any]) -> PreparedSet:
        """The statics and rows of some patients, by position, in the order of ``patients``."""
        position = np.full(len(self.people), -1)
        position[patients] = np.arange(len(patients))
        return replace(
            self,
            people=self.people.iloc[patients].reset_index(drop=True),
            events=tuple(rows.take(position) for rows in self.events),
        )


def prepare_set(tables: LinkedSet, *, on: date | None = None, like: PreparedSet | None = None) -> PreparedSet:
    """Statics and event rows of a set.

    Args:
        tables: The raw tables with their treatments.
        on: The day that ages are counted to.
        like: The real set, where ``tables`` are synthetic: what ends follow-up there does so here.

    Raises:
        TableError: The treatments do not match, or nothing is left to fit.
    """
    keys = tables.keys()
    if not len(keys):
        raise TableError("no row has a patient's key")
    first = first_days(tables, keys)
    statics: dict[str, pd.Series] = {}
    homes: dict[str, tuple[str, Any]] = {}
    if tables.patients is not None:
        owners = keys.get_indexer(tables.patients.table[tables.patients.key])
        treated = _treat(tables.patients, owners, first, on)
        for name in treated:
            statics[f"{tables.patients.name}.{name}"] = _first_of(treated[name], owners, len(keys))
            homes[f"{tables.patients.name}.{name}"] = (tables.patients.name, name)
    events: list[EventRows] = []
    end: Any = None
    told: dict[str, Any] = {}
    shared = find_shared(tables)
    for item in tables.events:
        owners = keys.get_indexer(item.table[item.key])
        rows = np.flatnonzero(owners >= 0)
        treated = _treat(item, owners, first, on)
        parts = {name: item.treatment(name).part for name in treated}
        for name in (name for name in treated if parts[name] in _STATIC):
            statics[f"{item.name}.{name}"] = _first_of(treated[name], owners, len(keys))
            homes[f"{item.name}.{name}"] = (item.name, name)
            if parts[name] == "end":
                end = f"{item.name}.{name}"
        death_here = like.deaths[item.name].told if like is not None else find_told_death(item, owners)
        if death_here is not None and end is None:
            # One date of a patient, and the end of all of his or her rows: no cell of a row.
            end = f"{item.name}.{death_here}"
            statics[end] = pd.Series(as_days(treated[death_here])).groupby(owners).max().reindex(range(len(keys)))
            homes[end] = (item.name, death_here)
            told[item.name] = death_here
        moving = [
            name for name in treated if parts[name] not in (*_STATIC, "sequence") and name != told.get(item.name)
        ]  # fmt: skip
        time = next((name for name in moving if parts[name] == "time"), None)
        dates = [name for name in moving if name != time and item.treatment(name).how == "time_since_first"]
        own = {name for links in shared.values() for name, home in links.items() if home == item.name}
        held = [
            name for name in item.table
            if name != item.key and name not in own and item.treatment(name).action == KEY_ACTION
        ]  # fmt: skip
        cells = treated[moving].iloc[rows].reset_index(drop=True)
        if time is not None:
            begins = pd.Series(as_days(cells[time])).groupby(owners[rows]).ffill().fillna(0.0).to_numpy()
            for name in dates:
                cells[name] = as_days(cells[name]) - begins
        linked = list(dict.fromkeys([*held, *shared.get(item.name, {})]))
        events.append(
            EventRows(
                cells,
                owners[rows],
                time,
                tuple(dates) if time is not None else (),
                {name: item.table[name].iloc[rows].reset_index(drop=True) for name in linked},
                dated=time is not None and is_date(item, time),
            )
        )
    people = pd.DataFrame(statics, index=range(len(keys)))
    if first.notna().any():
        people[FIRST_DAY] = (first - pd.Timestamp(0)).dt.total_seconds().to_numpy() / 86_400
    death = None
    if end is None:
        death = find_end(tables, people, events) if like is None else like.death
    if death is not None:
        end = FOLLOWED
        people[FOLLOWED], people[death] = follow(people[death], people[FIRST_DAY], last_day(tables))
    codes = {f"{t.name}.{name}": values for t in tables.tables for name, values in codes_in(t.treatments).items()}
    codes |= {name: values for t in tables.events for name, values in codes_in(t.treatments).items()}
    last = last_day(tables)
    by_name = {item.name: item for item in tables.tables}
    dated = frozenset(name for name, (home, column) in homes.items() if is_date(by_name[home], column))
    prepared = PreparedSet(people, tuple(events), end, death, codes, homes, shared, span_of(tables), last, dated)
    days = death_days(prepared)
    deaths = {t.name: relate_to_death(e, told.get(t.name), days) for t, e in zip(tables.events, events, strict=True)}
    return replace(prepared, deaths=deaths if like is None else like.deaths)


def death_days(prepared: PreparedSet) -> np.ndarray[Any, Any]:
    """Day of each patient's death, by the end of follow-up where that is a date of death; NaN for who lives."""
    if prepared.death is not None:
        return np.where(prepared.people[prepared.death] == "yes", as_days(prepared.people[prepared.end]), np.nan)
    if prepared.end is not None and prepared.end in prepared.dated and tells_death(prepared.homes[prepared.end][1]):
        return as_days(prepared.people[prepared.end])
    return np.full(len(prepared.people), np.nan)


def _treat(item: LinkedTable, owners: np.ndarray[Any, Any], first: pd.Series, on: date | None) -> pd.DataFrame:
    """Treated columns, dates as days since the patient's first."""
    dated = [name for name in item.table if is_date(item, name)]
    others = [name for name in item.table if name not in dated]
    treatments = [t for t in item.treatments if t.column in set(map(str, others))]
    kept = [t for t in treatments if t.action in ("keep", "generalise")]
    treated = treat_table(item.table[others], treatments, on) if kept else pd.DataFrame(index=item.table.index)
    begin = first.reindex(owners).reset_index(drop=True) if len(first) else first
    for name in dated:
        moments = read_moments(item.table[name]).reset_index(drop=True)
        treated[name] = ((moments - begin).dt.total_seconds() / 86_400).to_numpy()
    return _with_labels(item, treated[[name for name in item.table if name in treated]])


def _with_labels(item: LinkedTable, treated: pd.DataFrame) -> pd.DataFrame:
    """Numbers that are labels as categories, which every model draws and none averages."""
    names = [name for name in treated if item.treatment(name).labels and item.treatment(name).action == "keep"]
    return treated.assign(**{str(name): pd.Categorical(treated[name]) for name in names})


def _first_of(cells: pd.Series, owners: np.ndarray[Any, Any], size: int) -> pd.Series:
    """The first cell of each patient; missing where he or she has no row."""
    rows = np.flatnonzero(owners >= 0)
    first = pd.Series(rows).groupby(owners[rows]).first()
    where = first.reindex(range(size))
    if where.notna().all():
        return cells.iloc[where.astype(int)].reset_index(drop=True)
    return cells.reset_index(drop=True).reindex(where.fillna(-1).astype(int)).reset_index(drop=True)
