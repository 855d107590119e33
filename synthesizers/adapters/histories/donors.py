"""A tree whose leaves hold donors of at least k patients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from .columns import Array, Column, embed, rank_levels

__all__ = ["DonorTree", "Features"]

_MAX_GROWN = 20_000
"""Rows that a tree is grown on; the donors in its leaves are all rows (time: synthesizers' sizing)."""
_NOTHING = -1e9
"""Stands for a number that is missing or not seen yet."""


@dataclass(frozen=True, slots=True)
class Features:
    """Predictors: rows x features, and which of them are codes (position → levels)."""

    matrix: Array
    categories: dict[int, int]


@dataclass(slots=True)
class DonorTree:
    """Draws a column given its predictors: a real cell from the leaf, smoothed where few patients hold its value."""

    column: Column
    tree: Any
    ranks: dict[int, Array]
    starts: Array
    """Tree node → where its donors begin."""
    counts: Array
    donors: Array
    """Values, sorted within each leaf's range."""
    kept: Array
    """Beside each donor: its value is held by k patients, and stays as it is."""
    reach: int
    """Donors on either side between which a value is smoothed."""

    @classmethod
    def grow(
        cls,
        features: Features,
        target: Array,
        patients: Array,
        column: Column,
        *,
        leaf: int,
        k: int,
        common: Array,
        rng: np.random.Generator,
        reach: int = 1,
    ) -> DonorTree:
        """Grow on rows whose target is known.

        Args:
            features: Their predictors.
            target: Their values or codes.
            patients: Whose rows they are.
            column: The target's facts.
            leaf: Fewest rows in a leaf.
            k: Fewest patients among a leaf's donors; a leaf with fewer takes those of the nearest node above.
            common: Values that k patients hold, sorted: they are drawn as they are.
            rng: Of projections and ties.
            reach: Donors on either side between which a value that few patients hold is smoothed.
        """
        embedded = embed(target, column, rng)
        ranks = {j: rank_levels(features.matrix[:, j].astype(int), n, embedded) for j, n in features.categories.items()}
        matrix = _ordered(features.matrix, ranks)
        rows = np.arange(len(target))
        if len(rows) > _MAX_GROWN:
            rows = np.sort(rng.choice(len(rows), _MAX_GROWN, replace=False))
        tree = DecisionTreeRegressor(min_samples_leaf=leaf, random_state=int(rng.integers(2**31)))
        tree.fit(matrix[rows], embedded[rows])
        starts, counts, donors = _donors(tree.tree_, tree.apply(matrix), target, patients, k)
        return cls(column, tree, ranks, starts, counts, donors, np.isin(donors, common), reach)

    def draw(self, features: Features, rng: np.random.Generator, highest: Array | None = None) -> Array:
        """A value for each row of ``features``; NaN where none of its donors is at most ``highest``.

        The rows that fall into one leaf share its donors evenly (systematic sampling), so that a small table's
        marginals do not drift by chance.
        """
        nodes = self.tree.apply(_ordered(features.matrix, self.ranks))
        first, counts = self.starts[nodes], self.counts[nodes]
        if highest is not None:
            counts = np.array(
                [
                    np.searchsorted(self.donors[a : a + n], top, "right")
                    for a, n, top in zip(first, counts, highest, strict=True)
                ]
            )
        where = _spread(nodes, rng) * counts
        at = first + np.minimum(where.astype(int), np.maximum(counts - 1, 0))
        drawn = self.donors[at]
        if self.column.numeric:
            drawn = self._smooth(drawn, at, first, counts, rng)
            if highest is not None:
                drawn = np.where(counts > 0, np.minimum(drawn, highest), np.nan)
        return np.asarray(drawn)

    def redraw(self, features: Features, rng: np.random.Generator) -> Array:
        """Another donor for each row, each by itself."""
        nodes = self.tree.apply(_ordered(features.matrix, self.ranks))
        return np.asarray(self.donors[self.starts[nodes] + (rng.random(len(nodes)) * self.counts[nodes]).astype(int)])

    def _smooth(self, drawn: Array, at: Array, first: Array, counts: Array, rng: np.random.Generator) -> Array:
        """Between the donors beside it, in the same leaf, where fewer than k patients hold the value."""
        below = self.donors[np.maximum(at - self.reach, first)]
        above = self.donors[np.minimum(at + self.reach, first + np.maximum(counts - 1, 0))]
        low, high = (below + drawn) / 2, (drawn + above) / 2
        smooth = low + rng.random(len(drawn)) * (high - low)
        if self.column.decimals is not None:
            smooth = np.round(smooth, self.column.decimals)
        return np.where(self.kept[at], drawn, smooth)


def _ordered(matrix: Array, ranks: dict[int, Array]) -> Array:
    found = np.array(matrix, dtype=np.float32)
    for j, order in ranks.items():
        codes = matrix[:, j].astype(int)
        found[:, j] = np.where(codes >= 0, order[codes], -1.0)
    return np.nan_to_num(found, copy=False, nan=_NOTHING)


def _spread(groups: Array, rng: np.random.Generator) -> Array:
    """For each row a number in [0, 1), those of one group evenly spaced and in random order."""
    order = np.lexsort((rng.random(len(groups)), groups))
    _, starts, inverse, sizes = np.unique(groups[order], return_index=True, return_inverse=True, return_counts=True)
    places = np.arange(len(groups)) - starts[inverse]
    shifts = rng.random(len(starts))
    found = np.empty(len(groups))
    found[order] = (places + shifts[inverse]) / sizes[inverse]
    return found


def _donors(tree: Any, leaves: Array, target: Array, patients: Array, k: int) -> tuple[Array, Array, Array]:
    """Node → start and count of its donors; those of one node lie side by side, sorted by value."""
    parents = np.full(tree.node_count, -1)
    for children in (tree.children_left, tree.children_right):
        parents[children[children >= 0]] = np.flatnonzero(children >= 0)
    last = np.arange(tree.node_count)
    for node in range(tree.node_count - 1, 0, -1):
        last[parents[node]] = max(last[parents[node]], last[node])
    # Nodes are numbered depth first: the leaves below a node are the numbers from its own to its last.
    order = np.lexsort((target, leaves))
    sorted_leaves, sorted_patients, sorted_target = leaves[order], patients[order], target[order]
    begins = np.searchsorted(sorted_leaves, np.arange(tree.node_count))
    ends = np.searchsorted(sorted_leaves, last, "right")
    donor_node: dict[int, int] = {}
    for position in np.flatnonzero(tree.children_left < 0):
        above = int(position)
        while parents[above] >= 0 and len(np.unique(sorted_patients[begins[above] : ends[above]])) < k:
            above = int(parents[above])
        donor_node[int(position)] = above
    starts = np.zeros(tree.node_count, dtype=int)
    counts = np.zeros(tree.node_count, dtype=int)
    parts, size = [], 0
    placed: dict[int, int] = {}
    for leaf, donor in donor_node.items():
        if donor not in placed:
            placed[donor] = size
            parts.append(np.sort(sorted_target[begins[donor] : ends[donor]]))
            size += len(parts[-1])
        starts[leaf], counts[leaf] = placed[donor], ends[donor] - begins[donor]
    return starts, counts, np.concatenate(parts)
