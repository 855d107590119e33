"""A patients table and event tables as one long coded table, and the way back.

Rows of the patients stand above those of each event table. A key of records within a patient, such as an admission's
number, becomes a mark where a new record begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .table_encoding import Bounds, Encoding

__all__ = ["CodedHistories", "EventRows", "code_histories", "number_records"]

_TABLE, _OWNER = "table", "owner"
_NEW, _SAME, _NONE = "new", "same", "none"
_GONE = "_gone"


@dataclass(frozen=True, slots=True)
class EventRows:
    """The rows of one event table, treated, without keys.

    Attributes:
        cells: What varies, the time included.
        owners: Position of each row's patient.
        time: Column that tells when a row was.
        dates: Columns that hold the time from the row's own time on; coming back they hold the date itself.
        keys: Real keys of records within a patient, row by row.
        dated: The time is a date, as days since the patient's first one.
    """

    cells: pd.DataFrame
    owners: np.ndarray[Any, Any]
    time: Any = None
    dates: tuple[Any, ...] = ()
    keys: Mapping[Any, pd.Series] | None = None
    dated: bool = False

    def take(self, place: np.ndarray[Any, Any]) -> EventRows:
        """The rows of some patients.

        Args:
            place: Beside each patient: the new position, or -1 for one who is left out.
        """
        rows = np.flatnonzero(place[self.owners] >= 0)
        keys = {name: cells.iloc[rows].reset_index(drop=True) for name, cells in (self.keys or {}).items()}
        cells = self.cells.iloc[rows].reset_index(drop=True)
        return replace(self, cells=cells, owners=place[self.owners[rows]], keys=keys)


@dataclass(frozen=True, slots=True)
class _TableCode:
    encoding: Encoding
    prefix: str
    time: str | None
    dates: tuple[Any, ...]
    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class CodedHistories:
    """The long coded table, what its adapter is told, and what the way back needs."""

    table: pd.DataFrame
    columns: dict[str, dict[str, Any]]
    _patients: _TableCode
    _events: tuple[_TableCode, ...]

    def decode(self, coded: pd.DataFrame) -> tuple[pd.DataFrame, list[EventRows]]:
        """Synthetic patients, and their rows table by table, in their order; keys hold the number of the record."""
        patients = _decode(coded[coded[_TABLE] == 0].reset_index(drop=True), self._patients)
        tables = []
        for i, code in enumerate(self._events, start=1):
            rows = coded[coded[_TABLE] == i].reset_index(drop=True)
            owners = rows[_OWNER].to_numpy(dtype=int)
            cells = _decode(rows, code)
            for name in code.dates:
                cells[name] = cells[name].to_numpy(dtype=float) + rows[code.time].to_numpy(dtype=float)
            if code.time is not None and code.time + _GONE in rows:
                time = next(c.name for c in code.encoding.columns if code.prefix + c.alias == code.time)
                cells[time] = cells[time].mask(rows[code.time + _GONE] == "1")
            marks = {name: rows[f"{code.prefix}key{j}"] for j, name in enumerate(code.keys)}
            keys = {name: number_records(mark, owners) for name, mark in marks.items()}
            when = next((c.name for c in code.encoding.columns if code.prefix + c.alias == code.time), None)
            tables.append(EventRows(cells, owners, when, code.dates, keys))
        return patients, tables


def code_histories(
    patients: pd.DataFrame,
    events: Sequence[EventRows],
    *,
    end: Any = None,
    missing_codes: Mapping[str, tuple[float, ...]] | None = None,
    public: Mapping[str, Bounds] | None = None,
) -> CodedHistories:
    """One long table of numbers and category codes.

    Args:
        patients: Statics, a row for each patient; it may have no column.
        events: Event tables.
        end: Column of ``patients`` that holds the end of follow-up, on the scale of the events' times.
        missing_codes: Column → numbers that stand for a missing cell.
        public: Column → bounds or levels that are public knowledge.
    """
    columns: dict[str, dict[str, Any]] = {
        _TABLE: {"kind": "numeric", "part": "table"},
        _OWNER: {"kind": "numeric", "part": "owner"},
    }
    ends = {} if end is None else {str(end): _span(patients[end])}
    encoding = _encode(patients, {**(public or {}), **ends}, missing_codes)
    coded = _prefixed(encoding.encode(patients, 0, native_missing=True), "p.") if encoding.columns else pd.DataFrame()
    coded = coded.reindex(range(len(patients))).assign(**{_TABLE: 0.0, _OWNER: np.arange(len(patients), dtype=float)})
    columns |= _described(encoding, "p.", 0, {str(end): "end"}, "static")
    parts, codes = [coded], []
    for i, event in enumerate(events, start=1):
        rows, described, code = _code_events(event, i, public or {}, missing_codes)
        columns |= described
        parts.append(rows)
        codes.append(code)
    table = pd.concat(parts, ignore_index=True)[list(columns)]
    return CodedHistories(table, columns, _TableCode(encoding, "p.", None, (), ()), tuple(codes))


def number_records(marks: pd.Series, owners: np.ndarray[Any, Any]) -> pd.Series:
    """The number of each row's record, counted over all patients from 1; missing where the row belongs to none."""
    first = np.r_[True, owners[1:] != owners[:-1]] if len(owners) else np.zeros(0, dtype=bool)
    none = (marks == _NONE).to_numpy()
    # A patient's first row with a record begins one, whatever its mark.
    some = (~none).astype(int)
    before = pd.Series(some).groupby(owners).cumsum().to_numpy() - some
    begins = ~none & ((marks == _NEW).to_numpy() | first | (before == 0))
    return pd.Series(np.cumsum(begins), dtype="Int64").mask(none)


