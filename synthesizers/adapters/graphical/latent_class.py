"""Latent-class mixture by expectation and maximisation; within a class the columns are independent (Goodman 1974)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import sparse

from .bins import BinnedColumn, bin_column

__all__ = ["Synthesizer"]

Floats = np.ndarray[Any, np.dtype[np.float64]]

_STARTS = 2
_CLOSE = 1e-5
"""Relative gain of the likelihood below which a run has converged."""


class Synthesizer:
    """Shares of the classes, and in each class a table for every column."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._binned: list[BinnedColumn] = []
        self._shares: Floats = np.zeros(0)
        self._tables: list[Floats] = []
        self._rng = np.random.default_rng()

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """``classes`` at most; ``prior`` pulls each class's tables towards the marginals; the better of two starts."""
        self._rng = np.random.default_rng(seed)
        pairs = [
            bin_column(table[name], facts["kind"], hyperparameters["bins"]) for name, facts in self._columns.items()
        ]
        self._binned = [column for _, column in pairs]
        sizes = [column.size for column in self._binned]
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        cells = np.column_stack([code for code, _ in pairs]) + starts
        rows = len(table)
        ones = np.ones(cells.size)
        hot = sparse.csr_matrix((ones, (np.repeat(np.arange(rows), len(sizes)), cells.ravel())), (rows, sum(sizes)))
        runs = [self._run(hot, starts, hyperparameters) for _ in range(_STARTS)]
        _, self._shares, tables = max(runs, key=lambda run: run[0])
        self._tables = [tables[:, start : start + size] for start, size in zip(starts, sizes, strict=True)]
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._rng = np.random.default_rng(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """A class for each row, then every column."""
        classes = self._rng.choice(len(self._shares), size=n, p=self._shares)
        made: dict[str, Any] = {}
        for name, column, table in zip(self._columns, self._binned, self._tables, strict=True):
            cumulated = np.cumsum(table, axis=1)[classes]
            codes = np.minimum((self._rng.random(n)[:, None] > cumulated).sum(axis=1), column.size - 1)
            made[name] = column.restore(codes, self._rng)
        return pd.DataFrame(made)

    def _run(self, hot: Any, starts: Any, knobs: dict[str, Any]) -> tuple[float, Floats, Floats]:
        rows = hot.shape[0]
        marginal = np.asarray(hot.sum(axis=0)).ravel() / rows
        belongs = self._rng.dirichlet(np.ones(knobs["classes"]) * 0.3, size=rows)
        before = -np.inf
        for _ in range(knobs["max_iters"]):
            weights = belongs.sum(axis=0) + 1e-9
            tables = (np.asarray(hot.T @ belongs).T + knobs["prior"] * marginal) / (weights + knobs["prior"])[:, None]
            shares = weights / weights.sum()
            scores = np.asarray(hot @ np.log(tables + 1e-12).T) + np.log(shares)
            highest = scores.max(axis=1, keepdims=True)
            belongs = np.exp(scores - highest)
            total = belongs.sum(axis=1, keepdims=True)
            belongs /= total
            likelihood = float((np.log(total) + highest).sum())
            if likelihood - before < _CLOSE * abs(likelihood):
                break
            before = likelihood
        return likelihood, shares, tables
