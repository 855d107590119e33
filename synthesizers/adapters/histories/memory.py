"""What is remembered of each patient's earlier visits: the predictors of the next one.

One object does it in training, where the visits are real, and in sampling, where they are drawn: the two cannot differ.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .columns import Array, Column

__all__ = ["Memory"]


class Memory:
    """Last observed cells, running means, codes seen, and the time of the last visit, patient by patient.

    Args:
        patients: How many.
        columns: Of a visit.
        watched: Column position → codes to remember whether they were seen.
    """

    def __init__(self, patients: int, columns: Sequence[Column], watched: dict[int, Array]) -> None:
        self._columns = columns
        self._watched = watched
        self._numeric = [j for j, column in enumerate(columns) if column.numeric]
        self.last = np.full((patients, len(columns)), np.nan)
        for j, column in enumerate(columns):
            if not column.numeric:
                self.last[:, j] = -1.0
        self._sums = np.zeros((patients, len(self._numeric)))
        self._counts = np.zeros((patients, len(self._numeric)))
        self.seen = {j: np.zeros((patients, columns[j].levels), dtype=bool) for j in watched}
        self.time = np.full(patients, np.nan)
        self.visits = np.zeros(patients)

    def features(self, patients: Array) -> Array:
        """Patients x (visits so far, last time, last cells, running means, codes seen)."""
        with np.errstate(invalid="ignore"):
            means = self._sums[patients] / self._counts[patients]
        seen = [self.seen[j][np.ix_(patients, codes)] for j, codes in self._watched.items()]
        return np.column_stack([self.visits[patients], self.time[patients], self.last[patients], means, *seen])

    @property
    def categories(self) -> dict[int, int]:
        """Position among the features → levels, of those that are codes."""
        return {j + 2: column.levels for j, column in enumerate(self._columns) if not column.numeric}

    def add(self, patients: Array, times: Array, cells: Array) -> None:
        """Remember one visit of each of ``patients``, none of them twice."""
        there = ~np.isnan(cells)
        self.last[patients] = np.where(there, cells, self.last[patients])
        numbers = cells[:, self._numeric]
        self._sums[patients] += np.nan_to_num(numbers)
        self._counts[patients] += ~np.isnan(numbers)
        for j, flags in self.seen.items():
            flags[patients, cells[:, j].astype(int)] = True
        self.time[patients] = times
        self.visits[patients] += 1
