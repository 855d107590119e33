"""Synthetic statics and event rows as tables in the raw ones' form; dates are counted from a synthetic first day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..history_tables import EventRows
from ..restore_columns import constant_cells
from .dates import DeathDates, as_dates, as_days, is_birth, is_date, last_rows
from .keys import keys_of, linked_records, own_keys, write_keys
from .linked_set import LinkedSet, LinkedTable
from .prepared_set import FIRST_DAY, FOLLOWED, PreparedSet, death_days

__all__ = ["restore_set"]

_OLDEST = 89 * 365.25
"""Days after which an age would be over 89, which no date may tell (45 CFR 164.514(b)(2)(i)(C))."""


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
        latest = prepared.last - people[FOLLOWED]
        first = people[FIRST_DAY].clip(upper=latest).where(died, latest)
        people = people.assign(**{prepared.death: people[FOLLOWED].where(died), FIRST_DAY: first})
    days = death_days(replace(prepared, people=people)) if prepared.death is None else as_days(people[prepared.death])
    rng = np.random.default_rng(seed)
    events = [
        _before_death(rows, prepared.deaths[t.name], days, rng) for t, rows in zip(tables.events, events, strict=True)
    ]
    restoring = _Restoring(tables, prepared, people, _shift_of(people, prepared, events), k, rng)
    numbers = _numbered(tables, events)
    events = [_without_strays(item, rows, prepared, numbers) for item, rows in zip(tables.events, events, strict=True)]
    numbers = _numbered(tables, events)
    restored: dict[str, pd.DataFrame] = {}
    if tables.patients is not None:
        restored[tables.patients.name] = restoring.rebuild(tables.patients, np.arange(len(people)), None, {})
    for item, rows in zip(tables.events, events, strict=True):
        keys = dict(rows.keys or {})
        for name, home in prepared.shared.get(item.name, {}).items():
            keys[name] = linked_records(keys[name], rows.owners, *numbers[home])
        for name in own_keys(item.name, prepared.shared):
            keys[name] = pd.Series(numbers[item.name][1], dtype="Int64")
        restored[item.name] = restoring.rebuild(item, rows.owners, rows, keys)
    return restored


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
        dated = as_days(rows.cells[name])
        dated = np.where(telling, day, dated) if name in dates.equal else dated
        cells[str(name)] = np.fmin(dated, np.where(np.isnan(dated), np.nan, day))
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
        columns: dict[Any, Any] = {}
        for name in item.table:
            static = f"{item.name}.{name}"
            if name == item.key:
                columns[name] = self._write(item, name, pd.Series(owners + 1, dtype="Int64"))
            elif name in keys:
                columns[name] = self._write(item, name, keys[name])
            elif item.treatment(name).constant:
                cells = item.table[name]
                columns[name] = constant_cells(cells, item.table[item.key], len(owners), self.k, self.rng)
            elif static in self.people and (rows is None or name not in rows.cells):
                columns[name] = self._formed(
                    item, name, self.people[static].iloc[owners].reset_index(drop=True), owners
                )
            elif rows is not None and name in rows.cells:
                columns[name] = self._formed(item, name, rows.cells[name], owners)
            elif rows is not None and item.treatment(name).part == "sequence":
                columns[name] = (pd.Series(owners).groupby(owners).cumcount() + 1).astype("int64")
        return pd.DataFrame(columns)

    def _write(self, item: LinkedTable, name: Any, numbers: pd.Series) -> pd.Series:
        return write_keys(numbers, keys_of(self.tables, self.prepared.shared, item, name), item.table[name])

    def _formed(self, item: LinkedTable, name: Any, cells: pd.Series, owners: np.ndarray[Any, Any]) -> pd.Series:
        """Labels as numbers, and days as dates."""
        if item.treatment(name).labels and isinstance(cells.dtype, pd.CategoricalDtype):
            return _as_numbers(cells, item.table[name])
        if FIRST_DAY not in self.people or not is_date(item, name):
            return cells
        days = cells.to_numpy(dtype=float) + self.people[FIRST_DAY].to_numpy(dtype=float)[owners]
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
            dated = ~np.isnan(days)
            np.maximum.at(latest, rows.owners[dated], days[dated])
            np.minimum.at(earliest, rows.owners[dated], days[dated])
    if prepared.death is not None:
        latest = np.maximum(latest, np.nan_to_num(people[prepared.death].to_numpy(dtype=float)))
    return np.clip(latest - _OLDEST, 0.0, np.maximum(earliest, 0.0))