def _code_events(
    event: EventRows, i: int, public: Mapping[str, Bounds], missing_codes: Mapping[str, tuple[float, ...]] | None
) -> tuple[pd.DataFrame, dict[str, dict[str, Any]], _TableCode]:
    prefix = f"e{i}."
    # A time between is a number, however few values it has.
    span = {str(name): _span(event.cells[name]) for name in (event.time, *event.dates) if name is not None}
    encoding = _encode(event.cells, {**public, **span}, missing_codes)
    aliases = {column.name: prefix + column.alias for column in encoding.columns}
    rows = (
        _prefixed(encoding.encode(event.cells, 0, native_missing=True), prefix) if encoding.columns else pd.DataFrame()
    )
    rows = rows.reindex(range(len(event.owners))).assign(**{_TABLE: float(i), _OWNER: event.owners.astype(float)})
    keys = event.keys or {}
    time = None if event.time is None else aliases[event.time]
    described = _described(encoding, prefix, i, {str(event.time): "time"}, "visit")
    order = np.argsort(event.owners, kind="stable")
    if time is not None:
        gone = rows[time].isna()
        rows[time] = rows.groupby(_OWNER)[time].ffill().fillna(0.0)
        order = np.lexsort((rows[time], event.owners))
        if gone.any():
            rows[time + _GONE] = np.where(gone, "1", "0")
            described[time + _GONE] = {"kind": "categorical", "part": "visit", "table": i}
    rows = rows.iloc[order].reset_index(drop=True)
    for j, cells in enumerate(keys.values()):
        rows[f"{prefix}key{j}"] = _marks(cells.iloc[order].reset_index(drop=True), event.owners[order])
        described[f"{prefix}key{j}"] = {"kind": "categorical", "part": "visit", "table": i}
    return rows, described, _TableCode(encoding, prefix, time, event.dates, tuple(keys))


def _encode(
    table: pd.DataFrame, public: Mapping[str, Bounds], missing_codes: Mapping[str, tuple[float, ...]] | None
) -> Encoding:
    return Encoding.of(table, public, missing_codes) if table.shape[1] else Encoding(())


def _span(cells: pd.Series) -> Bounds:
    """Bounds that make a number of a time that has few values, such as the number of a visit."""
    probe = Encoding.of(pd.DataFrame({"time": cells}))
    column = probe.columns[0]
    if column.numeric:
        return column.lower, column.upper
    numbers = pd.to_numeric(cells, errors="coerce")
    return float(numbers.min()), float(numbers.max())


def _described(
    encoding: Encoding, prefix: str, table: int, parts: Mapping[str, str], other: str
) -> dict[str, dict[str, Any]]:
    names = {column.alias: column for column in encoding.columns}
    found = {}
    for alias, facts in encoding.describe(native_missing=True).items():
        column = names.get(alias)
        part = other if column is None else parts.get(str(column.name), other)
        decimals = None if column is None else column.decimals
        found[prefix + alias] = {"kind": facts["kind"], "part": part, "table": table, "decimals": decimals}
    return found


def _prefixed(coded: pd.DataFrame, prefix: str) -> pd.DataFrame:
    return coded.rename(columns=lambda alias: prefix + alias)


def _decode(rows: pd.DataFrame, code: _TableCode) -> pd.DataFrame:
    own = {name: name.removeprefix(code.prefix) for name in rows if name.startswith(code.prefix)}
    if not code.encoding.columns:
        return pd.DataFrame(index=rows.index)
    return code.encoding.decode(rows[list(own)].rename(columns=own))


def _marks(keys: pd.Series, owners: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Beside each row: a new record begins, the one before goes on, or there is none."""
    codes = pd.factorize(keys)[0]
    marks = np.full(len(codes), _NEW, dtype=object)
    if len(codes) > 1:
        same = (codes[1:] == codes[:-1]) & (owners[1:] == owners[:-1])
        marks[1:][same] = _SAME
    marks[codes < 0] = _NONE
    return marks
