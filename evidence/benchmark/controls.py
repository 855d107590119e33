"""Controls of a benchmark: what a judge must catch, and what it must let pass."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..disclosure.distances import gower
from ..metrics.comparable import Array, Frame, as_number, numeric_columns

__all__ = ["CONTROLS", "COPIES", "HONEST", "make_control"]

COPIES = ("row_copy", "patient_copy", "noisy_copy", "lonely_copy")
"""Must be refused: fitted rows; all rows of drawn persons; fitted rows with 1 % noise; the tenth of rows that stands
most alone among independent columns."""
HONEST = ("independent",)
"""Must not be accused: every column drawn by itself."""
CONTROLS = (*COPIES, *HONEST, "smote")
"""And SMOTE, interpolated neighbours: in between."""

_NEIGHBOURS = 5
_NOISE = 0.01
_LONELY = 0.1
_MOST_ROWS = 4000
"""Rows among which the loneliest are looked for."""


def make_control(name: str, fitted: pd.DataFrame, rows: int, seed: int, persons: Array | None = None) -> pd.DataFrame:
    """``rows`` rows of the control called ``name``.

    Args:
        name: One of ``CONTROLS``.
        fitted: The rows that the fit of a synthesizer would see.
        rows: How many to make; a patient copy makes the rows of whole persons, about as many.
        seed: Of the draws.
        persons: Whose row each fitted one is; by default every row is a person's.
    """
    rng = np.random.default_rng(seed)
    owners = np.arange(len(fitted)) if persons is None else pd.factorize(persons, use_na_sentinel=False)[0]
    if name == "row_copy":
        return _copy(fitted, rows, rng)
    if name == "patient_copy":
        return _copy_patients(fitted, rows, owners, rng)
    if name == "noisy_copy":
        return _add_noise(_copy(fitted, rows, rng), fitted, rng)
    if name == "lonely_copy":
        alone = _loneliest(fitted, owners, rng)
        return pd.concat([fitted.iloc[alone], _independent(fitted, max(1, rows - len(alone)), rng)], ignore_index=True)
    if name == "independent":
        return _independent(fitted, rows, rng)
    return _smote(fitted, rows, rng)


def _copy(fitted: pd.DataFrame, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    return fitted.iloc[rng.permutation(np.resize(np.arange(len(fitted)), rows))].reset_index(drop=True)


def _copy_patients(fitted: pd.DataFrame, rows: int, owners: Array, rng: np.random.Generator) -> pd.DataFrame:
    """All rows of persons drawn with replacement."""
    positions = pd.Series(np.arange(len(fitted))).groupby(owners).apply(list).to_list()
    drawn: list[int] = []
    while len(drawn) < rows:
        drawn += positions[int(rng.integers(len(positions)))]
    return fitted.iloc[drawn].reset_index(drop=True)


def _independent(fitted: pd.DataFrame, rows: int, rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            column: fitted[column].iloc[rng.integers(0, len(fitted), rows)].reset_index(drop=True)
            for column in fitted.columns
        }
    )


def _add_noise(copied: pd.DataFrame, fitted: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Each number plus 1 % of its standard deviation, each category drawn anew with 1 %."""
    numeric = numeric_columns(fitted)
    noisy = {}
    for name in fitted.columns:
        cells = copied[name]
        if name in numeric and pd.api.types.is_numeric_dtype(cells.dtype):
            known = as_number(fitted[name])
            values = as_number(cells) + rng.normal(0, _NOISE * float(np.nanstd(known)), len(cells))
            noisy[name] = pd.Series(np.round(values) if pd.api.types.is_integer_dtype(cells.dtype) else values)
        else:
            other = fitted[name].iloc[rng.integers(0, len(fitted), len(cells))].reset_index(drop=True)
            noisy[name] = cells.where(pd.Series(rng.random(len(cells)) >= _NOISE), other)
    return pd.DataFrame(noisy)


def _loneliest(fitted: pd.DataFrame, owners: Array, rng: np.random.Generator) -> Array:
    """Positions of the tenth of rows that is farthest from its five nearest rows of other persons."""
    looked = np.sort(rng.permutation(len(fitted))[:_MOST_ROWS])
    points, _ = Frame.pair(fitted.iloc[looked], fitted.iloc[:0])
    distances = gower(points, points)
    distances[owners[looked][:, None] == owners[looked][None, :]] = np.inf
    k = min(_NEIGHBOURS, len(looked) - 1)
    near = np.partition(distances, k - 1, axis=1)[:, :k]
    far = np.where(np.isfinite(near), near, 1.0).mean(axis=1)
    return np.asarray(looked[np.argsort(-far, kind="stable")[: max(1, round(len(looked) * _LONELY))]])


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
