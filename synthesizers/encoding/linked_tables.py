"""Raw tables of the same patients as one set of statics and event rows, and synthetic ones in the raw tables' form.

A set has a patients table or none, and one event table or more; a single table of several rows a patient is a set of
one. Keys never enter a fit: patients are numbered, and a key that two tables share is put together again by the order
of the records. With ``restore_dates`` dates enter as days since the patient's first event and come back as dates,
counted from a synthetic first day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.column_treatment import Treatment
from ...schemas.errors import TableError
from .apply_treatments import KEY_ACTION, codes_in, treat_table
from .column_encoding import code_column, decode_column
from .dates_and_ages import read_moments
from .history_tables import EventRows
from .restore_columns import constant_cells, new_keys

__all__ = ["LinkedSet", "LinkedTable", "PreparedSet", "prepare_set", "restore_set"]

_FIRST_DAY = "first day"
_STATIC = ("static", "end", "event")
_FITS = 0.98
"""Share of the rows that must not lie after a date of death for it to be one."""


@dataclass(frozen=True, slots=True)
class LinkedTable:
    """One table of a set.

    Attributes:
        name: Its name in the set.
        table: Its rows.
        treatments: One for each column.
        key: Column that holds the patient's key.
    """

    name: str
    table: pd.DataFrame
    treatments: tuple[Treatment, ...]
    key: Any

    def treatment(self, column: Any) -> Treatment:
        """What is done with a column."""
        return next(item for item in self.treatments if item.column == str(column))


@dataclass(frozen=True, slots=True)
class LinkedSet:
    """Tables of the same patients.

    Attributes:
        events: Event tables, in the order in which they are drawn.
        patients: The table of one row a patient, where there is one.
    """

    events: tuple[LinkedTable, ...]
    patients: LinkedTable | None = None

    @property
    def tables(self) -> tuple[LinkedTable, ...]:
        """All of them, the patients first."""
        return self.events if self.patients is None else (self.patients, *self.events)

    def keys(self) -> pd.Index:
        """Every patient's key: of the patients table, else of any table, in the order of appearance."""
        if self.patients is not None:
            return pd.Index(self.patients.table[self.patients.key].dropna().unique())
        found = pd.concat([item.table[item.key].dropna() for item in self.events], ignore_index=True)
        return pd.Index(found.unique())

    def take(self, keys: pd.Index) -> LinkedSet:
        """The rows of some patients."""
        some = [
            LinkedTable(t.name, t.table[t.table[t.key].isin(keys)].reset_index(drop=True), t.treatments, t.key)
            for t in self.tables
        ]
        return LinkedSet(tuple(some), None) if self.patients is None else LinkedSet(tuple(some[1:]), some[0])

    def orphans(self) -> dict[str, int]:
        """Event table → rows whose patient is not among the patients; they enter no fit."""
        keys = self.keys()
        counts = {item.name: int((~item.table[item.key].isin(keys)).sum()) for item in self.events}
        return {name: count for name, count in counts.items() if count}


@dataclass(frozen=True, slots=True)
class PreparedSet:
    """What enters a fit.

    Attributes:
        people: Statics, a row for each patient.
        events: Event rows, table by table.
        end: Column of ``people`` with the end of follow-up.
        missing_codes: Column → numbers that stand for a missing cell.
        homes: Column of ``people`` → table and column that it came from.
        shared: Event table → key column → table whose rows' own key it is.
        span: First and last day of any date in the set, in days since 1970: one for all columns, or cutting at it would
            turn their order around.
    """

    people: pd.DataFrame
    events: tuple[EventRows, ...]
    end: Any = None
    missing_codes: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    homes: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    shared: Mapping[str, Mapping[Any, str]] = field(default_factory=dict)
    span: tuple[float, float] = (-np.inf, np.inf)


