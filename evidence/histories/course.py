"""Lengths, gaps, and how values move from visit to visit."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from .table import Array, Histories

__all__ = [
    "compare_drifts",
    "compare_gaps",
    "compare_lengths",
    "compare_steps",
    "compare_visits",
    "intraclass",
    "lag_one",
    "transition_distance",
]

_FEWEST = 10
"""Pairs below which a column's figure is noise and left out."""


def compare_lengths(real: Histories, other: Histories) -> float:
    """Kolmogorov-Smirnov distance of rows a patient."""
    return _distance(real.lengths, other.lengths)


def compare_gaps(real: Histories, other: Histories) -> float | None:
    """Kolmogorov-Smirnov distance of the times between visits; None where visits have no time."""
    if real.times is None or other.times is None:
        return None
    return _distance(_differences(real, real.times), _differences(other, other.times))


def compare_visits(real: Histories, other: Histories, which: str) -> float | None:
    """Mean distance of the columns at the ``firsts`` or ``lasts``; total variation where they are categories."""
    mine, theirs = getattr(real, which), getattr(other, which)
    distances = [_distance(_values(real, name)[mine], _values(other, name)[theirs]) for name in real.numbers]
    distances += [_variation(real.visits[name].iloc[mine], other.visits[name].iloc[theirs]) for name in real.states]
    return _mean(distances)


def lag_one(histories: Histories, name: object, *, within: bool = False) -> float:
    """Correlation of a number with the same patient's number before; ``within``: after his or her mean is taken off."""
    values = _values(histories, name)
    if within:
        values = values - _means(histories, values)
        present = ~np.isnan(values)
        many = np.bincount(histories.owners[present], minlength=len(histories.patients)) >= 3
        values = np.where(many[histories.owners], values, np.nan)
    rows = histories.follows
    return _correlate(values[rows - 1], values[rows])


def intraclass(histories: Histories, name: object) -> float:
    """Share of a number's variance that lies between patients: ICC(1) of a one-way analysis (Shrout, Fleiss 1979)."""
    values = _values(histories, name)
    present = ~np.isnan(values)
    values, owners = values[present], histories.owners[present]
    sizes = np.bincount(owners, minlength=len(histories.patients))
    groups = np.count_nonzero(sizes)
    if groups < 2 or len(values) <= groups:
        return float("nan")
    means = np.bincount(owners, values, minlength=len(sizes)) / np.maximum(sizes, 1)
    between = float((sizes * (means - values.mean()) ** 2).sum() / (groups - 1))
    inside = float(((values - means[owners]) ** 2).sum() / (len(values) - groups))
    size = (len(values) - (sizes**2).sum() / len(values)) / (groups - 1)
    return (between - inside) / (between + (size - 1) * inside) if between + inside > 0 else float("nan")


def compare_steps(real: Histories, other: Histories) -> float | None:
    """Mean Kolmogorov-Smirnov distance of the columns' changes from visit to visit."""
    return _mean([
        _distance(_differences(real, _values(real, name)), _differences(other, _values(other, name)))
        for name in real.numbers
    ])  # fmt: skip


def compare_drifts(real: Histories, other: Histories) -> float | None:
    """Mean Kolmogorov-Smirnov distance of the columns' last value less the first, over patients of several visits."""
    return _mean([_distance(_drift(real, name), _drift(other, name)) for name in real.numbers])


def transition_distance(real: Histories, other: Histories) -> float | None:
    """Mean total variation of a category before and after, over the columns of few levels."""
    distances = []
    for name in real.states:
        mine, theirs = (_pairs(histories, name) for histories in (real, other))
        distances.append(_variation(mine, theirs) if len(theirs) else 1.0)
    return _mean(distances)


def _pairs(histories: Histories, name: object) -> pd.Series:
    cells = histories.visits[name].to_numpy(dtype=object)
    rows = histories.follows
    present = pd.notna(cells[rows]) & pd.notna(cells[rows - 1])
    return pd.Series(
        [f"{a}>{b}" for a, b in zip(cells[rows - 1][present], cells[rows][present], strict=True)], dtype=object
    )


def _values(histories: Histories, name: object) -> Array:
    return np.asarray(histories.visits[name].to_numpy(dtype=float))


def _means(histories: Histories, values: Array) -> Array:
    present = ~np.isnan(values)
    size = len(histories.patients)
    sums = np.bincount(histories.owners[present], values[present], minlength=size)
    counts = np.bincount(histories.owners[present], minlength=size)
    return np.asarray((sums / np.maximum(counts, 1))[histories.owners])


def _differences(histories: Histories, values: Array) -> Array:
    rows = histories.follows
    return np.asarray(values[rows] - values[rows - 1])


def _drift(histories: Histories, name: object) -> Array:
    values = _values(histories, name)
    several = histories.firsts != histories.lasts
    return np.asarray(values[histories.lasts[several]] - values[histories.firsts[several]])


def _distance(mine: Array, theirs: Array) -> float:
    mine, theirs = mine[~np.isnan(mine)], theirs[~np.isnan(theirs)]
    if not len(mine):
        return float("nan")
    return float(stats.ks_2samp(mine, theirs).statistic) if len(theirs) else 1.0


def _variation(mine: pd.Series, theirs: pd.Series) -> float:
    mine, theirs = mine.dropna(), theirs.dropna()
    if mine.empty:
        return float("nan")
    a, b = mine.value_counts(normalize=True), theirs.value_counts(normalize=True)
    return float(a.subtract(b, fill_value=0.0).abs().sum() / 2)


def _correlate(before: Array, after: Array) -> float:
    present = ~(np.isnan(before) | np.isnan(after))
    if present.sum() < _FEWEST or before[present].std() == 0 or after[present].std() == 0:
        return float("nan")
    return float(np.corrcoef(before[present], after[present])[0, 1])


def _mean(figures: list[float]) -> float | None:
    measured = [figure for figure in figures if not np.isnan(figure)]
    return float(np.mean(measured)) if measured else None
