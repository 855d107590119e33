"""Controls of a benchmark: what a metric must catch, and what it must let pass."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..metrics.comparable import Frame, as_number, numeric_columns

__all__ = ["CONTROLS", "make_control"]

CONTROLS = ("row_copy", "independent", "smote")
"""Copy of fitted rows (positive for risk), independent marginals (negative), SMOTE (interpolated neighbours)."""

_NEIGHBOURS = 5


def make_control(name: str, fitted: pd.DataFrame, rows: int, seed: int) -> pd.DataFrame:
    """``rows`` rows of the control called ``name``."""
    rng = np.random.default_rng(seed)
    if name == "row_copy":
        return fitted.iloc[rng.permutation(np.resize(np.arange(len(fitted)), rows))].reset_index(drop=True)
    if name == "independent":
        return pd.DataFrame(
            {
                column: fitted[column].iloc[rng.integers(0, len(fitted), rows)].reset_index(drop=True)
                for column in fitted.columns
            }
        )
    return _smote(fitted, rows, rng)


def _smote(fitted: pd.DataFrame, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    """Between a row and one of its five nearest: numbers interpolated, categories from either (Chawla 2002)."""
    base = rng.integers(0, len(fitted), rows)
    points, _ = Frame.pair(fitted, fitted)
    matrix = np.hstack([points.numbers, points.codes * 1e3])
    partner = np.empty(rows, dtype=int)
    for i, row in enumerate(base):
        gaps = np.abs(matrix - matrix[row])
        distance = np.where(gaps >= 1e3, 1.0, gaps).sum(axis=1)
        distance[row] = np.inf
        k = min(_NEIGHBOURS, len(fitted) - 1)
        partner[i] = rng.choice(np.argpartition(distance, k - 1)[:k])
    share = rng.random(rows)
    found = {}
    for name in fitted.columns:
        first = fitted[name].iloc[base].reset_index(drop=True)
        second = fitted[name].iloc[partner].reset_index(drop=True)
        if name in numeric_columns(fitted[[name]]) and pd.api.types.is_numeric_dtype(first.dtype):
            mixed = as_number(first) + share * (as_number(second) - as_number(first))
            whole = pd.api.types.is_integer_dtype(first.dtype)
            found[name] = pd.Series(np.round(mixed) if whole else mixed).astype(first.dtype)
        else:
            found[name] = first.where(pd.Series(share < 0.5), second)
    return pd.DataFrame(found)
