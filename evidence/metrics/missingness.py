"""Missing cells: how many, which go missing together, and whether that depends on other columns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from .comparable import Array, as_category, as_number, numeric_columns

__all__ = ["Missingness", "measure_missingness"]

_LEAST_SHARE = 0.01
"""Columns of fewer missing (or fewer present) cells in the real table are left out: their correlations are noise."""


@dataclass(frozen=True, slots=True)
class Missingness:
    """Differences between the tables; 0 is alike."""

    columns: int
    """Columns of the real table with missing cells."""
    share_difference: float
    """Largest difference of a column's share of missing cells."""
    together_difference: float | None
    """Mean absolute difference of the correlations of two columns' gaps; None below two such columns."""
    dependence_difference: float | None
    """Mean absolute difference of the correlations of a column's gaps with the other columns' values; None where no
    column has gaps enough."""


def measure_missingness(real: pd.DataFrame, synthetic: pd.DataFrame) -> Missingness:
    """Hold the gaps of ``synthetic`` against those of ``real``, which have the same columns."""
    gaps = [np.column_stack([table[name].isna() for name in real.columns]).astype(float) for table in (real, synthetic)]
    shares = [gap.mean(axis=0) for gap in gaps]
    chosen = np.flatnonzero((shares[0] > _LEAST_SHARE) & (shares[0] < 1 - _LEAST_SHARE))
    together = dependence = None
    if len(chosen) >= 2:
        first, second = (_correlations(gap[:, chosen], gap[:, chosen]) for gap in gaps)
        upper = np.triu_indices(len(chosen), 1)
        together = float(np.abs(first - second)[upper].mean())
    if len(chosen):
        values = [_values(table, real) for table in (real, synthetic)]
        first, second = (_correlations(gap[:, chosen], value) for gap, value in zip(gaps, values, strict=True))
        # A column's gaps say nothing of its own values.
        own = chosen[:, None] == np.arange(len(real.columns))[None, :]
        dependence = float(np.abs(first - second)[~own].mean()) if (~own).any() else None
    return Missingness(
        columns=int((shares[0] > 0).sum()),
        share_difference=float(np.abs(shares[0] - shares[1]).max()) if len(real.columns) else 0.0,
        together_difference=together,
        dependence_difference=dependence,
    )


def _values(table: pd.DataFrame, real: pd.DataFrame) -> Array:
    """Numbers, and categories by falling frequency in the real table; gaps at the mean."""
    numeric = numeric_columns(real)
    parts = []
    for name in real.columns:
        if name in numeric:
            values = as_number(table[name])
        else:
            order = {level: i for i, level in enumerate(pd.Series(as_category(real[name])).value_counts().index)}
            values = np.array([order.get(label, len(order)) for label in as_category(table[name])], dtype=float)
            values[table[name].isna().to_numpy()] = np.nan
        present = ~np.isnan(values)
        parts.append(np.where(present, values, values[present].mean() if present.any() else 0.0))
    return np.column_stack(parts)


def _correlations(first: Array, second: Array) -> Array:
    scaled = []
    for matrix in (first, second):
        centred = matrix - matrix.mean(axis=0)
        spread = np.sqrt((centred**2).sum(axis=0))
        scaled.append(centred / np.where(spread > 0, spread, 1.0))
    return np.asarray(scaled[0].T @ scaled[1])
