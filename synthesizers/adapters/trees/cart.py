"""Sequential CART: each column is drawn from the leaves of a tree on the columns before it (Reiter 2005).

The values in a leaf are real cell values, so small leaves disclose; ``min_samples_leaf`` is the knob.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

__all__ = ["Array", "Column", "Synthesizer"]

Array = np.ndarray[Any, Any]


@dataclass(slots=True)
class Column:
    """A fitted column: its tree, how the categories before it were coded for it, and each leaf's donors."""

    tree: Any
    codes: dict[int, Array]
    leaves: Array
    starts: Array
    counts: Array
    donors: Array


class Synthesizer:
    """Trees column by column, in the table's order; the first column is drawn from its own values."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._rng = np.random.default_rng()
        self._fitted: list[Column] = []
        self._levels: dict[str, Array] = {}
        self._first: Array = np.zeros(0)

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """Grow one tree a column; ``min_samples_leaf`` is the hyper-parameter."""
        self._rng = np.random.default_rng(seed)
        matrix = self._to_matrix(table)
        self._first = matrix[:, 0]
        leaf = hyperparameters["min_samples_leaf"]
        self._fitted = [self._grow(matrix, j, leaf, seed) for j in range(1, matrix.shape[1])]
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._rng = np.random.default_rng(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """Walk down the trees, a donor from each leaf."""
        drawn = np.empty((n, len(self._columns)))
        drawn[:, 0] = self._draw_first(n)
        for j, column in enumerate(self._fitted, start=1):
            leaves = column.tree.apply(self._features(drawn[:, :j], column.codes))
            drawn[:, j] = self._draw(j, column, np.searchsorted(column.leaves, leaves))
        return self._to_table(drawn)

    def _draw_first(self, n: int) -> Array:
        """Values of the first column, which has no tree."""
        values: Array = self._rng.choice(self._first, n)
        return values

    def _features(self, earlier: Array, codes: dict[int, Array]) -> Array:
        """What a tree splits on: the columns before its own."""
        return _ordered(earlier, codes)

    def _draw(self, j: int, column: Column, at: Array) -> Array:
        """A value of column ``j`` from each leaf, given by its position."""
        offset = (self._rng.random(len(at)) * column.counts[at]).astype(int)
        values: Array = column.donors[column.starts[at] + offset]
        return values

    def _is_numeric(self, j: int) -> bool:
        return bool(list(self._columns.values())[j]["kind"] == "numeric")

    def _grow(self, matrix: Array, j: int, leaf: int, seed: int) -> Column:
        target = matrix[:, j]
        codes = {i: _order_levels(matrix[:, i], target) for i in range(j) if not self._is_numeric(i)}
        kind = DecisionTreeRegressor if self._is_numeric(j) else DecisionTreeClassifier
        tree = kind(min_samples_leaf=leaf, random_state=seed % 2**32)
        features = self._features(matrix[:, :j], codes)
        tree.fit(features, target)
        leaves = tree.apply(features)
        order = np.argsort(leaves, kind="stable")
        ids, starts, counts = np.unique(leaves[order], return_index=True, return_counts=True)
        return Column(tree, codes, ids, starts, counts, target[order])

    def _to_matrix(self, table: pd.DataFrame) -> Array:
        parts = []
        for name, facts in self._columns.items():
            if facts["kind"] == "numeric":
                parts.append(table[name].to_numpy(dtype=float))
            else:
                self._levels[name], codes = np.unique(table[name].to_numpy(dtype=str), return_inverse=True)
                parts.append(codes.astype(float))
        return np.column_stack(parts)

    def _to_table(self, drawn: Array) -> pd.DataFrame:
        found: dict[str, Any] = {}
        for j, (name, facts) in enumerate(self._columns.items()):
            if facts["kind"] == "numeric":
                found[name] = drawn[:, j]
            else:
                found[name] = self._levels[name][drawn[:, j].astype(int)].astype(object)
        return pd.DataFrame(found)


def _order_levels(codes: Array, target: Array) -> Array:
    """Level → rank by its mean target: the split over ranks is then the best split over subsets.

    Exact for numbers and two classes (Breiman et al. 1984, theorem 4.5), a heuristic for more.
    """
    levels = codes.astype(int)
    totals = np.bincount(levels, weights=target)
    sizes = np.bincount(levels)
    return np.argsort(np.argsort(totals / np.maximum(sizes, 1), kind="stable"), kind="stable").astype(float)


def _ordered(matrix: Array, codes: dict[int, Array]) -> Array:
    features = np.array(matrix, dtype=np.float32)
    for i, ranks in codes.items():
        features[:, i] = ranks[matrix[:, i].astype(int)]
    return features
