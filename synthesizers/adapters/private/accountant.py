"""One budget for a whole fit, in zero-concentrated differential privacy (zCDP; Bun & Steinke 2016).

Neighbours are tables that differ by one row, added or left out. Every look at the rows goes through
:class:`Accountant`: it adds the noise, writes down the cost, and refuses what the budget does not cover.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np

from .noise import choose, discrete_gaussian

__all__ = ["Accountant", "Overspent", "affordable_rho", "delta_of"]

Ints = np.ndarray[Any, np.dtype[np.int64]]

_STEPS = 1024
"""Variances are whole multiples of one of so many parts."""
_FINE = 2**20
"""Epsilons of a choice are whole multiples of one of so many parts."""


class Overspent(Exception):
    """A look at the rows would cost more than what is left."""


def delta_of(rho: float, epsilon: float) -> float:
    """The delta at which ``rho``-zCDP gives ``epsilon`` (Canonne, Kamath, Steinke 2020, corollary 13).

    The bound holds for every order above 1; the best is found by bisection, and one beside it only makes delta larger.
    """
    low, high = 1.0 + 1e-9, (epsilon + 1) / (2 * rho) + 2
    for _ in range(200):
        order = (low + high) / 2
        slope = (2 * order - 1) * rho - epsilon + math.log1p(-1 / order)
        low, high = (order, high) if slope < 0 else (low, order)
    order = (low + high) / 2
    exponent = (order - 1) * (order * rho - epsilon) + order * math.log1p(-1 / order) - math.log(order - 1)
    return min(1.0, math.exp(min(exponent, 0.0)))


def affordable_rho(epsilon: float, delta: float) -> Fraction:
    """The largest rho whose zCDP gives (``epsilon``, ``delta``), rounded down."""
    low, high = 0.0, epsilon + 1.0
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if middle > 0 and delta_of(middle, epsilon) <= delta else (low, middle)
    return Fraction(low * (1 - 1e-9))


@dataclass(slots=True)
class Accountant:
    """The only way to the rows' counts.

    A count of rows in cells that do not overlap changes by one in one cell when a row is added or left out, so its
    sensitivity is 1 in either norm.
    """

    rho: Fraction
    """What may be spent in all."""
    spent: list[tuple[str, Fraction]] = field(default_factory=list)
    """Each look and its rho, in order; they add up (Bun & Steinke 2016, lemma 2.3)."""

    @property
    def left(self) -> Fraction:
        """What nothing was spent on yet."""
        return self.rho - sum((rho for _, rho in self.spent), Fraction(0))

    def measure(self, counts: Ints, rho: Fraction, what: str) -> tuple[Ints, float]:
        """Counts of rows with discrete Gaussian noise, at most at the cost of ``rho``; and its standard deviation.

        A variance v costs 1 / 2v (Canonne, Kamath, Steinke 2020, theorem 4).

        Raises:
            Overspent: There is less left.
        """
        variance = variance_for(rho)
        self._spend(what, 1 / (2 * variance))
        noise = np.array([discrete_gaussian(variance) for _ in range(counts.size)], dtype=np.int64)
        return counts + noise.reshape(counts.shape), math.sqrt(variance)

    def choose(
        self,
        scores: list[int],
        sensitivity: int,
        rho: Fraction,
        what: str,
        allowed: Callable[[int], bool] | None = None,
    ) -> int | None:
        """The place of a good one of ``scores``, each of which a row changes by at most ``sensitivity``.

        The exponential mechanism with epsilon costs epsilon² / 8 (Cesar & Rogers 2021). ``allowed`` as in
        :func:`noise.choose`; None where none is.

        Raises:
            Overspent: There is less left.
        """
        epsilon = Fraction(math.isqrt(int(8 * rho * _FINE * _FINE)), _FINE)
        self._spend(what, epsilon * epsilon / 8)
        return choose(scores, epsilon, sensitivity, allowed)

    def _spend(self, what: str, rho: Fraction) -> None:
        if rho > self.left:
            raise Overspent(what)
        self.spent.append((what, rho))


def variance_for(rho: Fraction) -> Fraction:
    """The smallest variance on the grid that costs at most ``rho``."""
    if rho <= 0:
        raise Overspent("nothing")
    return Fraction(math.ceil(_STEPS / (2 * rho)), _STEPS)
