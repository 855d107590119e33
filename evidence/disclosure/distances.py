"""Rows of the real and the synthetic table as points, and the distances that every attack works on.

The distance is Gower's (1971): numbers as ranks of the real column, categories alike or not, the mean over columns. It
adds up over columns, so that leaving one out costs one column and not all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..metrics.comparable import Array, Frame

__all__ = ["MOST_REAL", "MOST_SYNTHETIC", "Distances", "column_distance", "gower", "measure_distances", "thin_persons"]

MOST_REAL = 2000
"""Rows of each real part that the attacks look at; larger tables are sampled by person, and that is said."""
MOST_SYNTHETIC = 4000


@dataclass(frozen=True, slots=True)
class Distances:
    """Fitted rows first, then held-out ones."""

    points: Frame
    synthetic: Frame
    members: int
    """Rows of the fit; those after them were held out."""
    persons: Array
    """Whose row each real one is; a person's rows lie on one side."""
    to_real: Array
    """Real x real rows; infinite between rows of one person."""
    to_synthetic: Array
    """Real x synthetic rows."""
    own: Array
    """Distance of each real row to the nearest row of another person: how alone it stands."""
    nearest: Array
    """Distance of each real row to the nearest synthetic row."""

    @property
    def width(self) -> int:
        """Columns compared."""
        return int(self.points.numbers.shape[1] + self.points.codes.shape[1])


def measure_distances(
    fitted: pd.DataFrame,
    held_out: pd.DataFrame,
    synthetic: pd.DataFrame,
    fitted_persons: Array,
    held_out_persons: Array,
) -> Distances:
    """All distances between the rows given; the tables have the same columns.

    Args:
        fitted: Rows of the fit.
        held_out: Rows of persons that the fit never saw.
        synthetic: Synthetic rows.
        fitted_persons: Whose row each fitted one is.
        held_out_persons: The same of the held-out rows; persons are told apart within each part only.
    """
    real = pd.concat([fitted, held_out], ignore_index=True)
    points, drawn = Frame.pair(real, synthetic)
    first = pd.factorize(fitted_persons, use_na_sentinel=False)[0]
    second = pd.factorize(held_out_persons, use_na_sentinel=False)[0]
    persons = np.concatenate([first, second + (first.max() + 1 if len(first) else 0)])
    to_real = gower(points, points)
    to_real[persons[:, None] == persons[None, :]] = np.inf
    to_synthetic = gower(points, drawn)
    return Distances(
        points, drawn, len(fitted), persons, to_real, to_synthetic, to_real.min(axis=1), to_synthetic.min(axis=1)
    )


def column_distance(points: Frame, others: Frame, column: int, *, numeric: bool) -> Array:
    """One column's part of the distance, before the mean is taken."""
    if numeric:
        a, b = (side.numbers[:, column].astype(np.float32) for side in (points, others))
        gap = np.abs(a[:, None] - b[None, :])
        # Missing beside known counts as far apart as can be.
        if (a < 0).any() or (b < 0).any():
            gap[(a < 0)[:, None] != (b < 0)[None, :]] = 1.0
        return np.asarray(gap)
    first, second = (side.codes[:, column].astype(np.int32) for side in (points, others))
    return np.asarray((first[:, None] != second[None, :]).astype(np.float32))


def thin_persons(table: pd.DataFrame, persons: Array, most: int, rng: np.random.Generator) -> Array:
    """Positions of all rows of randomly drawn persons, together about ``most`` rows."""
    if len(table) <= most:
        return np.arange(len(table))
    codes = pd.factorize(persons, use_na_sentinel=False)[0]
    order = rng.permutation(int(codes.max()) + 1)
    sizes = np.bincount(codes)[order]
    kept = order[: max(1, int(np.searchsorted(np.cumsum(sizes), most, side="right")))]
    return np.flatnonzero(np.isin(codes, kept))


def gower(points: Frame, others: Frame) -> Array:
    """Distances of all points to all others, between 0 and 1."""
    distances = np.zeros((len(points.numbers), len(others.numbers)), dtype=np.float32)
    for j in range(points.numbers.shape[1]):
        distances += column_distance(points, others, j, numeric=True)
    for j in range(points.codes.shape[1]):
        distances += column_distance(points, others, j, numeric=False)
    return np.asarray(distances / max(1, points.numbers.shape[1] + points.codes.shape[1]))
