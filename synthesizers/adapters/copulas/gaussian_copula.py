"""Gaussian copula: marginals of their own, tied together by one correlation matrix.

Categories are cut points of a latent normal variable. A latent correlation is estimated from normal scores and divided
by the scores' variances, because a cut or tied variable shows only that part of it (the first-order polychoric
correction; Olsson 1979).
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import stats

__all__ = ["Synthesizer"]

Floats = np.ndarray[Any, np.dtype[np.float64]]

_MAX_CORRELATION = 0.995
_EDGE = 1e-6


class Synthesizer:
    """Normal scores, a shrunken correlation matrix, and each column's marginal back."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._rng = np.random.default_rng()
        self._root: Floats = np.zeros((0, 0))
        self._values: dict[str, Floats] = {}
        self._levels: dict[str, tuple[list[str], Floats]] = {}
        self._marginal = "empirical"

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """Learn marginals and correlations; ``marginal`` and ``shrinkage`` are the hyper-parameters."""
        self._rng = np.random.default_rng(seed)
        self._marginal = hyperparameters["marginal"]
        numeric = {name: _rank_scores(table[name].to_numpy(dtype=float)) for name in self._numeric()}
        order = _first_component(numeric, len(table))
        scores: list[Floats] = []
        for name, facts in self._columns.items():
            if facts["kind"] == "numeric":
                self._values[name] = np.sort(table[name].to_numpy(dtype=float))
                scores.append(numeric[name])
            else:
                levels, edges, column = _cut_scores(table[name], order)
                self._levels[name] = (levels, edges)
                scores.append(column)
        matrix = _latent_correlation(np.column_stack(scores))
        shrinkage = hyperparameters["shrinkage"]
        self._root = _square_root((1 - shrinkage) * matrix + shrinkage * np.eye(len(matrix)))
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._rng = np.random.default_rng(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """Draw latent normals and send each through its column's inverse marginal."""
        latent = self._rng.standard_normal((n, len(self._root))) @ self._root.T
        uniform = stats.norm.cdf(latent)
        found: dict[str, Any] = {}
        for i, (name, facts) in enumerate(self._columns.items()):
            if facts["kind"] == "numeric":
                found[name] = self._numbers(name, uniform[:, i], latent[:, i])
            else:
                levels, edges = self._levels[name]
                found[name] = np.array(levels, dtype=object)[
                    np.minimum(np.searchsorted(edges, uniform[:, i], side="right"), len(levels) - 1)
                ]
        return pd.DataFrame(found)

    def _numeric(self) -> list[str]:
        return [name for name, facts in self._columns.items() if facts["kind"] == "numeric"]

    def _numbers(self, name: str, uniform: Floats, latent: Floats) -> Floats:
        values = self._values[name]
        if self._marginal == "gaussian":
            return np.asarray(values.mean() + values.std() * latent)
        drawn = np.quantile(values, uniform)
        if self._marginal == "kde":
            # Silverman's rule of thumb for the bandwidth.
            spread = min(values.std(), stats.iqr(values) / 1.34) or values.std()
            drawn = drawn + self._rng.standard_normal(len(drawn)) * 0.9 * spread * len(values) ** -0.2
        return np.asarray(drawn)


def _rank_scores(values: Floats) -> Floats:
    return np.asarray(stats.norm.ppf(stats.rankdata(values) / (len(values) + 1)))


def _first_component(numeric: dict[str, Floats], rows: int) -> Floats:
    """The direction along which categories are put in order; none where there are no numbers."""
    if not numeric:
        return np.zeros(rows)
    matrix = np.column_stack(list(numeric.values()))
    matrix = matrix - matrix.mean(axis=0)
    _, _, directions = np.linalg.svd(matrix, full_matrices=False)
    return np.asarray(matrix @ directions[0])


def _cut_scores(cells: pd.Series, order: Floats) -> tuple[list[str], Floats, Floats]:
    """Levels in latent order, upper edges of their intervals in (0, 1), and each row's expected latent value."""
    labels = cells.astype(str).to_numpy(dtype=object)
    means = pd.Series(order).groupby(labels).mean().sort_values(kind="stable")
    levels = [str(level) for level in means.index]
    shares = pd.Series(labels).value_counts(normalize=True).reindex(levels).to_numpy()
    edges = np.cumsum(shares)
    cuts = stats.norm.ppf(np.clip(np.concatenate([[0.0], edges]), _EDGE, 1 - _EDGE))
    density = stats.norm.pdf(cuts)
    density[0] = density[-1] = 0.0
    expected = (density[:-1] - density[1:]) / shares
    return levels, edges, expected[pd.Index(levels).get_indexer(labels)]


def _latent_correlation(scores: Floats) -> Floats:
    scores = scores - scores.mean(axis=0)
    covariance = scores.T @ scores / len(scores)
    variance = np.maximum(np.diag(covariance), 1e-9)
    # A number without ties has variance near 1; dividing then changes nothing.
    matrix = covariance / np.outer(variance, variance)
    matrix = np.asarray(np.clip(matrix, -_MAX_CORRELATION, _MAX_CORRELATION))
    np.fill_diagonal(matrix, 1.0)
    return matrix


def _square_root(matrix: Floats) -> Floats:
    """A root of the nearest correlation matrix (negative eigenvalues cut, diagonal back to one)."""
    values, vectors = np.linalg.eigh(matrix)
    root = vectors * np.sqrt(np.maximum(values, 1e-8))
    return np.asarray(root / np.linalg.norm(root, axis=1, keepdims=True))
