"""Bayesian network: a greedy order of columns, each drawn given a few of those before it.

A column joins by its mutual information with the columns already in; it takes another parent only where a BIC of its
conditional table gains by it (Schwarz 1978, the penalty halved), so that small tables get trees, large ones more.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from .bins import BinnedColumn, bin_column

__all__ = ["Synthesizer"]

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class _Node:
    column: int
    parents: tuple[int, ...]
    configurations: Ints
    """Of the parents, those that occur, sorted."""
    cumulated: Floats
    """Cumulated probabilities of the column for each of them, and last for any other."""


class Synthesizer:
    """Conditional tables with a prior, drawn from the root on."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._binned: list[BinnedColumn] = []
        self._nodes: list[_Node] = []
        self._rng = np.random.default_rng()

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """``bins`` and ``max_parents`` bound the tables, ``prior`` pulls each towards its column's marginal."""
        self._rng = np.random.default_rng(seed)
        pairs = [
            bin_column(table[name], facts["kind"], hyperparameters["bins"]) for name, facts in self._columns.items()
        ]
        self._binned = [column for _, column in pairs]
        codes = np.column_stack([code for code, _ in pairs])
        sizes = [column.size for column in self._binned]
        information = _mutual_information(codes, sizes)
        placed: list[int] = []
        self._nodes = []
        for _ in sizes:
            gains = information[:, placed].max(axis=1) if placed else information.sum(axis=1)
            gains[placed] = -np.inf
            column = int(np.argmax(gains))
            ranked = sorted(placed, key=lambda other: -information[column, other])
            parents = _choose_parents(codes, sizes, column, ranked, hyperparameters["max_parents"])
            self._nodes.append(_learn(codes, sizes, column, parents, hyperparameters["prior"]))
            placed.append(column)
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._rng = np.random.default_rng(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """Column by column, in the network's order."""
        sizes = [column.size for column in self._binned]
        codes = np.zeros((n, len(sizes)), dtype=np.int64)
        for node in self._nodes:
            known = _configurations(codes, sizes, node.parents)
            at = np.searchsorted(node.configurations, known)
            at[at == len(node.configurations)] = 0
            at = np.where(node.configurations[at] == known, at, len(node.configurations))
            drawn = (self._rng.random(n)[:, None] > node.cumulated[at]).sum(axis=1)
            codes[:, node.column] = np.minimum(drawn, sizes[node.column] - 1)
        return pd.DataFrame(
            {
                name: column.restore(codes[:, i], self._rng)
                for i, (name, column) in enumerate(zip(self._columns, self._binned, strict=True))
            }
        )


_CANDIDATES = 12
"""Earlier columns that are tried as a further parent: those that tell most."""


def _mutual_information(codes: Ints, sizes: list[int]) -> Floats:
    """In nats, of every pair, less what chance gives (Miller 1955)."""
    count = len(sizes)
    table = np.zeros((count, count))
    entropies = [_entropy(codes[:, i]) for i in range(count)]
    for i in range(count):
        for j in range(i):
            joint = _entropy(codes[:, i] * sizes[j] + codes[:, j])
            chance = (sizes[i] - 1) * (sizes[j] - 1) / (2 * len(codes))
            table[i, j] = table[j, i] = entropies[i] + entropies[j] - joint - chance
    return table


def _entropy(code: Ints) -> float:
    shares = np.unique(code, return_counts=True)[1] / len(code)
    return float(-(shares * np.log(shares)).sum())


def _choose_parents(codes: Ints, sizes: list[int], column: int, ranked: list[int], most: int) -> tuple[int, ...]:
    parents: tuple[int, ...] = ()
    best = _bic(codes, sizes, column, parents)
    while len(parents) < most:
        others = [other for other in ranked[:_CANDIDATES] if other not in parents]
        scored = [(_bic(codes, sizes, column, (*parents, other)), other) for other in others]
        if not scored or max(scored)[0] <= best:
            break
        best, chosen = max(scored)
        parents = (*parents, chosen)
    return parents


def _bic(codes: Ints, sizes: list[int], column: int, parents: tuple[int, ...]) -> float:
    """Log-likelihood of the column given its parents, less a quarter of log(rows) for each free number in use.

    Half the penalty of the BIC: sampling wants dependence more than sparseness does (judgement).
    """
    given = _configurations(codes, sizes, parents)
    joint = given * sizes[column] + codes[:, column]
    used = len(np.unique(given))
    likelihood = -len(codes) * (_entropy(joint) - _entropy(given))
    return float(likelihood - 0.25 * np.log(len(codes)) * used * (sizes[column] - 1))


def _learn(codes: Ints, sizes: list[int], column: int, parents: tuple[int, ...], prior: float) -> _Node:
    marginal = np.bincount(codes[:, column], minlength=sizes[column]) / len(codes)
    configurations, which = np.unique(_configurations(codes, sizes, parents), return_inverse=True)
    counts = np.zeros((len(configurations) + 1, sizes[column]))
    np.add.at(counts, (which, codes[:, column]), 1.0)
    # Beyond the prior, a table of few rows says little; what never occurred has the marginal.
    weights = counts + max(prior, 1e-6) * marginal
    return _Node(column, parents, configurations, np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1))


def _configurations(codes: Ints, sizes: list[int], parents: tuple[int, ...]) -> Ints:
    """The parents' codes as one number."""
    number = np.zeros(len(codes), dtype=np.int64)
    for parent in parents:
        number = number * sizes[parent] + codes[:, parent]
    return number
