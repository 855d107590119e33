"""Orders and sums built into what is fitted: a difference in place of the later or larger, no column for a total.

Differences and totals are made from protected columns. Since two values that many share can add up to one that few
have, the sum is looked at once more: cells that would give a person's own rare value, or lie beyond the k-th person's,
get one from the protected column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ..encoding.column_encoding import ColumnCode, code_column, decode_column, to_number
from ..encoding.comparable_cells import Array
from ..protection.numbers import protect_numbers

__all__ = ["Difference", "Numbers", "Total"]


@dataclass(frozen=True, slots=True)
class Numbers:
    """Columns as numbers, and back: dates in days, in the type and the range of the protected column."""

    codes: dict[Any, ColumnCode]

    @classmethod
    def of(cls, table: pd.DataFrame) -> Numbers:
        """How the columns of ``table`` are numbers; those that are none have no code."""
        codes = {name: code_column(table[name], name, "c1", None, ()) for name in table.columns}
        return cls({name: code for name, code in codes.items() if code.numeric})

    def read(self, table: pd.DataFrame, name: Any) -> Array:
        """A column as floats, missing as NaN."""
        return np.asarray(to_number(table[name], self.codes[name]))

    def write(self, values: Array, name: Any, index: pd.Index) -> pd.Series:
        """Floats as the column's cells, inside its range."""
        return decode_column(pd.Series(values), None, self.codes[name]).set_axis(index).rename(name)


@dataclass(frozen=True, slots=True)
class Difference:
    """A column that lies above others, as the distance to the highest of them."""

    upper: Any
    lowers: tuple[Any, ...]
    strict: bool
    """Never equal to one of them."""
    fill: float = 0.0
    """In place of what lies below, where that is missing."""
    least: float = 0.0
    """Smallest distance."""

    @property
    def sources(self) -> tuple[Any, ...]:
        """Columns that must be there before it can be rebuilt."""
        return self.lowers

    def base(self, table: pd.DataFrame, numbers: Numbers) -> Array:
        """The highest of what lies below, missing where all of it is."""
        return np.asarray(np.fmax.reduce([numbers.read(table, name) for name in self.lowers]))

    def protect(
        self, real: pd.DataFrame, protected: pd.DataFrame, persons: Array, k: int, rng: np.random.Generator
    ) -> pd.Series:
        """The upper column of the protected rows, at a protected distance from what lies below it there."""
        before, numbers = (
            Numbers.of(real[[*self.lowers, self.upper]]),
            Numbers.of(protected[[*self.lowers, self.upper]]),
        )
        own = before.read(real, self.upper)
        distance = np.maximum(own - self.base(real, before), self.least)
        decimals = before.codes[self.upper].decimals
        if k > 1:
            found = protect_numbers(distance, persons, k, rng, decimals)
            distance = distance * np.nan if found.withheld else found.values
        base, usual = self.base(protected, numbers), numbers.read(protected, self.upper)
        made = np.where(np.isnan(distance) | np.isnan(base) | np.isnan(usual), usual, base + distance)
        if k > 1:
            code = numbers.codes[self.upper]
            few = (made == own) & _is_of_few(own, persons, k)
            bad = few | (made < code.lower) | (made > code.upper)
            made = np.where(bad, _next_above(usual, np.where(np.isnan(base), usual, base + self.least), bad, rng), made)
        return numbers.write(made, self.upper, protected.index)

    def shaped(self, table: pd.DataFrame, numbers: Numbers) -> pd.Series:
        """What is fitted in its place."""
        base = self.base(table, numbers)
        return pd.Series(numbers.read(table, self.upper) - np.where(np.isnan(base), self.fill, base), index=table.index)

    def rebuilt(self, drawn: pd.DataFrame, numbers: Numbers) -> pd.Series:
        """The column itself, from drawn distances and columns that are rebuilt already."""
        base = self.base(drawn, numbers)
        distance = drawn[self.upper].astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        distance = np.where(np.isnan(base), distance, np.maximum(distance, self.least))
        return numbers.write(np.where(np.isnan(base), self.fill, base) + distance, self.upper, drawn.index)


@dataclass(frozen=True, slots=True)
class Total:
    """A column that is the sum of others."""

    total: Any
    parts: tuple[Any, ...]

    @property
    def sources(self) -> tuple[Any, ...]:
        """Columns that must be there before it can be rebuilt."""
        return self.parts

    def rebuilt(self, drawn: pd.DataFrame, numbers: Numbers) -> pd.DataFrame:
        """Parts and total; rows whose sum lies outside the total's range take the parts of a row near to them."""
        parts = np.column_stack([numbers.read(drawn, name) for name in self.parts])
        code = numbers.codes[self.total]
        sums = parts.sum(axis=1)
        parts = _near_rows(parts, sums, (sums < code.lower) | (sums > code.upper))
        return self._written(parts, parts.sum(axis=1), numbers, drawn.index)

    def protect(
        self, real: pd.DataFrame, protected: pd.DataFrame, persons: Array, k: int, rng: np.random.Generator
    ) -> pd.DataFrame:
        """The parts and the total of the protected rows, so that they add up to no total of few.

        Rows whose sum few have, or that lies beyond the k-th person's, take the parts of a row near to them.
        """
        names = [*self.parts, self.total]
        numbers = Numbers.of(protected[names])
        parts = np.column_stack([numbers.read(protected, name) for name in self.parts])
        sums = parts.sum(axis=1)
        if k > 1:
            own = Numbers.of(real[[self.total]]).read(real, self.total)
            code = numbers.codes[self.total]
            bad = ((sums == own) & _is_of_few(own, persons, k)) | (sums < code.lower) | (sums > code.upper)
            parts = _near_rows(parts, sums, bad, rng.integers(-k, k + 1, int(bad.sum())))
        made = np.where(np.isnan(numbers.read(protected, self.total)), np.nan, parts.sum(axis=1))
        return self._written(parts, made, numbers, protected.index)

    def _written(self, parts: Array, sums: Array, numbers: Numbers, index: pd.Index) -> pd.DataFrame:
        columns = {name: numbers.write(parts[:, at], name, index) for at, name in enumerate(self.parts)}
        return pd.DataFrame({**columns, self.total: numbers.write(sums, self.total, index)})


def _near_rows(parts: Array, sums: Array, bad: Array, offsets: Array | int = 0) -> Array:
    """``parts`` with those of each bad row replaced by a good row's whose sum is nearest, or so many ranks away."""
    good = np.flatnonzero(~bad & ~np.isnan(sums))
    if not bad.any() or not len(good):
        return parts
    order = good[np.argsort(sums[good], kind="stable")]
    places = np.searchsorted(sums[order], sums[bad]) + offsets
    parts = parts.copy()
    parts[bad] = parts[order[np.clip(places, 0, len(order) - 1)]]
    return parts


def _is_of_few(values: Array, persons: Array, k: int) -> Array:
    """Cells whose number fewer than ``k`` persons hold."""
    holders = pd.Series(persons).groupby(values).nunique()
    return np.asarray(pd.Series(values).map(holders).fillna(k).to_numpy() < k)


def _next_above(column: Array, floors: Array, wanted: Array, rng: np.random.Generator) -> Array:
    """For each wanted cell one of the column's next values from its floor on; the highest where there is none."""
    ordered = np.sort(column[~np.isnan(column)])
    made = column.copy()
    if not len(ordered):
        return made
    for at in np.flatnonzero(wanted & ~(column >= floors)).tolist():
        start = int(np.searchsorted(ordered, floors[at]))
        made[at] = ordered[min(start + int(rng.integers(0, 5)), len(ordered) - 1)]
    return made
