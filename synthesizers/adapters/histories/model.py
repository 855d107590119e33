"""Patients with one or more tables of visits: learnt together, drawn together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .cells import Growth
from .columns import Array, Column
from .donors import Features
from .patients import PatientsModel
from .visits import Patients, Tell, Visits, VisitsModel

__all__ = ["DrawnHistories", "EventTable", "HistoriesModel", "PatientTable"]


@dataclass(frozen=True, slots=True)
class PatientTable:
    """One row a patient."""

    cells: Array
    columns: tuple[Column, ...]
    end: int | None = None
    """Position of the column that holds the end of follow-up, on the visits' time scale."""


@dataclass(frozen=True, slots=True)
class EventTable:
    """One table of visits or events."""

    visits: Visits
    columns: tuple[Column, ...]
    time_decimals: int | None = None


@dataclass(frozen=True, slots=True)
class DrawnHistories:
    """Synthetic patients with their visits, table by table."""

    cells: Array
    visits: tuple[Visits, ...]


@dataclass(frozen=True, slots=True)
class HistoriesModel:
    """How many rows each patient has in each table, then the patients, then the tables one after another.

    A patient's numbers of rows come first, so that they are kept whatever the columns after them are.
    """

    patients: PatientsModel
    order: tuple[int, ...]
    """The patients' columns in the order in which they are drawn."""
    end: int | None
    tables: tuple[VisitsModel | None, ...]
    rng: np.random.Generator

    @classmethod
    def fit(
        cls,
        patients: PatientTable,
        tables: Sequence[EventTable],
        *,
        visit_leaf: int,
        patient_leaf: int,
        k: int,
        seed: int,
        tell: Tell | None = None,
    ) -> HistoriesModel:
        """Learn the tables.

        Args:
            patients: All of them, those without a visit too.
            tables: At least one.
            visit_leaf: Fewest visits in a leaf.
            patient_leaf: Fewest patients in a leaf of the first step.
            k: Fewest patients among the donors of any leaf; the k longest lengths are their mean.
            seed: Equal seeds give equal models and draws.
            tell: Told of progress.
        """
        rng = np.random.default_rng(seed)
        size = len(patients.cells)
        kept, lengths, shared = [], [], []
        for table in tables:
            visits = cap_lengths(table.visits, size, k)
            kept.append(visits)
            lengths.append(np.bincount(visits.patients, minlength=size))
            shared.append(shared_lengths(table.visits, size, k))
        # The end of follow-up before what depends on it.
        order = tuple(sorted(range(len(patients.columns)), key=lambda j: j != patients.end))
        columns = (
            *(Column(f"rows {i}", decimals=0) for i in range(len(tables))),
            *(patients.columns[j] for j in order),
        )
        cells = patients.cells[:, order]
        matrix = np.column_stack([*lengths, cells])
        # A tail of the lengths is drawn as long as it is; the visits depend on how many there are to learn from.
        growth = Growth(patient_leaf, k, rng, reach=(k + 1) // 2)
        model = PatientsModel.fit(np.column_stack([*shared, cells]), columns, growth)
        end = None if patients.end is None else len(tables)
        models: list[VisitsModel | None] = []
        for i, (table, visits) in enumerate(zip(tables, kept, strict=True)):
            told = None if tell is None else _part(tell, i, len(tables))
            models.append(
                VisitsModel.fit(
                    _depend_on(matrix, columns, i, end, len(tables)), visits, table.columns,
                    Growth(visit_leaf, k, rng), time_decimals=table.time_decimals, tell=told,
                ) if len(visits.patients) else None
            )  # fmt: skip
        return cls(model, order, end, tuple(models), rng)

    def draw(self, n: int) -> DrawnHistories:
        """``n`` synthetic patients."""
        matrix = self.patients.draw(n, self.rng)
        size = len(self.tables)
        found = []
        for i, model in enumerate(self.tables):
            if model is None:
                found.append(Visits(np.zeros(0, dtype=int), None, np.zeros((0, 0))))
            else:
                found.append(model.draw(_depend_on(matrix, self.patients.columns, i, self.end, size), self.rng))
        cells = np.empty((n, len(self.order)))
        cells[:, self.order] = matrix[:, size:]
        return DrawnHistories(cells, tuple(found))


def shared_lengths(visits: Visits, patients: int, k: int) -> Array:
    """How many rows each patient has, the k longest histories as long as they are on average: no length is that of few,
    and all together keep their rows (microaggregation, Defays and Nanopoulos 1993)."""
    lengths = np.bincount(visits.patients, minlength=patients).astype(float)
    longest = np.argsort(-lengths, kind="stable")[: min(k, patients)]
    lengths[longest] = np.round(lengths[longest].mean())
    return lengths


def cap_lengths(visits: Visits, patients: int, k: int) -> Visits:
    """Without the rows that a patient has beyond the mean of the k longest histories."""
    lengths = np.bincount(visits.patients, minlength=patients)
    cap = shared_lengths(visits, patients, k).max()
    starts = np.cumsum(lengths) - lengths
    kept = np.arange(len(visits.patients)) - starts[visits.patients] < cap
    times = None if visits.times is None else visits.times[kept]
    return Visits(visits.patients[kept], times, visits.cells[kept])


def _depend_on(matrix: Array, columns: Sequence[Column], table: int, end: int | None, tables: int) -> Patients:
    """What a table's visits depend on: the patient's columns, and how many rows he or she has in the other tables."""
    others = [j for j in range(len(columns)) if j not in (table, end)]
    categories = {place: columns[j].levels for place, j in enumerate(others, start=1) if not columns[j].numeric}
    features = Features(np.column_stack([np.zeros(len(matrix)), matrix[:, others]]), categories)
    ends = np.full(len(matrix), np.nan) if end is None else matrix[:, end]
    lengths = np.nan_to_num(matrix[:, table]).astype(int)
    return Patients(features, lengths, ends)


def _part(tell: Tell, i: int, tables: int) -> Tell:
    return lambda share: tell((i + share) / tables)
