"""How strongly two columns go together, real beside synthetic, for a plot: the pairs of the strongest ties first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from .comparable import Array, as_category, as_number, numeric_columns

__all__ = ["PairTie", "compare_pairs"]

_MOST_PAIRS = 60
_MOST_COLUMNS = 30
_MOST_LEVELS = 12
_MOST_ROWS = 3000


@dataclass(frozen=True, slots=True)
class PairTie:
    """One pair of columns; ties lie between 0 and 1."""

    first: str
    second: str
    real: float
    synthetic: float


def compare_pairs(real: pd.DataFrame, synthetic: pd.DataFrame, seed: int = 0) -> tuple[PairTie, ...]:
    """The ties of the first 30 columns: |Spearman| of two numbers, else the correlation ratio or Cramér's V.

    Args:
        real: Real rows.
        synthetic: Synthetic rows with the same columns.
        seed: Of the samples taken of long tables.
    """
    rng = np.random.default_rng(seed)
    names = list(real.columns)[:_MOST_COLUMNS]
    numeric = set(numeric_columns(real[names]))
    sides = []
    for table in (real, synthetic):
        rows = rng.permutation(len(table))[:_MOST_ROWS]
        sides.append({name: _cells(table[name].iloc[rows], real[name], name in numeric) for name in names})
    pairs = []
    for i, first in enumerate(names):
        for second in names[i + 1 :]:
            ties = [_tie(side[first], side[second], first in numeric, second in numeric) for side in sides]
            pairs.append(PairTie(str(first), str(second), round(ties[0], 3), round(ties[1], 3)))
    return tuple(sorted(pairs, key=lambda tie: -max(tie.real, tie.synthetic))[:_MOST_PAIRS])


def _cells(cells: pd.Series, reference: pd.Series, number: bool) -> Array:
    if number:
        return as_number(cells)
    common = pd.Series(as_category(reference)).value_counts().index[:_MOST_LEVELS]
    order = {level: i for i, level in enumerate(common)}
    return np.array([order.get(label, len(order)) for label in as_category(cells)])


def _tie(first: Array, second: Array, first_numeric: bool, second_numeric: bool) -> float:
    if first_numeric and second_numeric:
        present = ~(np.isnan(first) | np.isnan(second))
        a, b = first[present], second[present]
        if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
            return 0.0
        return abs(float(spearmanr(a, b).statistic))
    if first_numeric != second_numeric:
        values, groups = (first, second) if first_numeric else (second, first)
        present = ~np.isnan(values)
        values, groups = values[present], groups[present].astype(int)
        if len(values) < 3 or np.ptp(values) == 0:
            return 0.0
        sizes = np.bincount(groups)
        means = np.bincount(groups, values) / np.maximum(sizes, 1)
        between = (sizes * (means - values.mean()) ** 2).sum() / ((values - values.mean()) ** 2).sum()
        return float(np.sqrt(max(0.0, between)))
    counts = np.zeros((int(first.max()) + 1, int(second.max()) + 1))
    np.add.at(counts, (first.astype(int), second.astype(int)), 1)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if min(counts.shape) < 2:
        return 0.0
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    return float(np.sqrt(((counts - expected) ** 2 / expected).sum() / counts.sum() / (min(counts.shape) - 1)))
