"""Columns as small whole numbers, a missing cell among them, and the way back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

__all__ = ["BinnedColumn", "bin_column"]

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class BinnedColumn:
    """How a column became codes 0, 1, …; where cells are missing, the last code."""

    size: int
    has_missing: bool
    levels: tuple[str, ...] | None
    """Of a category."""
    values: tuple[Floats, ...] = ()
    """Of a number: each bin's values, sorted."""

    def restore(self, codes: Ints, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Cells for ``codes``: levels, or numbers drawn along the values of their bin."""
        missing = codes == self.size - 1 if self.has_missing else np.zeros(len(codes), dtype=bool)
        if self.levels is not None:
            names = np.array([*self.levels, None], dtype=object)
            return names[np.where(missing, len(self.levels), codes)]
        cells = np.full(len(codes), np.nan)
        for code, values in enumerate(self.values):
            at = np.flatnonzero((codes == code) & ~missing)
            places = rng.random(len(at)) * (len(values) - 1)
            cells[at] = np.interp(places, np.arange(len(values)), values)
        return cells


def bin_column(cells: pd.Series, kind: str, most: int) -> tuple[Ints, BinnedColumn]:
    """Codes of a coded column, numbers in at most ``most`` bins of about equal size."""
    missing = cells.isna().to_numpy()
    has_missing = bool(missing.any())
    if kind == "categorical":
        levels, codes = np.unique(cells[~missing].to_numpy(dtype=str), return_inverse=True)
        column = BinnedColumn(len(levels) + has_missing, has_missing, tuple(map(str, levels)))
    else:
        known = cells[~missing].to_numpy(dtype=float)
        edges = np.unique(np.quantile(known, np.linspace(0, 1, most + 1)[1:-1])) if len(known) else np.zeros(0)
        codes = np.searchsorted(edges, known, side="left")
        used, codes = np.unique(codes, return_inverse=True)
        values = tuple(np.sort(known[codes == code]) for code in range(len(used)))
        column = BinnedColumn(len(used) + has_missing, has_missing, None, values)
    whole = np.full(len(cells), column.size - 1, dtype=np.int64)
    whole[~missing] = codes
    return whole, column
