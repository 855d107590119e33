"""Vine copula over pyvinecopulib: pairs of columns tied one by one, each by a copula of its own."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

__all__ = ["Synthesizer"]

Floats = np.ndarray[Any, np.dtype[np.float64]]

_QUICK = ("indep", "gaussian", "clayton", "gumbel", "frank", "tll")
_FAMILIES = {"quick": _QUICK, "all": (*_QUICK, "student")}
"""Copulas of a pair to choose among, by Akaike's criterion; ``tll`` is the local-likelihood one. Student's is most of
the time where margins are discrete."""

_MOST_ROWS = 1000
"""Rows that the pairs are fitted to; the marginals are those of all. More make it slow and change little."""


class Synthesizer:
    """A regular vine between the columns' own marginals.

    Categories have no order, and a copula needs one: levels stand in the order of their rows' mean on the first
    principal component of the table, numbers standardised and levels as indicators. They are discrete margins then.
    """

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._values: dict[str, Floats] = {}
        self._levels: dict[str, tuple[list[str], Floats]] = {}
        self._model: Any = None
        self._rng = np.random.default_rng()

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """``family_set`` names the copulas of a pair to choose among, ``trunc_lvl`` is as in the library."""
        import pyvinecopulib as vine

        self._rng = np.random.default_rng(seed)
        order = _first_component(table, self._columns)
        margins = [self._margin(name, facts["kind"], table[name], order) for name, facts in self._columns.items()]
        controls = vine.FitControlsVinecop(
            family_set=[getattr(vine.BicopFamily, family) for family in _FAMILIES[hyperparameters["family_set"]]],
            trunc_lvl=hyperparameters["trunc_lvl"],
            num_threads=1,
        )
        cells = np.column_stack([*(upper for upper, _ in margins), *(lower for _, lower in margins)])
        if len(cells) > _MOST_ROWS:
            cells = cells[self._rng.choice(len(cells), _MOST_ROWS, replace=False)]
        if len(margins) > 1:
            types = ["c" if facts["kind"] == "numeric" else "d" for facts in self._columns.values()]
            self._model = vine.Vinecop.from_data(np.asfortranarray(cells), controls=controls, var_types=types)
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._rng = np.random.default_rng(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """Draw from the vine and send each column through its inverse marginal."""
        seeds = [int(number) for number in self._rng.integers(2**31, size=5)]
        uniform = self._rng.random((n, 1)) if self._model is None else self._model.sample(n, seeds=seeds)
        made: dict[str, Any] = {}
        for i, (name, facts) in enumerate(self._columns.items()):
            if facts["kind"] == "numeric":
                made[name] = np.quantile(self._values[name], np.clip(uniform[:, i], 0, 1))
            else:
                levels, edges = self._levels[name]
                codes = np.minimum(np.searchsorted(edges, uniform[:, i], side="right"), len(levels) - 1)
                made[name] = np.array(levels, dtype=object)[codes]
        return pd.DataFrame(made)

    def _margin(self, name: str, kind: str, cells: pd.Series, order: Floats) -> tuple[Floats, Floats]:
        """Learn a marginal; each cell's share of cells up to it, and of those below it, which differ for levels."""
        if kind == "numeric":
            numbers = cells.to_numpy(dtype=float)
            self._values[name] = np.sort(numbers)
            ranks = pd.Series(numbers).rank().to_numpy() / (len(numbers) + 1)
            return ranks, ranks
        labels = cells.astype(str).to_numpy(dtype=object)
        means = pd.Series(order).groupby(labels).mean().sort_values(kind="stable")
        levels = [str(level) for level in means.index]
        codes = pd.Index(levels).get_indexer(labels)
        edges = np.cumsum(np.bincount(codes, minlength=len(levels))) / len(codes)
        self._levels[name] = (levels, edges)
        return edges[codes], np.append(0.0, edges)[codes]


def _first_component(table: pd.DataFrame, columns: dict[str, dict[str, Any]]) -> Floats:
    parts = []
    for name, facts in columns.items():
        if facts["kind"] == "numeric":
            cells = table[name].to_numpy(dtype=float)[:, None]
            parts.append((cells - cells.mean()) / (cells.std() or 1.0))
        else:
            hot = pd.get_dummies(table[name].astype(str)).to_numpy(dtype=float)
            parts.append(hot - hot.mean(axis=0))
    matrix = np.column_stack(parts)
    _, directions = np.linalg.eigh(matrix.T @ matrix)
    return np.asarray(matrix @ directions[:, -1])
