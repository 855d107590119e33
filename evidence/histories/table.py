"""Histories in the form that the measures take: patients, and their visits in order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["Array", "Histories", "on_ranks_of"]

Array = np.ndarray[Any, Any]

_MANY_LEVELS = 10
"""From so many levels on a category is a code: its order is judged by what follows what, not by a transition table."""


@dataclass(frozen=True, slots=True)
class Histories:
    """Patients and their visits; a visit column of numbers is float, a category is text or None."""

    patients: pd.DataFrame
    """Statics, one row a patient."""
    visits: pd.DataFrame
    """What varies: a patient's rows side by side, in order."""
    owners: Array
    """Position of each visit's patient, never falling."""
    times: Array | None = None
    """Of each visit, never falling within a patient."""
    ends: Array | None = None
    """End of each patient's follow-up, on the visits' time scale; NaN where it is open."""
    events: Array | None = None
    """Whether each patient's follow-up ended by the event."""

    @property
    def lengths(self) -> Array:
        """Visits of each patient."""
        return np.bincount(self.owners, minlength=len(self.patients))

    @property
    def follows(self) -> Array:
        """Rows that have an earlier one of the same patient just before them."""
        return (
            np.flatnonzero(np.r_[False, self.owners[1:] == self.owners[:-1]]) if len(self.owners) else np.zeros(0, int)
        )

    @property
    def firsts(self) -> Array:
        """Each patient's first row."""
        return (
            np.flatnonzero(np.r_[True, self.owners[1:] != self.owners[:-1]]) if len(self.owners) else np.zeros(0, int)
        )

    @property
    def lasts(self) -> Array:
        """Each patient's last row."""
        return (
            np.flatnonzero(np.r_[self.owners[1:] != self.owners[:-1], True]) if len(self.owners) else np.zeros(0, int)
        )

    @property
    def numbers(self) -> list[Any]:
        """Visit columns of numbers."""
        return [name for name in self.visits if pd.api.types.is_float_dtype(self.visits[name].dtype)]

    @property
    def states(self) -> list[Any]:
        """Visit columns of few levels."""
        return [n for n in self.visits if n not in self.numbers and self.visits[n].nunique() < _MANY_LEVELS]

    @property
    def codes(self) -> list[Any]:
        """Visit columns of many levels."""
        return [n for n in self.visits if n not in self.numbers and self.visits[n].nunique() >= _MANY_LEVELS]

    def take(self, patients: Array) -> Histories:
        """Those patients' histories, in the order of ``patients``; one named twice comes twice."""
        starts = np.searchsorted(self.owners, patients)
        lengths = self.lengths[patients]
        rows = np.repeat(starts - np.r_[0, np.cumsum(lengths)[:-1]], lengths) + np.arange(lengths.sum())
        return Histories(
            self.patients.iloc[patients].reset_index(drop=True),
            self.visits.iloc[rows].reset_index(drop=True),
            np.repeat(np.arange(len(patients)), lengths),
            None if self.times is None else self.times[rows],
            None if self.ends is None else self.ends[patients],
            None if self.events is None else self.events[patients],
        )

    def join(self, other: Histories) -> Histories:
        """These patients, and below them those of ``other``."""
        return Histories(
            pd.concat([self.patients, other.patients], ignore_index=True),
            pd.concat([self.visits, other.visits], ignore_index=True),
            np.r_[self.owners, other.owners + len(self.patients)],
            _joined(self.times, other.times),
            _joined(self.ends, other.ends),
            _joined(self.events, other.events),
        )


def on_ranks_of(reference: Histories, histories: Histories) -> Histories:
    """``histories`` with each number as its rank among the reference's, from 0 to 1."""
    visits = histories.visits.copy()
    for name in reference.numbers:
        ordered = np.sort(reference.visits[name].dropna().to_numpy(dtype=float))
        values = visits[name].to_numpy(dtype=float)
        low, high = np.searchsorted(ordered, values, "left"), np.searchsorted(ordered, values, "right")
        visits[name] = np.where(np.isnan(values), np.nan, (low + high) / 2 / max(len(ordered), 1))
    return replace(histories, visits=visits)


def _joined(a: Array | None, b: Array | None) -> Array | None:
    return None if a is None or b is None else np.r_[a, b]