def prepare_set(tables: LinkedSet, *, restore_dates: bool, on: date | None = None) -> PreparedSet:
    """Statics and event rows of a set.

    Args:
        tables: The raw tables with their treatments.
        restore_dates: Dates as days since the patient's first event; else as their treatments say.
        on: The day that ages are counted to.

    Raises:
        TableError: The treatments do not match, or nothing is left to fit.
    """
    keys = tables.keys()
    if not len(keys):
        raise TableError("no row has a patient's key")
    first = _first_days(tables, keys) if restore_dates else None
    statics: dict[str, pd.Series] = {}
    homes: dict[str, tuple[str, Any]] = {}
    if tables.patients is not None:
        owners = keys.get_indexer(tables.patients.table[tables.patients.key])
        treated = _treat(tables.patients, owners, first, on)
        for name in treated:
            statics[f"{tables.patients.name}.{name}"] = _first_of(treated[name], owners, len(keys))
            homes[f"{tables.patients.name}.{name}"] = (tables.patients.name, name)
    events, end = [], None
    shared = _find_shared(tables)
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
        moving = [name for name in treated if parts[name] not in (*_STATIC, "sequence")]
        time = next((name for name in moving if parts[name] == "time"), None)
        dates = [name for name in moving if name != time and item.treatment(name).how == "time_since_first"]
        own = {name for links in shared.values() for name, home in links.items() if home == item.name}
        held = [
            name for name in item.table
            if name != item.key and name not in own and item.treatment(name).action == KEY_ACTION
        ]  # fmt: skip
        cells = treated[moving].iloc[rows].reset_index(drop=True)
        if time is not None:
            begins = pd.Series(_as_days(cells[time])).groupby(owners[rows]).ffill().fillna(0.0).to_numpy()
            for name in dates:
                cells[name] = _as_days(cells[name]) - begins
        linked = list(dict.fromkeys([*held, *shared.get(item.name, {})]))
        events.append(
            EventRows(
                cells,
                owners[rows],
                time,
                tuple(dates) if time is not None else (),
                {name: item.table[name].iloc[rows].reset_index(drop=True) for name in linked},
            )
        )
    people = pd.DataFrame(statics, index=range(len(keys)))
    if first is not None and first.notna().any():
        people[_FIRST_DAY] = (first - pd.Timestamp(0)).dt.total_seconds().to_numpy() / 86_400
    if end is None and first is not None:
        end = _find_end(tables, people, events)
    codes = {f"{t.name}.{name}": values for t in tables.tables for name, values in codes_in(t.treatments).items()}
    codes |= {name: values for t in tables.events for name, values in codes_in(t.treatments).items()}
    span = _span_of(tables) if restore_dates else (-np.inf, np.inf)
    return PreparedSet(people, tuple(events), end, codes, homes, shared, span)


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
    rng = np.random.default_rng(seed)
    records = [np.arange(1, len(rows.owners) + 1) for rows in events]
    found: dict[str, pd.DataFrame] = {}
    if tables.patients is not None:
        owners = np.arange(len(people))
        found[tables.patients.name] = _rebuild(tables, tables.patients, prepared, people, owners, None, {}, k, rng)
    numbers = {
        item.name: (rows.owners, record) for item, rows, record in zip(tables.events, events, records, strict=True)
    }
    for item, rows in zip(tables.events, events, strict=True):
        keys = dict(rows.keys or {})
        for name, home in prepared.shared.get(item.name, {}).items():
            keys[name] = _linked_records(keys[name], rows.owners, *numbers[home])
        for name in _own_keys(item.name, prepared.shared):
            keys[name] = pd.Series(numbers[item.name][1], dtype="Int64")
        found[item.name] = _rebuild(tables, item, prepared, people, rows.owners, rows, keys, k, rng)
    return found


def _treat(item: LinkedTable, owners: np.ndarray[Any, Any], first: pd.Series | None, on: date | None) -> pd.DataFrame:
    """Treated columns; with first days, dates as days since the patient's own."""
    if first is None:
        return treat_table(item.table, item.treatments, on)
    dated = [name for name in item.table if _is_date(item, name)]
    others = [name for name in item.table if name not in dated]
    treatments = [t for t in item.treatments if t.column in set(map(str, others))]
    kept = [t for t in treatments if t.action in ("keep", "generalise")]
    treated = treat_table(item.table[others], treatments, on) if kept else pd.DataFrame(index=item.table.index)
    begin = first.reindex(owners).reset_index(drop=True) if len(first) else first
    for name in dated:
        moments = read_moments(item.table[name]).reset_index(drop=True)
        treated[name] = ((moments - begin).dt.total_seconds() / 86_400).to_numpy()
    return treated[[name for name in item.table if name in treated]]


