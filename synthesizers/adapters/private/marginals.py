"""What MST and AIM share: a table behind an accountant, its noisy one-way marginals, and its estimated model."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from itertools import combinations
from typing import Any, Self

import numpy as np
import pandas as pd

from .accountant import Accountant, affordable_rho
from .domain import DomainColumn, code_table, merge_rare_levels, nearest_shares
from .junction_model import JunctionModel, Measurement

__all__ = ["GRID", "MarginalSynthesizer", "PrivateTable", "all_cliques", "count_cells", "score"]

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

GRID = 1024
"""Scores are counted in parts of a row, as whole numbers: a row changes one by this much and not by a bit more."""

_ROWS_SHARE = Fraction(1, 100)
"""Of the budget, for about how many rows there are."""
_MOST_FOR_BINS = Fraction(1, 2)
"""Of the budget: the marginals need the rest."""
_FEWEST_BINS = 4
_RARE = 2.0
"""Standard deviations of noise below which a level's count says nothing of its own."""


def count_cells(codes: Ints, sizes: list[int], clique: tuple[int, ...]) -> Ints:
    """Rows in every cell of the columns ``clique``, as one flat array."""
    shape = [sizes[column] for column in clique]
    flat = np.ravel_multi_index([codes[:, column] for column in clique], shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).astype(np.int64)


@dataclass(slots=True)
class PrivateTable:
    """Rows as codes, which nothing but the accountant may look at, and what was measured of them."""

    codes: Ints
    columns: list[DomainColumn]
    accountant: Accountant
    measurements: list[Measurement] = field(default_factory=list)
    total: float = 1.0
    """How many rows there are, told with noise."""
    shares: list[Floats] = field(default_factory=list)
    """One-way marginals, consistent and without negative cells."""

    @property
    def sizes(self) -> list[int]:
        """Codes of each column."""
        return [column.size for column in self.columns]

    def independent(self, clique: tuple[int, ...]) -> Floats:
        """Expected counts of ``clique`` were its columns independent."""
        expected = np.array([self.total])
        for column in clique:
            expected = np.outer(expected, self.shares[column]).ravel()
        return expected

    def counts(self, clique: tuple[int, ...]) -> Ints:
        """True counts: for the accountant alone."""
        return count_cells(self.codes, self.sizes, clique)

    def measure(self, clique: tuple[int, ...], rho: Fraction) -> Measurement:
        """A marginal with noise, kept for the estimate."""
        noisy, deviation = self.accountant.measure(self.counts(clique), rho, f"marginal of {clique}")
        measurement = Measurement(clique, noisy.astype(float), deviation)
        self.measurements.append(measurement)
        return measurement


class MarginalSynthesizer:
    """Base of the two adapters: budget, bins, one-way marginals, drawing; what lies between is theirs."""

    one_way_share = Fraction(1, 4)
    """Of the budget, for the one-way marginals."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._facts = columns
        self._columns: list[DomainColumn] = []
        self._model: JunctionModel | None = None
        self._rng = np.random.default_rng()
        self.spent: list[tuple[str, Fraction]] = []
        """Every noisy look at the rows and its cost in zCDP."""

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """One budget, ``epsilon + proc_epsilon`` at ``delta``; the share of ``proc_epsilon``, at most half, buys bins.

        ``seed`` decides what is drawn from the model; it has no say in the noise.
        """
        knobs = dict(hyperparameters)
        self._rng = np.random.default_rng(seed)
        epsilon, preparation = knobs["epsilon"], knobs["proc_epsilon"]
        # What is told of the sum has nine decimals: never more than that.
        total = min(epsilon + preparation, round(epsilon + preparation, 9))
        accountant = Accountant(affordable_rho(total, knobs["delta"]))
        share = Fraction(preparation) / (Fraction(epsilon) + Fraction(preparation))
        aside = accountant.rho * min(share, _MOST_FOR_BINS)
        private = self._look_once(table, accountant, aside, knobs["n_bins"])
        self._model = self._learn(private, knobs)
        self._columns, self.spent = private.columns, accountant.spent
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._rng = np.random.default_rng(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """Codes from the model, then cells."""
        assert self._model is not None
        codes = self._model.draw(n, self._rng)
        return pd.DataFrame(
            {
                name: column.restore(codes[:, place], self._rng)
                for place, (name, column) in enumerate(zip(self._facts, self._columns, strict=True))
            }
        )

    def _learn(self, private: PrivateTable, knobs: dict[str, Any]) -> JunctionModel:
        """Spend what is left of the budget."""
        raise NotImplementedError

    def _look_once(self, table: pd.DataFrame, accountant: Accountant, aside: Fraction, bins: int) -> PrivateTable:
        """Number of rows, bins, one-way marginals; rare levels become one."""
        whole = np.array([len(table)], dtype=np.int64)
        noisy, deviation = accountant.measure(whole, accountant.rho * _ROWS_SHARE, "number of rows")
        rows = max(1.0, float(noisy[0]))
        # As many bins as leave a cell of a two-way marginal above its noise, were the pairs alone to be paid for.
        pair_noise = float(accountant.rho / (2 * len(self._facts))) ** -0.5
        bins = int(np.clip(round((rows / pair_noise) ** 0.5), _FEWEST_BINS, bins))
        codes, columns = code_table(table, self._facts, accountant, aside, bins, rows)
        private = PrivateTable(codes, columns, accountant)
        estimates, precisions = [rows], [deviation**-2.0]
        share = accountant.rho * self.one_way_share / len(columns)
        for place, column in enumerate(columns):
            counts = private.counts((place,))
            noisy, deviation = accountant.measure(counts, share, f"marginal of {(place,)}")
            estimates.append(float(noisy.sum()))
            precisions.append(deviation**-2.0 / len(noisy))
            columns[place], mapping = merge_rare_levels(column, noisy, _RARE * deviation)
            sums = np.asarray(np.bincount(mapping, weights=noisy.astype(float)), dtype=float)
            private.measurements.append(Measurement((place,), sums, deviation, np.bincount(mapping).astype(float)))
            codes[:, place] = mapping[codes[:, place]]
        private.total = max(1.0, float(np.average(estimates, weights=precisions)))
        private.shares = [nearest_shares(m.values / private.total) for m in private.measurements]
        return private


def score(counts: Ints, expected: Floats, penalty: float) -> int:
    """How far ``expected`` is from ``counts``, in parts of a row, less what chance and noise give by themselves.

    The distance is a sum over cells that do not overlap, so a row changes it by at most ``GRID``; the rest is public.
    """
    distance = int(np.abs(GRID * counts - np.round(GRID * expected).astype(np.int64)).sum())
    chance = float(np.sqrt(2 / np.pi * np.maximum(expected, 0.0)).sum())
    return distance - round(GRID * (chance + penalty))


def all_cliques(columns: int, degree: int) -> list[tuple[int, ...]]:
    """Sets of two to ``degree`` columns."""
    return [clique for size in range(2, degree + 1) for clique in combinations(range(columns), size)]
