"""Raw tables of the same patients as one set of statics and event rows, and synthetic ones in the raw tables' form.

A set has a patients table or none, and one event table or more; a single table of several rows a patient is a set of
one. Keys never enter a fit: patients are numbered, and a key that two tables share is put together again by the order
of the records. Dates enter as days since the patient's first one, birth or event, and come back as dates, counted from
a synthetic first day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.errors import TableError
from .apply_treatments import KEY_ACTION, codes_in, treat_table
from .dates_and_ages import read_moments
from .history_tables import EventRows
from .linked_set import LinkedSet, LinkedTable
from .restore_columns import constant_cells
from .set_dates import (
    DeathDates,
    as_dates,
    as_days,
    find_end,
    find_told_death,
    first_days,
    follow,
    is_birth,
    is_date,
    last_day,
    last_rows,
    relate_to_death,
    span_of,
    tells_death,
)
from .set_keys import find_shared, keys_of, linked_records, own_keys, write_keys

__all__ = ["PreparedSet", "death_days", "prepare_set", "restore_set"]

_FIRST_DAY = "first day"
_FOLLOWED = "followed"
_OLDEST = 89 * 365.25
"""Days after which an age would be over 89, which no date may tell (45 CFR 164.514(b)(2)(i)(C))."""
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
        place = np.full(len(self.people), -1)
        place[patients] = np.arange(len(patients))
        return replace(
            self,
            people=self.people.iloc[patients].reset_index(drop=True),
            events=tuple(rows.take(place) for rows in self.events),
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
        people[_FIRST_DAY] = (first - pd.Timestamp(0)).dt.total_seconds().to_numpy() / 86_400
    death = None
    if end is None:
        death = find_end(tables, people, events) if like is None else like.death
    if death is not None:
        end = _FOLLOWED
        people[_FOLLOWED], people[death] = follow(people[death], people[_FIRST_DAY], last_day(tables))
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


def restore_set(
    tables: LinkedSet,
    prepared: PreparedSet,
    people: pd.DataFrame,
    events: Sequence[EventRows],
    *,
    k: int = 1,
    seed: int = 0,
) -> dict[str, pd.DataFrame]:
    """Synthetic tables with the raw ones' names, columns in their order, and types; keys lead nowhere.

    Args:
        tables: The raw ones.
        prepared: What entered the fit.
        people: Synthetic patients.
        events: Their rows, table by table.
        k: Patients who must share a constant for it to come out.
        seed: Of draws.
    """
    if prepared.death is not None:
        died = people[prepared.death] == "yes"
        # Who has not died is followed to the last day of all; nobody beyond it.
        latest = prepared.last - people[_FOLLOWED]
        first = people[_FIRST_DAY].clip(upper=latest).where(died, latest)
        people = people.assign(**{prepared.death: people[_FOLLOWED].where(died), _FIRST_DAY: first})
    days = death_days(replace(prepared, people=people)) if prepared.death is None else as_days(people[prepared.death])
    rng = np.random.default_rng(seed)
    events = [
        _before_death(rows, prepared.deaths[t.name], days, rng) for t, rows in zip(tables.events, events, strict=True)
    ]
    restoring = _Restoring(tables, prepared, people, _shift_of(people, prepared, events), k, rng)
    numbers = _numbered(tables, events)
    events = [_without_strays(item, rows, prepared, numbers) for item, rows in zip(tables.events, events, strict=True)]
    numbers = _numbered(tables, events)
    found: dict[str, pd.DataFrame] = {}
    if tables.patients is not None:
        found[tables.patients.name] = restoring.rebuild(tables.patients, np.arange(len(people)), None, {})
    for item, rows in zip(tables.events, events, strict=True):
        keys = dict(rows.keys or {})
        for name, home in prepared.shared.get(item.name, {}).items():
            keys[name] = linked_records(keys[name], rows.owners, *numbers[home])
        for name in own_keys(item.name, prepared.shared):
            keys[name] = pd.Series(numbers[item.name][1], dtype="Int64")
        found[item.name] = restoring.rebuild(item, rows.owners, rows, keys)
    return found


def _before_death(
    rows: EventRows, dates: DeathDates, deaths: np.ndarray[Any, Any], rng: np.random.Generator
) -> EventRows:
    """Dates no later than a death where no real one is, the same day where the real ones are; and the death told."""
    if rows.time is None or not (dates.before or dates.told):
        return rows
    day = deaths[rows.owners]
    telling = last_rows(rows.owners, as_days(rows.cells[rows.time])) & ~np.isnan(day)
    cells: dict[str, Any] = {}
    for name in dates.before:
        known = as_days(rows.cells[name])
        known = np.where(telling, day, known) if name in dates.equal else known
        cells[str(name)] = np.fmin(known, np.where(np.isnan(known), np.nan, day))
    if dates.told is not None:
        cells[str(dates.told)] = np.where(telling, day, np.nan)
    for name, value in dates.marks.items():
        cells[str(name)] = _marked(rows.cells[name], value, telling, rng)
    return replace(rows, cells=rows.cells.assign(**cells))


def _marked(cells: pd.Series, value: Any, telling: np.ndarray[Any, Any], rng: np.random.Generator) -> pd.Series:
    """``value`` in the rows that tell a death, and another row's in those of the others that hold it."""
    has = (cells == value).fillna(False).to_numpy(dtype=bool)
    others = np.flatnonzero(~has)
    if not has.any() or not len(others):
        return cells
    rows = np.arange(len(cells))
    rows[telling] = np.flatnonzero(has)[0]
    wrong = np.flatnonzero(has & ~telling)
    rows[wrong] = rng.choice(others, len(wrong))
    return cells.iloc[rows].reset_index(drop=True)