def _as_days(cells: pd.Series) -> np.ndarray[Any, Any]:
    return np.asarray(pd.to_numeric(cells, errors="coerce").astype("Float64").to_numpy(dtype=float, na_value=np.nan))


def _is_date(item: LinkedTable, name: Any) -> bool:
    how = item.treatment(name).how
    if how in ("time_since_first", "year_of_date"):
        return True  # a patient's only date in one table stands beside those in others
    return (
        how == "age_from_birth"
        and bool(read_moments(item.table[name]).notna().any())
        and _looks_dated(item.table[name])
    )


def _looks_dated(cells: pd.Series) -> bool:
    """More than a year of birth."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return True
    return not pd.api.types.is_numeric_dtype(cells.dtype) and bool((cells.dropna().astype(str).str.len() > 4).any())


def _first_days(tables: LinkedSet, keys: pd.Index) -> pd.Series:
    """Each patient's first event; without one his or her first date of another kind, birth last."""
    by_rank: list[list[pd.Series]] = [[], [], []]
    for item in tables.tables:
        owners = keys.get_indexer(item.table[item.key])
        for name in item.table:
            if not _is_date(item, name):
                continue
            birth = item.treatment(name).how == "age_from_birth"
            rank = 2 if birth else 1 if item is tables.patients else 0
            moments = pd.Series(read_moments(item.table[name]).to_numpy())[owners >= 0]
            by_rank[rank].append(moments.groupby(owners[owners >= 0]).min())
    found = pd.Series(pd.NaT, index=range(len(keys)), dtype="datetime64[ns]")
    for series in (part for rank in by_rank for part in [_earliest(rank)] if part is not None):
        found = found.fillna(series.reindex(found.index))
    return found


def _span_of(tables: LinkedSet) -> tuple[float, float]:
    moments = [read_moments(t.table[name]) for t in tables.tables for name in t.table if _is_date(t, name)]
    known = pd.concat(moments).dropna() if moments else pd.Series(dtype="datetime64[ns]")
    if known.empty:
        return -np.inf, np.inf
    days = (known - pd.Timestamp(0)).dt.total_seconds() / 86_400
    return float(days.min()), float(days.max())


def _earliest(parts: list[pd.Series]) -> pd.Series | None:
    return pd.concat(parts, axis=1).min(axis=1).astype("datetime64[ns]") if parts else None


def _first_of(cells: pd.Series, owners: np.ndarray[Any, Any], size: int) -> pd.Series:
    """The first cell of each patient; missing where he or she has no row."""
    rows = np.flatnonzero(owners >= 0)
    first = pd.Series(rows).groupby(owners[rows]).first()
    where = first.reindex(range(size))
    if where.notna().all():
        return cells.iloc[where.astype(int)].reset_index(drop=True)
    return cells.reset_index(drop=True).reindex(where.fillna(-1).astype(int)).reset_index(drop=True)


def _find_end(tables: LinkedSet, people: pd.DataFrame, events: Sequence[EventRows]) -> str | None:
    """A date of death in the patients table, if no row lies after it."""
    if tables.patients is None:
        return None
    for name in tables.patients.table:
        column = f"{tables.patients.name}.{name}"
        words = str(name).lower()
        if column not in people or not any(word in words for word in ("death", "dod", "deceased", "died")):
            continue
        if not _is_date(tables.patients, name):
            continue
        ends = people[column].to_numpy(dtype=float)
        late = [ends[e.owners] - e.cells[e.time].to_numpy(dtype=float) for e in events if e.time is not None]
        known = np.concatenate(late) if late else np.zeros(0)
        known = known[~np.isnan(known)]
        if len(known) and (known >= -1.0).mean() >= _FITS:
            return column
    return None


def _find_shared(tables: LinkedSet) -> dict[str, dict[Any, str]]:
    """Event table → key column → event table in which the same key numbers the rows."""
    found: dict[str, dict[Any, str]] = {}
    for home in tables.events:
        for name in home.table:
            cells = home.table[name]
            if (
                name == home.key
                or home.treatment(name).action == "keep"
                or cells.isna().any()
                or cells.duplicated().any()
            ):
                continue
            for item in tables.events:
                if item is home or name not in item.table or name == item.key:
                    continue
                other = item.table[name].dropna()
                if len(other) and other.isin(set(cells)).mean() >= _FITS:
                    found.setdefault(item.name, {})[name] = home.name
    return found


