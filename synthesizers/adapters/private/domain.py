"""Columns as small whole numbers, chosen without a look at the rows but through the accountant, and the way back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from .accountant import Accountant

__all__ = ["DomainColumn", "code_table", "merge_rare_levels", "nearest_shares"]

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

_FINE_CELLS = 40
"""Cells of equal width that a number's bounds are cut into, before cells of few rows are merged."""


@dataclass(frozen=True, slots=True)
class DomainColumn:
    """How a column's cells became codes 0, 1, …; where cells may be missing, the last cell stands for them."""

    levels: tuple[str, ...] | None
    """Of a category, in the order of the cells."""
    edges: Floats | None
    """Of a number: bounds of its cells, rising."""
    missing: bool
    merged: Ints
    """Cell → code; several cells may share one."""
    weights: Floats
    """How often each cell is drawn within its code."""

    @property
    def size(self) -> int:
        """Number of codes."""
        return int(self.merged.max()) + 1

    def code(self, cells: Ints) -> Ints:
        """Codes of a column that is told as places of its cells."""
        return np.asarray(self.merged[cells])

    def restore(self, codes: Ints, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Cells for ``codes``: levels, or numbers drawn evenly between two edges; missing as None and NaN."""
        places = np.zeros(len(codes), dtype=np.int64)
        for code in range(self.size):
            inside = np.flatnonzero(self.merged == code)
            at = np.flatnonzero(codes == code)
            shares = self.weights[inside] / self.weights[inside].sum()
            places[at] = rng.choice(inside, len(at), p=shares)
        if self.levels is not None:
            return np.array([*self.levels, None], dtype=object)[places]
        assert self.edges is not None
        last = len(self.edges) - 2
        low, high = self.edges[np.minimum(places, last)], self.edges[np.minimum(places, last) + 1]
        return np.where(places > last, np.nan, low + (high - low) * rng.random(len(codes)))


def code_table(
    table: pd.DataFrame, facts: dict[str, dict[str, Any]], accountant: Accountant, rho: Fraction, bins: int, rows: float
) -> tuple[Ints, list[DomainColumn]]:
    """Codes of every column, numbers in at most ``bins`` bins that hold about equally many rows.

    Args:
        table: Coded rows, missing cells as they are.
        facts: Of each column: kind, levels or bounds, and whether cells may be missing.
        accountant: Pays for the bins: a histogram of each number, at ``rho`` for all of them together.
        rho: See above.
        bins: At most so many for a number.
        rows: About how many rows there are, told with noise.
    """
    numbers = [name for name, fact in facts.items() if fact["kind"] == "numeric"]
    codes, columns = [], []
    for name, fact in facts.items():
        cells, column = (_number if name in numbers else _category)(table[name], fact)
        if name in numbers:
            counts = np.bincount(cells, minlength=len(column.merged))
            noisy, deviation = accountant.measure(counts, rho / len(numbers), f"bins of {name}")
            column = _merge_cells(column, noisy, deviation, max(rows, 1.0) / bins)
        codes.append(column.code(cells))
        columns.append(column)
    return np.column_stack(codes), columns


def merge_rare_levels(column: DomainColumn, noisy: Ints, least: float) -> tuple[DomainColumn, Ints]:
    """A category whose levels of fewer than ``least`` rows, as far as noise tells, share one code; and code → code."""
    rare = noisy < least
    if column.levels is None or rare.sum() < 2:
        return column, np.arange(column.size)
    mapping = np.where(rare, (~rare).sum(), np.cumsum(~rare) - 1)
    return replace(column, merged=mapping, weights=np.maximum(noisy, 1.0)), mapping


def _category(cells: pd.Series, fact: dict[str, Any]) -> tuple[Ints, DomainColumn]:
    levels = tuple(map(str, fact["levels"]))
    missing = bool(fact["missing"])
    index = {level: place for place, level in enumerate(levels)}
    places = np.array([index.get(str(cell), len(levels)) for cell in cells.tolist()], dtype=np.int64)
    size = len(levels) + missing
    return np.minimum(places, size - 1), DomainColumn(levels, None, missing, np.arange(size), np.ones(size))


def _number(cells: pd.Series, fact: dict[str, Any]) -> tuple[Ints, DomainColumn]:
    lower, upper, missing = float(fact["lower"]), float(fact["upper"]), bool(fact["missing"])
    if fact["integer"]:
        # One cell a whole number, or several whole numbers a cell.
        low, high = np.floor(lower), np.ceil(upper) + 1
        whole = np.unique(np.round(np.linspace(low, high, min(_FINE_CELLS, int(high - low)) + 1)))
        edges: Floats = np.asarray(whole - 0.5, dtype=float)
    else:
        edges = np.linspace(lower, upper if upper > lower else lower + 1.0, _FINE_CELLS + 1)
    values = cells.to_numpy(dtype=float)
    gone = np.isnan(values)
    places = np.clip(np.searchsorted(edges, np.where(gone, lower, values), side="right") - 1, 0, len(edges) - 2)
    size = len(edges) - 1 + missing
    places = np.where(gone, size - 1, places).astype(np.int64)
    return places, DomainColumn(None, edges, missing, np.arange(size), np.ones(size))


def _merge_cells(column: DomainColumn, noisy: Ints, deviation: float, least: float) -> DomainColumn:
    """Neighbouring cells share a code until they hold ``least`` rows, as far as noise tells; missing stays alone."""
    count = len(noisy) - column.missing
    merged = np.zeros(len(noisy), dtype=np.int64)
    code, held, first = 0, 0.0, True
    for place in range(count):
        if not first and held >= least:
            code, held = code + 1, 0.0
        merged[place], first = code, False
        held += float(noisy[place])
    weights = noisy.astype(float)
    for filled in range(code + 1):
        inside = np.flatnonzero(merged[:count] == filled)
        mean = max(float(noisy[inside].mean()), 1.0)
        # Cells of one code differ by noise too: only what goes beyond it is kept.
        spread = float(((noisy[inside] - mean) ** 2).mean())
        kept = max(0.0, 1 - deviation**2 / max(spread, 1e-9))
        shares = np.asarray((mean + kept * (noisy[inside] - mean)) / (mean * len(inside)), dtype=float)
        weights[inside] = nearest_shares(shares)
    if column.missing:
        merged[-1], weights[-1] = code + 1, 1.0
    return replace(column, merged=merged, weights=weights)


def nearest_shares(shares: Floats) -> Floats:
    """The nearest shares that are not negative and add up to one (Duchi et al. 2008)."""
    falling = np.sort(shares)[::-1]
    over = (np.cumsum(falling) - 1) / np.arange(1, len(shares) + 1)
    return np.asarray(np.maximum(shares - over[np.flatnonzero(falling > over)[-1]], 0.0), dtype=float)
