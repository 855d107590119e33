"""Numbers and codes as the trees of a history see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Array", "Column", "embed", "rank_levels"]

Array = np.ndarray[Any, Any]

_MAX_WIDTH = 16
"""One-hot targets of more levels are projected to so many dimensions: the splits are nearly those of the Gini index at
a cost that no longer grows with the levels."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a patients or a visits table, its cells held as floats.

    A number may be NaN; a category is a code ``0 … levels - 1``, a missing cell being a code of its own.
    """

    name: str
    levels: int = 0
    """Of a category; 0 for a number."""
    decimals: int | None = None
    """Of a number; None where it is not rounded."""

    @property
    def numeric(self) -> bool:
        """Whether its cells are numbers."""
        return self.levels == 0


def embed(target: Array, column: Column, rng: np.random.Generator) -> Array:
    """Rows x dimensions whose squared error a tree makes small: ranks of a number, one-hot codes of a category.

    Ranks, since donors are drawn from the leaves and a few outlying values would else make every split. Squared error
    on one-hot codes is the Gini index (Breiman et al. 1984, section 4.4).
    """
    if column.numeric:
        _, inverse, counts = np.unique(target, return_inverse=True, return_counts=True)
        middle = np.cumsum(counts) - (counts - 1) / 2
        return np.asarray(middle[inverse] / max(len(target), 1))[:, None]
    present, codes = np.unique(target.astype(int), return_inverse=True)
    if len(present) <= _MAX_WIDTH:
        return np.asarray(np.eye(len(present))[codes])
    return np.asarray(rng.standard_normal((len(present), _MAX_WIDTH))[codes] / np.sqrt(_MAX_WIDTH))


def rank_levels(codes: Array, levels: int, embedded: Array) -> Array:
    """Level → its rank along the direction in which the levels' mean targets differ most.

    The split over ranks is the best over subsets for numbers and two classes (Breiman et al. 1984, theorem 4.5), and a
    good one for more (Coppersmith, Hong, Hosking 1999). A level without rows stands in the middle; code -1, nothing
    seen yet, is put below all.
    """
    rows = codes >= 0
    counts = np.bincount(codes[rows], minlength=levels)
    sums = np.stack([np.bincount(codes[rows], weights=y[rows], minlength=levels) for y in embedded.T], axis=1)
    centre = embedded.mean(axis=0)
    means = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], centre) - centre
    if means.shape[1] == 1:
        score = means[:, 0]
    else:
        scatter = (means * counts[:, None]).T @ means
        score = means @ np.linalg.eigh(scatter)[1][:, -1]
    return np.argsort(np.argsort(score, kind="stable"), kind="stable").astype(float)
