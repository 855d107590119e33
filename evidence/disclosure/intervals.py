"""Estimates with their intervals, and what a sample of persons could have shown at all.

Every bound is one-sided at ``LEVEL``; where several figures are looked at, the level is divided by their number
(Bonferroni), so that the worst of them is judged as the worst of many.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from ..metrics.comparable import Array

__all__ = [
    "LEVEL",
    "Interval",
    "auc_interval",
    "bound",
    "detectable_auc",
    "excess_interval",
    "more_often",
    "persons_for_auc",
    "persons_for_share",
]

LEVEL = 0.05
"""Chance that a true value lies beyond a bound, before it is shared among several looks."""
_POWER = 0.8
_MOST_PERSONS = 10_000_000


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its confidence interval."""

    value: float
    low: float
    high: float


def bound(looks: int = 1) -> float:
    """Standard errors between an estimate and its bound, for so many looks."""
    return float(stats.norm.ppf(1 - LEVEL / max(1, looks)))


def auc_interval(members: Array, others: Array, looks: int = 1) -> Interval:
    """AUC of ``members`` scoring above ``others``, with Newcombe's score-like interval.

    Newcombe 2006 (method 5): the variance of Hanley and McNeil is taken at each bound and not at the estimate, so that
    an AUC of 1 among ten persons is no certainty.
    """
    m, n = len(members), len(others)
    if not m or not n:
        return Interval(0.5, 0.0, 1.0)
    ranks = stats.rankdata(np.concatenate([members, others]))
    value = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    z = bound(looks)
    return Interval(value, _auc_bound(value, m, n, z, -1), _auc_bound(value, m, n, z, 1))


def excess_interval(hits: float, trials: float, control_hits: float, control_trials: float, looks: int = 1) -> Interval:
    """By how much a share lies above that of the control, with Newcombe's hybrid score interval (1998, method 10)."""
    if not trials or not control_trials:
        return Interval(0.0, -1.0, 1.0)
    z = bound(looks)
    first, second = hits / trials, control_hits / control_trials
    low1, high1 = _wilson(first, trials, z)
    low2, high2 = _wilson(second, control_trials, z)
    gap = first - second
    return Interval(
        gap,
        gap - math.sqrt((first - low1) ** 2 + (high2 - second) ** 2),
        gap + math.sqrt((high1 - first) ** 2 + (second - low2) ** 2),
    )


def more_often(hits: float, trials: float, control_hits: float, control_trials: float) -> float:
    """Chance of so many hits among the first where both groups are hit alike (Fisher's exact test, one-sided)."""
    a, m, b, n = (round(x) for x in (hits, trials, control_hits, control_trials))
    return float(stats.hypergeom.sf(a - 1, m + n, a + b, m)) if a else 1.0


def detectable_auc(members: int, others: int, looks: int = 1) -> float:
    """The smallest AUC that would have been told from chance in four of five samples of this size."""
    if not members or not others:
        return 1.0
    spread = math.sqrt((members + others + 1) / (12 * members * others))
    return min(1.0, 0.5 + (bound(looks) + float(stats.norm.ppf(_POWER))) * spread)


def persons_for_auc(limit: float, fitted_per_held_out: float, looks: int = 1) -> int:
    """Held-out persons from which an AUC of chance itself has its upper bound at ``limit``."""
    margin = max(limit - 0.5, 1e-6)
    return min(_MOST_PERSONS, math.ceil(bound(looks) ** 2 * (1 + 1 / fitted_per_held_out) / (12 * margin**2)))


def persons_for_share(limit: float, fitted_per_held_out: float, share: float, looks: int = 1) -> int:
    """Held-out persons from which an excess of nought over a control of ``share`` has its upper bound at ``limit``."""
    spread = share * (1 - share) * (1 + 1 / fitted_per_held_out)
    return min(_MOST_PERSONS, math.ceil(bound(looks) ** 2 * spread / max(limit, 1e-6) ** 2))


def _auc_bound(value: float, m: int, n: int, z: float, side: int) -> float:
    middle = (m + n) / 2 - 1

    def gap(at: float) -> float:
        variance = at * (1 - at) * (1 + middle * ((1 - at) / (2 - at) + at / (1 + at))) / (m * n)
        return side * (at - value) - z * math.sqrt(max(variance, 0.0))

    end = 1.0 if side > 0 else 0.0
    if abs(value - end) < 1e-12 or gap(end) < 0:
        return end
    start = value + side * 1e-12
    return float(optimize.brentq(gap, min(start, end), max(start, end))) if gap(start) * gap(end) < 0 else end


def _wilson(share: float, trials: float, z: float) -> tuple[float, float]:
    middle = (share + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * math.sqrt(share * (1 - share) / trials + z**2 / (4 * trials**2))
    return max(0.0, middle - half), min(1.0, middle + half)
