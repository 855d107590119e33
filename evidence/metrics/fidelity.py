"""Fidelity: does the synthetic table look like the real one, column by column and pair by pair.

Shapes and pair trends are defined as in sdmetrics (KSComplement, TVComplement, CorrelationSimilarity,
ContingencySimilarity), against which the tests hold them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

from .comparable import MISSING, Array, as_category, as_number, bin_edges, numeric_columns

__all__ = ["Fidelity", "measure_fidelity", "shuffle_columns"]

_MAX_PAIRS = 1500
_RARE_SHARE = 0.05
_MAX_LEVELS = 20
_MIN_ASSOCIATION = 0.2
"""Pairs below it in the real table are left out, for any independent columns would score near 1 on them (judgement)."""


@dataclass(frozen=True, slots=True)
class Fidelity:
    """All figures lie between 0 and 1."""

    shapes: float
    """Mean over columns of 1 - KS distance (numbers) or 1 - total variation (categories); higher is better."""
    pairs: float
    """Mean of correlation or contingency similarity over the pairs that depend on each other; higher is better."""
    pairs_baseline: float
    """The same for the real table with every column shuffled: what independent columns score."""
    ks_mean: float
    """Mean KS distance of the numeric columns; lower is better."""
    correlation_difference: float
    """Mean absolute difference of correlations, categories as indicators; lower is better."""
    correlation_baseline: float
    """The same for the real table with every column shuffled."""
    jensen_shannon: float
    """Mean Jensen-Shannon distance, base 2; lower is better."""
    missing_difference: float
    """Largest difference in a column's share of missing cells."""
    rare_coverage: float | None
    """Share of the real table's rare levels (below 5 %) that occur; None where there are none."""
    frequency_skew: float | None
    """Share by which rare levels are over- or under-represented; None where there are none."""

    @property
    def overall(self) -> float:
        """Mean of shapes and pair trends: the fidelity of a score."""
        return (self.shapes + self.pairs) / 2


def measure_fidelity(real: pd.DataFrame, synthetic: pd.DataFrame, seed: int = 0, *, brief: bool = False) -> Fidelity:
    """Fidelity of ``synthetic`` to ``real``, which have the same columns.

    Args:
        real: Real rows.
        synthetic: Synthetic rows.
        seed: Of the shuffled columns.
        brief: Shapes and pair trends alone, without correlations and baselines, which are then NaN.
    """
    rng = np.random.default_rng(seed)
    shuffled = shuffle_columns(real, rng)
    numeric = numeric_columns(real)
    shapes, ks, divergences, missing = [], [], [], []
    covered, rare, skewed, rare_mass = 0, 0, 0.0, 0.0
    for name in real.columns:
        missing.append(abs(float(real[name].isna().mean()) - float(synthetic[name].isna().mean())))
        if name in numeric:
            distance = _ks(as_number(real[name]), as_number(synthetic[name]))
            ks.append(distance)
            shapes.append(1 - distance)
        p, q = _shares(
            _binned(real[name], real[name], name in numeric), _binned(synthetic[name], real[name], name in numeric)
        )
        divergences.append(float(np.nan_to_num(jensenshannon(p, q, base=2))))
        if name not in numeric:
            shapes.append(1 - 0.5 * float(np.abs(p - q).sum()))
            uncommon = (p > 0) & (p < _RARE_SHARE)
            rare += int(uncommon.sum())
            covered += int((q[uncommon] > 0).sum())
            skewed += float(np.abs(p - q)[uncommon].sum())
            rare_mass += float(p[uncommon].sum())
    pairs = _choose_pairs(real, numeric, rng)
    return Fidelity(
        shapes=float(np.mean(shapes)),
        pairs=_pair_trends(real, synthetic, numeric, pairs),
        pairs_baseline=np.nan if brief else _pair_trends(real, shuffled, numeric, pairs),
        ks_mean=float(np.mean(ks)) if ks else 0.0,
        correlation_difference=np.nan if brief else _correlation_difference(real, synthetic, numeric),
        correlation_baseline=np.nan if brief else _correlation_difference(real, shuffled, numeric),
        jensen_shannon=float(np.mean(divergences)),
        missing_difference=max(missing),
        rare_coverage=covered / rare if rare else None,
        frequency_skew=min(1.0, skewed / rare_mass) if rare_mass else None,
    )


