"""Histories by sequential CART: one long table in, patients and each event table's rows one below the other.

The columns say by ``table`` whose rows hold them: 0 the patients, 1 and up the event tables; by ``part`` what they are:
``table`` and ``owner`` (position of the patient) of every row, ``time``, ``end`` of follow-up, ``static`` or ``visit``.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from .columns import Array, Column
from .model import EventTable, HistoriesModel, PatientTable
from .visits import Visits

__all__ = ["Synthesizer"]

_MISSING = "missing"


class Synthesizer:
    """Trees for patients, then for visits."""

    tells = True
    """Takes ``tell`` among its hyper-parameters: a function of the share of the fit that is done."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._table = next(name for name, facts in columns.items() if facts["part"] == "table")
        self._owner = next(name for name, facts in columns.items() if facts["part"] == "owner")
        self._tables = max(int(facts.get("table", 0)) for facts in columns.values())
        self._codes: dict[str, list[str]] = {}

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """Learn patients and visits; a patient's rows come in their order."""
        patients = table[table[self._table] == 0].sort_values(self._owner, kind="stable")
        statics = self._names(0, "end", "static")
        cells, columns = self._to_matrix(patients, statics)
        ends = self._names(0, "end")
        self._model = HistoriesModel.fit(
            PatientTable(cells, columns, statics.index(ends[0]) if ends else None),
            [self._events(table, i) for i in range(1, self._tables + 1)],
            visit_leaf=hyperparameters["visit_leaf"],
            patient_leaf=hyperparameters["patient_leaf"],
            k=hyperparameters["patients_per_leaf"],
            seed=seed,
            tell=hyperparameters.get("tell"),
        )
        return self

    def sample(self, n: int) -> pd.DataFrame:
        """``n`` patients with their rows, in the form of the fitted table."""
        drawn = self._model.draw(n)
        parts = [self._to_frame(drawn.cells, self._names(0, "end", "static"), 0, np.arange(n))]
        for i, visits in enumerate(drawn.visits, start=1):
            frame = self._to_frame(visits.cells, self._names(i, "visit"), i, visits.patients)
            times = self._names(i, "time")
            if times:
                frame[times[0]] = np.zeros(0) if visits.times is None else visits.times
            parts.append(frame)
        whole = pd.concat(parts, ignore_index=True)
        for name, facts in self._columns.items():
            if name not in whole:
                whole[name] = np.nan
            if facts["kind"] != "numeric":
                whole[name] = whole[name].astype(object).where(whole[name].notna(), _MISSING)
        return whole[list(self._columns)]

    def _names(self, table: int, *parts: str) -> list[str]:
        return [n for n, facts in self._columns.items() if facts.get("table") == table and facts["part"] in parts]

    def _events(self, table: pd.DataFrame, i: int) -> EventTable:
        rows = table[table[self._table] == i].sort_values(self._owner, kind="stable")
        cells, columns = self._to_matrix(rows, self._names(i, "visit"))
        times = self._names(i, "time")
        moments = rows[times[0]].to_numpy(dtype=float) if times else None
        decimals = self._columns[times[0]].get("decimals") if times else None
        visits = Visits(rows[self._owner].to_numpy(dtype=int), moments, cells)
        return EventTable(visits, columns, decimals)

    def _to_matrix(self, rows: pd.DataFrame, names: list[str]) -> tuple[Array, tuple[Column, ...]]:
        """Numbers as they are; categories as codes, a missing cell being the last one where there is any."""
        cells = np.empty((len(rows), len(names)))
        columns = []
        for j, name in enumerate(names):
            facts = self._columns[name]
            if facts["kind"] == "numeric":
                cells[:, j] = rows[name].to_numpy(dtype=float)
                columns.append(Column(name, decimals=facts.get("decimals")))
                continue
            texts = rows[name].astype(object).where(rows[name].notna(), _MISSING)
            codes, levels = pd.factorize(texts, sort=True)
            self._codes[name] = [str(level) for level in levels]
            cells[:, j] = codes
            columns.append(Column(name, levels=max(len(levels), 1)))
        return cells, tuple(columns)

    def _to_frame(self, cells: Array, names: list[str], table: int, owners: Array) -> pd.DataFrame:
        found: dict[str, Any] = {self._table: np.full(len(owners), float(table)), self._owner: owners.astype(float)}
        for j, name in enumerate(names):
            if self._columns[name]["kind"] == "numeric":
                found[name] = cells[:, j]
            else:
                found[name] = np.array(self._codes[name], dtype=object)[cells[:, j].astype(int)]
        return pd.DataFrame(found)
