"""Tables of the same patients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ....schemas.column_treatment import Treatment

__all__ = ["LinkedSet", "LinkedTable"]


@dataclass(frozen=True, slots=True)
class LinkedTable:
    """One table of a set.

    Attributes:
        name: Its name in the set.
        table: Its rows.
        treatments: One for each column.
        key: Column that holds the patient's key.
        births: Dates of birth, and others of which a patient has one, come back as dates; else as ages and years.
    """

    name: str
    table: pd.DataFrame
    treatments: tuple[Treatment, ...]
    key: Any
    births: bool = True

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
        cells = pd.concat([item.table[item.key].dropna() for item in self.events], ignore_index=True)
        return pd.Index(cells.unique())

    def take(self, keys: pd.Index) -> LinkedSet:
        """The rows of some patients."""
        some = [replace(t, table=t.table[t.table[t.key].isin(keys)].reset_index(drop=True)) for t in self.tables]
        return LinkedSet(tuple(some), None) if self.patients is None else LinkedSet(tuple(some[1:]), some[0])

    def orphans(self) -> dict[str, int]:
        """Event table → rows whose patient is not among the patients; they enter no fit."""
        keys = self.keys()
        counts = {item.name: int((~item.table[item.key].isin(keys)).sum()) for item in self.events}
        return {name: count for name, count in counts.items() if count}