def _own_keys(table: str, shared: Mapping[str, Mapping[Any, str]]) -> list[Any]:
    return list(dict.fromkeys(name for links in shared.values() for name, home in links.items() if home == table))


def _linked_records(
    marks: pd.Series,
    owners: np.ndarray[Any, Any],
    home_owners: np.ndarray[Any, Any],
    home_numbers: np.ndarray[Any, Any],
) -> pd.Series:
    """A patient's n-th record here gets the key of his or her n-th row there, the last where there are fewer."""
    starts = pd.Series(home_numbers).groupby(home_owners).min()
    counts = pd.Series(home_numbers).groupby(home_owners).size()
    own_first = marks.groupby(owners).transform("min")
    place = (marks - own_first).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
    begin = starts.reindex(owners).to_numpy(dtype=float)
    most = counts.reindex(owners).to_numpy(dtype=float)
    return pd.Series(begin + np.minimum(place, most - 1)).astype("Int64")


def _rebuild(
    tables: LinkedSet,
    item: LinkedTable,
    prepared: PreparedSet,
    people: pd.DataFrame,
    owners: np.ndarray[Any, Any],
    rows: EventRows | None,
    keys: Mapping[Any, pd.Series],
    k: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    found: dict[Any, Any] = {}
    first = people.get(_FIRST_DAY)
    for name in item.table:
        static = f"{item.name}.{name}"
        if name == item.key:
            numbers = pd.Series(owners + 1, dtype="Int64")
            found[name] = _write_keys(numbers, _keys_of(tables, prepared.shared, item, name), item.table[name])
        elif name in keys:
            real = _keys_of(tables, prepared.shared, item, name)
            found[name] = _write_keys(keys[name], real, item.table[name])
        elif item.treatment(name).constant:
            found[name] = constant_cells(item.table[name], item.table[item.key], len(owners), k, rng)
        elif static in people:
            found[name] = people[static].iloc[owners].reset_index(drop=True)
        elif rows is not None and name in rows.cells:
            found[name] = rows.cells[name]
        elif rows is not None and item.treatment(name).part == "sequence":
            found[name] = (pd.Series(owners).groupby(owners).cumcount() + 1).astype("int64")
        if name in found and first is not None and _is_date(item, name):
            days = found[name].to_numpy(dtype=float) + first.iloc[owners].to_numpy(dtype=float)
            found[name] = _as_dates(np.clip(days, *prepared.span), item.table[name])
    return pd.DataFrame(found)


def _as_dates(days: np.ndarray[Any, Any], real: pd.Series) -> pd.Series:
    """Days since 1970 in the real column's form: ISO text where it is written in another one."""
    code = code_column(real, real.name, "date", None, ())
    if code.numeric and code.form in ("moment", "date", "date text"):
        return decode_column(pd.Series(days), None, replace(code, lower=-np.inf, upper=np.inf, has_empty=True))
    moments = pd.to_datetime(pd.Series(np.round(days)), unit="D", errors="coerce")
    return moments.dt.strftime("%Y-%m-%d").astype(object).where(moments.notna(), None)


def _keys_of(tables: LinkedSet, shared: Mapping[str, Mapping[Any, str]], item: LinkedTable, name: Any) -> pd.Series:
    """The real cells of a key in all tables that hold it: a new key equals none of them, and is alike in all."""
    if name == item.key:
        return pd.concat([t.table[t.key] for t in tables.tables], ignore_index=True)
    home = shared.get(item.name, {}).get(name, item.name)
    held = [t.table[name] for t in tables.events if t.name == home or shared.get(t.name, {}).get(name) == home]
    return pd.concat(held, ignore_index=True)


def _write_keys(numbers: pd.Series, real: pd.Series, own: pd.Series) -> pd.Series:
    """Records numbered from 1 as keys in the real column's manner; missing where there is none."""
    gone = numbers.isna().to_numpy()
    keys = new_keys(real, numbers.fillna(1).to_numpy(dtype=np.int64) - 1)
    if pd.api.types.is_numeric_dtype(keys.dtype):
        return keys.astype("float64").mask(gone) if gone.any() else keys
    texts = keys.astype(object).mask(gone, None)
    return texts.astype(own.dtype) if pd.api.types.is_string_dtype(own.dtype) else texts