def shuffle_columns(table: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The same columns, each in an order of its own: what a synthesizer of independent columns makes at best."""
    return pd.DataFrame(
        {name: table[name].iloc[rng.permutation(len(table))].reset_index(drop=True) for name in table.columns}
    )


def _ks(real: Array, synthetic: Array) -> float:
    a, b = real[~np.isnan(real)], synthetic[~np.isnan(synthetic)]
    if not len(a) or not len(b):
        return float(len(a) != len(b))
    return float(ks_2samp(a, b, method="asymp").statistic)


def _binned(cells: pd.Series, reference: pd.Series, numeric: bool) -> Array:
    if not numeric:
        return as_category(cells)
    values = as_number(cells)
    labels = np.digitize(values, bin_edges(as_number(reference))).astype(str).astype(object)
    labels[np.isnan(values)] = MISSING
    return labels


def _shares(real: Array, synthetic: Array) -> tuple[Array, Array]:
    a, b = pd.Series(real).value_counts(normalize=True), pd.Series(synthetic).value_counts(normalize=True)
    levels = a.index.union(b.index)
    return a.reindex(levels, fill_value=0.0).to_numpy(), b.reindex(levels, fill_value=0.0).to_numpy()


def _choose_pairs(real: pd.DataFrame, numeric: list[str], rng: np.random.Generator) -> list[tuple[str, str]]:
    """Pairs of at least ``_MIN_ASSOCIATION``, or all where there are none; on wide tables from a random 1,500."""
    names = list(real.columns)
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    if len(pairs) > _MAX_PAIRS:
        pairs = [pairs[i] for i in rng.choice(len(pairs), _MAX_PAIRS, replace=False)]
    numbers = {name: as_number(real[name]) for name in numeric}
    labels = {name: pd.factorize(_binned(real[name], real[name], name in numeric))[0] for name in names}
    strong = []
    for a, b in pairs:
        if a in numbers and b in numbers:
            association = abs(_correlation(numbers[a], numbers[b]) or 0.0)
        else:
            association = _cramers_v(labels[a], labels[b])
        if association >= _MIN_ASSOCIATION:
            strong.append((a, b))
    return strong or pairs


def _cramers_v(a: Array, b: Array) -> float:
    """Bias-corrected (Bergsma 2013)."""
    rows, columns, n = int(a.max()) + 1, int(b.max()) + 1, len(a)
    counts = np.bincount(a * columns + b, minlength=rows * columns).reshape(rows, columns)
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / n
    phi = float(((counts - expected) ** 2 / np.maximum(expected, 1e-12)).sum()) / n
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    r, c = rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)
    smaller = min(r, c) - 1
    return float(np.sqrt(phi / smaller)) if smaller > 0 else 0.0


def _pair_trends(
    real: pd.DataFrame, synthetic: pd.DataFrame, numeric: list[str], pairs: list[tuple[str, str]]
) -> float:
    if not pairs:
        return 1.0
    numbers = {name: (as_number(real[name]), as_number(synthetic[name])) for name in numeric}
    joined = {
        name: pd.factorize(
            np.concatenate(
                [
                    _binned(real[name], real[name], name in numeric),
                    _binned(synthetic[name], real[name], name in numeric),
                ]
            )
        )[0]
        for name in {name for pair in pairs for name in pair}
    }
    scores = []
    for a, b in pairs:
        if a in numbers and b in numbers:
            score = _correlation_similarity(numbers[a], numbers[b])
            if score is not None:
                scores.append(score)
        else:
            keys = joined[a] * (int(joined[b].max()) + 1) + joined[b]
            cells = np.unique(keys, return_inverse=True)[1]
            size = int(cells.max()) + 1
            p = np.bincount(cells[: len(real)], minlength=size) / len(real)
            q = np.bincount(cells[len(real) :], minlength=size) / len(synthetic)
            scores.append(1 - 0.5 * float(np.abs(p - q).sum()))
    return float(np.mean(scores)) if scores else 1.0


def _correlation_similarity(a: tuple[Array, Array], b: tuple[Array, Array]) -> float | None:
    real, synthetic = _correlation(a[0], b[0]), _correlation(a[1], b[1])
    if real is None:
        return None
    return 1 - abs(real - (synthetic or 0.0)) / 2


def _correlation(a: Array, b: Array) -> float | None:
    both = ~(np.isnan(a) | np.isnan(b))
    if both.sum() < 2 or a[both].std() == 0 or b[both].std() == 0:
        return None
    return float(np.corrcoef(a[both], b[both])[0, 1])


def _correlation_difference(real: pd.DataFrame, synthetic: pd.DataFrame, numeric: list[str]) -> float:
    first, owners = _indicators(real, real, numeric)
    second, _ = _indicators(synthetic, real, numeric)
    a, b = _correlations(first), _correlations(second)
    other = owners[:, None] != owners[None, :]
    # A column without spread in the real table has no correlation to keep.
    other &= (first.std(axis=0) > 0)[:, None] & (first.std(axis=0) > 0)[None, :]
    return float(np.abs(a - b)[other].mean()) if other.any() else 0.0


def _indicators(table: pd.DataFrame, reference: pd.DataFrame, numeric: list[str]) -> tuple[Array, Array]:
    parts, owners = [], []
    for i, name in enumerate(reference.columns):
        if name in numeric:
            values, real = as_number(table[name]), as_number(reference[name])
            middle = float(np.nanmedian(real)) if not np.isnan(real).all() else 0.0
            parts.append(np.where(np.isnan(values), middle, values))
            owners.append(i)
        else:
            labels = as_category(table[name])
            # The commonest level follows from the others.
            for level in pd.Series(as_category(reference[name])).value_counts().index[1:_MAX_LEVELS]:
                parts.append((labels == level).astype(float))
                owners.append(i)
    return np.column_stack(parts) if parts else np.zeros((len(table), 0)), np.array(owners)


def _correlations(matrix: Array) -> Array:
    centred = matrix - matrix.mean(axis=0)
    spread = np.sqrt((centred**2).sum(axis=0))
    scaled = centred / np.where(spread > 0, spread, 1.0)
    return np.asarray(scaled.T @ scaled)