def _numbered(tables: LinkedSet, events: Sequence[EventRows]) -> dict[str, tuple[Any, Any]]:
    """Table → each row's patient and number."""
    return {
        item.name: (rows.owners, np.arange(1, len(rows.owners) + 1))
        for item, rows in zip(tables.events, events, strict=True)
    }


def _without_strays(
    item: LinkedTable, rows: EventRows, prepared: PreparedSet, numbers: Mapping[str, tuple[Any, Any]]
) -> EventRows:
    """Without the rows of a record for patients who have no record in the table that they should be in."""
    kept = np.ones(len(rows.owners), dtype=bool)
    for name, home in prepared.shared.get(item.name, {}).items():
        has = np.isin(rows.owners, numbers[home][0])
        kept &= has | (rows.keys or {})[name].isna().to_numpy()
    if kept.all():
        return rows
    at = np.flatnonzero(kept)
    keys = {name: cells.iloc[at].reset_index(drop=True) for name, cells in (rows.keys or {}).items()}
    cells = rows.cells.iloc[at].reset_index(drop=True)
    return replace(rows, cells=cells, owners=rows.owners[at], keys=keys)


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


@dataclass(frozen=True, slots=True)
class _Restoring:
    """What every table needs to get its columns back."""

    tables: LinkedSet
    prepared: PreparedSet
    people: pd.DataFrame
    shift: np.ndarray[Any, Any]
    """Days by which each patient's birth comes later, lest some date tells an age over 89."""
    k: int
    rng: np.random.Generator

    def rebuild(
        self, item: LinkedTable, owners: np.ndarray[Any, Any], rows: EventRows | None, keys: Mapping[Any, pd.Series]
    ) -> pd.DataFrame:
        """One table: its columns in their order, without those that were dropped."""
        found: dict[Any, Any] = {}
        for name in item.table:
            static = f"{item.name}.{name}"
            if name == item.key:
                found[name] = self._write(item, name, pd.Series(owners + 1, dtype="Int64"))
            elif name in keys:
                found[name] = self._write(item, name, keys[name])
            elif item.treatment(name).constant:
                cells = item.table[name]
                found[name] = constant_cells(cells, item.table[item.key], len(owners), self.k, self.rng)
            elif static in self.people and (rows is None or name not in rows.cells):
                found[name] = self._formed(item, name, self.people[static].iloc[owners].reset_index(drop=True), owners)
            elif rows is not None and name in rows.cells:
                found[name] = self._formed(item, name, rows.cells[name], owners)
            elif rows is not None and item.treatment(name).part == "sequence":
                found[name] = (pd.Series(owners).groupby(owners).cumcount() + 1).astype("int64")
        return pd.DataFrame(found)

    def _write(self, item: LinkedTable, name: Any, numbers: pd.Series) -> pd.Series:
        return write_keys(numbers, keys_of(self.tables, self.prepared.shared, item, name), item.table[name])

    def _formed(self, item: LinkedTable, name: Any, cells: pd.Series, owners: np.ndarray[Any, Any]) -> pd.Series:
        """Labels as numbers, and days as dates."""
        if item.treatment(name).labels and isinstance(cells.dtype, pd.CategoricalDtype):
            return _as_numbers(cells, item.table[name])
        if _FIRST_DAY not in self.people or not is_date(item, name):
            return cells
        days = cells.to_numpy(dtype=float) + self.people[_FIRST_DAY].to_numpy(dtype=float)[owners]
        if is_birth(item, name):
            days += self.shift[owners]
        return as_dates(np.clip(days, *self.prepared.span), item.table[name])


def _as_numbers(cells: pd.Series, real: pd.Series) -> pd.Series:
    """Labels in the real column's type again, or in one that knows missing cells."""
    if isinstance(real.dtype, pd.CategoricalDtype):
        return cells.astype(real.dtype)
    plain = pd.Series(cells.astype(object))
    whole = isinstance(real.dtype, np.dtype) and real.dtype.kind in "iu"
    return plain.astype("Int64" if whole and plain.isna().any() else real.dtype)


def _shift_of(people: pd.DataFrame, prepared: PreparedSet, events: Sequence[EventRows]) -> np.ndarray[Any, Any]:
    """Days over the age of 89 at a patient's last date, at most those before his or her first event."""
    latest, earliest = np.zeros(len(people)), np.full(len(people), np.inf)
    for rows in events:
        if rows.time is not None:
            days = as_days(rows.cells[rows.time])
            known = ~np.isnan(days)
            np.maximum.at(latest, rows.owners[known], days[known])
            np.minimum.at(earliest, rows.owners[known], days[known])
    if prepared.death is not None:
        latest = np.maximum(latest, np.nan_to_num(people[prepared.death].to_numpy(dtype=float)))
    return np.clip(latest - _OLDEST, 0.0, np.maximum(earliest, 0.0))
