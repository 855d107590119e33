"""Disclosure risk: can one tell from the synthetic rows who was in the fit.

Needs a held-out part: real rows that the synthesizer never saw. Distances show a leak and never its absence; only a DP
guarantee with public bounds does that.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from .comparable import Array, Frame, as_category

__all__ = ["Disclosure", "Interval", "measure_disclosure", "membership_auc"]

_MAX_ROWS = 3000
_MAX_SYNTHETIC = 10_000
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its 95 % confidence interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What an attacker who holds records and the synthetic table can tell."""

    membership_auc: Interval
    """AUC of telling rows of the fit from held-out rows; 0.5 is chance."""
    copy_auc: float
    """The same for an outright copy of the fitted rows: the attack's own strength on this table."""
    nearest_share: Interval
    """Share of synthetic rows nearer to a fitted row than to a held-out one, parts of equal size; 0.5 is chance."""
    duplicates: float
    """Share of synthetic rows that equal a fitted row."""
    held_out_duplicates: float
    """Share of synthetic rows that equal a held-out row: what chance alone gives."""
    identifiability: float
    """Share of fitted rows nearer to a synthetic row than to any other real one, above that of held-out rows."""

    @property
    def risk(self) -> float:
        """|AUC - 0.5| scaled so that a row copy is 1."""
        return min(1.0, abs(self.membership_auc.value - 0.5) / max(self.copy_auc - 0.5, 1e-6))


def measure_disclosure(
    fitted: pd.DataFrame, held_out: pd.DataFrame, synthetic: pd.DataFrame, seed: int = 0
) -> Disclosure:
    """Attack ``synthetic``, made from ``fitted``; ``held_out`` comes from the same source and was never seen."""
    rng = np.random.default_rng(seed)
    members = _thin(fitted, rng)
    others = _thin(held_out, rng)
    drawn = _thin(synthetic, rng, _MAX_SYNTHETIC)
    reference = pd.concat([members, others], ignore_index=True)
    points, synthetic_points = Frame.pair(reference, drawn)
    # The attacker knows the real rows' own density: a row in an empty region is far from everything.
    own = _nearest(points, points, skip_self=True)
    copy = _nearest(points, points.rows(np.arange(len(members))))
    to_synthetic = _nearest(points, synthetic_points)
    auc = _attack(to_synthetic, own, len(members))
    return Disclosure(
        membership_auc=auc,
        copy_auc=_attack(copy, own, len(members)).value,
        nearest_share=_nearest_share(points, synthetic_points, len(members), rng),
        duplicates=_overlap(drawn, fitted),
        held_out_duplicates=_overlap(drawn, held_out),
        identifiability=max(
            0.0,
            _nearer(to_synthetic, own, slice(0, len(members))) - _nearer(to_synthetic, own, slice(len(members), None)),
        ),
    )


def membership_auc(members: Array, others: Array) -> Interval:
    """AUC of ``members`` scoring above ``others``, with DeLong's interval (DeLong et al. 1988)."""
    m, n = len(members), len(others)
    ranks = stats.rankdata(np.concatenate([members, others]))
    above = (ranks[:m] - stats.rankdata(members)) / n
    below = 1 - (ranks[m:] - stats.rankdata(others)) / m
    value = float(above.mean())
    spread = float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n)) if min(m, n) > 1 else 0.5
    z = float(stats.norm.ppf(0.5 + _CONFIDENCE / 2))
    return Interval(value, max(0.0, value - z * spread), min(1.0, value + z * spread))


def _attack(distances: Array, own: Array, members: int) -> Interval:
    scores = -np.log(distances + 1e-9) + np.log(own + 1e-3)
    return membership_auc(scores[:members], scores[members:])


def _nearest_share(points: Frame, synthetic: Frame, members: int, rng: np.random.Generator) -> Interval:
    size = min(members, len(points.numbers) - members)
    inside = rng.choice(members, size, replace=False)
    outside = members + rng.choice(len(points.numbers) - members, size, replace=False)
    near, far = _nearest(synthetic, points.rows(inside)), _nearest(synthetic, points.rows(outside))
    wins = (near < far) + 0.5 * (near == far)
    value = float(wins.mean())
    spread = 1.96 * float(np.sqrt(max(wins.var(), 1e-6) / len(wins)))
    return Interval(value, max(0.0, value - spread), min(1.0, value + spread))


def _nearest(points: Frame, targets: Frame, *, skip_self: bool = False) -> Array:
    """Distance from each point to the nearest target: mean absolute rank difference and mismatches (Gower 1971)."""
    width = points.numbers.shape[1] + points.codes.shape[1]
    found = np.empty(len(points.numbers))
    step = max(1, 4_000_000 // max(1, len(targets.numbers)))
    for start in range(0, len(found), step):
        stop = min(start + step, len(found))
        distance = np.zeros((stop - start, len(targets.numbers)), dtype=np.float32)
        for j in range(points.numbers.shape[1]):
            a, b = (
                points.numbers[start:stop, j, None].astype(np.float32),
                targets.numbers[None, :, j].astype(np.float32),
            )
            # Missing beside known counts as far apart as can be.
            distance += np.where((a < 0) != (b < 0), np.float32(1.0), np.abs(a - b))
        for j in range(points.codes.shape[1]):
            distance += points.codes[start:stop, j, None] != targets.codes[None, :, j]
        if skip_self:
            distance[np.arange(stop - start), np.arange(start, stop)] = np.inf
        found[start:stop] = distance.min(axis=1)
    return np.asarray(found / max(width, 1))


def _nearer(to_synthetic: Array, own: Array, part: slice) -> float:
    return float((to_synthetic[part] < own[part]).mean())


def _overlap(drawn: pd.DataFrame, real: pd.DataFrame) -> float:
    known = set(_keys(real, list(real.columns)))
    return float(np.mean([key in known for key in _keys(drawn, list(real.columns))]))


def _keys(table: pd.DataFrame, names: list[str]) -> list[tuple[str, ...]]:
    return list(zip(*(as_category(table[name]) for name in names), strict=True))


def _thin(table: pd.DataFrame, rng: np.random.Generator, most: int = _MAX_ROWS) -> pd.DataFrame:
    if len(table) <= most:
        return table.reset_index(drop=True)
    return table.iloc[np.sort(rng.choice(len(table), most, replace=False))].reset_index(drop=True)
