"""One column of a table: whether its cell is missing, then what it holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .columns import Array, Column
from .donors import DonorTree, Features

__all__ = ["CellModel", "Growth", "common_values"]


@dataclass(frozen=True, slots=True)
class Growth:
    """How trees are grown."""

    leaf: int
    """Fewest rows in a leaf."""
    k: int
    """Fewest patients among a leaf's donors."""
    rng: np.random.Generator
    reach: int = 1
    """Donors on either side between which a number that few patients hold is smoothed."""


@dataclass(frozen=True, slots=True)
class CellModel:
    """A column's trees: a number that is sometimes missing has one for that alone."""

    column: Column
    missing: DonorTree | None
    value: DonorTree | None

    @classmethod
    def fit(
        cls, features: Features, target: Array, patients: Array, column: Column, growth: Growth, common: Array
    ) -> CellModel:
        """Grow the trees of a column; ``common``: its values held by k patients, sorted."""
        gone = np.isnan(target)
        missing = None
        if gone.any() and not gone.all():
            flag = Column(column.name, levels=2)
            missing = DonorTree.grow(
                features, gone.astype(float), patients, flag,
                leaf=growth.leaf, k=growth.k, common=np.zeros(0), rng=growth.rng,
            )  # fmt: skip
        value = None
        if not gone.all():
            there = np.flatnonzero(~gone)
            value = DonorTree.grow(
                Features(features.matrix[there], features.categories), target[there], patients[there], column,
                leaf=growth.leaf, k=growth.k, common=common, rng=growth.rng, reach=growth.reach,
            )  # fmt: skip
        return cls(column, missing, value)

    def draw(self, features: Features, rng: np.random.Generator, highest: Array | None = None) -> Array:
        """A cell for each row; NaN where it is missing, or where no donor is at most ``highest``."""
        cells = np.full(len(features.matrix), np.nan)
        if self.value is None or not len(cells):
            return cells
        there = np.ones(len(cells), dtype=bool)
        if self.missing is not None:
            there = self.missing.draw(features, rng) == 0
        if there.any():
            some = Features(features.matrix[there], features.categories)
            cells[there] = self.value.draw(some, rng, None if highest is None else highest[there])
        return cells


def common_values(cells: Array, patients: Array, k: int) -> Array:
    """Values that at least ``k`` patients hold, sorted."""
    there = ~np.isnan(cells)
    pairs = np.unique(np.column_stack([cells[there], patients[there]]), axis=0)
    values, holders = np.unique(pairs[:, 0], return_counts=True)
    return np.asarray(values[holders >= k])
