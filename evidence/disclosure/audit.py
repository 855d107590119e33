"""Leave-one-out audit: refit without each of the persons that stand most alone, and see who is missed.

If the synthetic rows lie nearer to a person's rows when that person was fitted than when not, the fit gives the person
away. The one attack that knows what the model would have made without the record; it refits, and so needs a run card
and a cheap synthesizer.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from ..metrics.comparable import Array, Frame
from .distances import gower
from .intervals import LEVEL, Interval, auc_interval

__all__ = ["LeaveOneOut", "Refit", "audit_loneliest"]

Refit = Callable[[pd.DataFrame, int], pd.DataFrame]
"""Rows and a seed → as many synthetic rows."""

_PERSONS = 6
_DRAWS = 5
_MOST_ROWS = 2000
_NEIGHBOURS = 5


@dataclass(frozen=True, slots=True)
class LeaveOneOut:
    """How well fits with and without a person are told apart by how near their rows come."""

    persons: int
    fits: int
    auc: Interval
    """Mean over the persons; 0.5 where nobody is given away. One-sided bounds by the spread over persons."""


def audit_loneliest(fitted: pd.DataFrame, persons: Array, refit: Refit, seed: int = 0) -> LeaveOneOut | None:
    """Audit the persons that stand most alone; None where there are too few others.

    Args:
        fitted: Rows of the fit, as they entered it.
        persons: Whose row each is.
        refit: Fits and samples; called a few dozen times.
        seed: Of the first fit; the others count on.
    """
    if len(fitted) > _MOST_ROWS or len(np.unique(persons)) < 5 * _PERSONS:
        return None
    owners = pd.factorize(np.asarray(persons), use_na_sentinel=False)[0]
    points, _ = Frame.pair(fitted, fitted.head(0))
    distances = gower(points, points)
    distances[owners[:, None] == owners[None, :]] = np.inf
    near = np.sort(distances, axis=1)[:, :_NEIGHBOURS]
    far = pd.Series(np.where(np.isfinite(near), near, 1.0).mean(axis=1)).groupby(owners).max()
    chosen = far.sort_values(ascending=False).index[:_PERSONS]
    with_all = [refit(fitted, seed + draw) for draw in range(_DRAWS)]
    aucs = []
    for person in chosen:
        own = owners == person
        rest = fitted[~own].reset_index(drop=True)
        without = [refit(rest, seed + draw) for draw in range(_DRAWS)]
        near_with, near_without = (
            np.array([-_nearest(fitted, made, own) for made in side], dtype=float) for side in (with_all, without)
        )
        aucs.append(auc_interval(near_with, near_without).value)
    middle = float(np.mean(aucs))
    error = float(np.std(aucs, ddof=1) / np.sqrt(len(aucs)))
    reach = float(stats.t.ppf(1 - LEVEL, len(aucs) - 1)) * error
    return LeaveOneOut(
        persons=len(aucs),
        fits=_DRAWS * (1 + len(aucs)),
        auc=Interval(middle, max(0.0, middle - reach), min(1.0, middle + reach)),
    )


def _nearest(fitted: pd.DataFrame, made: pd.DataFrame, own: Array) -> float:
    """Distance of the nearest synthetic row to any of the person's."""
    points, drawn = Frame.pair(fitted, made[list(fitted.columns)])
    return float(gower(points.rows(own), drawn).min())
