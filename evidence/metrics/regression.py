"""Inference: would the same regression on synthetic rows lead to the same conclusions.

Coefficients of the target on all other columns, from real and from synthetic rows: overlap of the confidence intervals
(Karr et al. 2006), agreement of signs and of significance (Raab et al. 2017). Synthetic rows are no sample of persons:
their p-values are too small, and the type I error is inflated (Decruyenaere et al., UAI 2024).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from .comparable import Array, as_category, as_number, numeric_columns

__all__ = ["Inference", "measure_inference"]

_CONFIDENCE = 0.95
_MOST_LEVELS = 6
_ROWS_PER_TERM = 5
"""Rows a coefficient needs, else it is left out with its column's rarest levels."""
_RIDGE = 1e-6
_STEPS = 50


@dataclass(frozen=True, slots=True)
class Inference:
    """Agreement over all coefficients, the constant left out."""

    kind: str
    """``linear`` or ``logistic`` (of the rarer of two classes, or the commonest of more)."""
    coefficients: int
    overlap: float
    """Mean overlap of the 95 % intervals, 1 where they are the same; below 0 is told as 0."""
    sign: float
    """Share of the coefficients significant in the real table whose sign agrees."""
    significance: float
    """Share of the coefficients that are significant in both tables or in neither."""


def measure_inference(real: pd.DataFrame, synthetic: pd.DataFrame, target: object) -> Inference | None:
    """Regress ``target`` on the other columns in both tables; None where that cannot be done.

    Args:
        real: Real rows, as many as there are.
        synthetic: Synthetic rows; counted as if they were as many as the real ones.
        target: A number (linear), or a category (logistic, one class against the rest).
    """
    numeric = numeric_columns(real)
    regression = target in numeric
    sides = [table[table[target].notna()] for table in (real, synthetic)]
    if min(map(len, sides)) < 30:
        return None
    if regression:
        y = [as_number(side[target]) for side in sides]
        scale = float(y[0].std()) or 1.0
        y = [(values - y[0].mean()) / scale for values in y]
    else:
        labels = [as_category(side[target]) for side in sides]
        counts = pd.Series(labels[0]).value_counts()
        if len(counts) < 2:
            return None
        wanted = counts.index[-1] if len(counts) == 2 else counts.index[0]
        y = [(values == wanted).astype(float) for values in labels]
        if min(values.std() for values in y) == 0:
            return None
    x = _design(sides, [name for name in real.columns if name != target], numeric)
    if not x[0].shape[1] or len(y[0]) < _ROWS_PER_TERM * x[0].shape[1]:
        return None
    fits = [_fit(values, outcome, regression) for values, outcome in zip(x, y, strict=True)]
    if any(fit is None for fit in fits):
        return None
    (real_at, real_error), (made_at, made_error) = fits  # type: ignore[misc]
    # As if the synthetic table had as many rows: more rows are no more evidence.
    made_error = made_error * np.sqrt(len(y[1]) / len(y[0]))
    z = float(stats.norm.ppf(0.5 + _CONFIDENCE / 2))
    low, high = (
        np.maximum(real_at - z * real_error, made_at - z * made_error),
        np.minimum(real_at + z * real_error, made_at + z * made_error),
    )
    common = high - low
    overlap = 0.5 * (common / (2 * z * real_error) + common / (2 * z * made_error))
    strong, also = (np.abs(at) > z * error for at, error in ((real_at, real_error), (made_at, made_error)))
    agree = np.sign(real_at) == np.sign(made_at)
    return Inference(
        kind="linear" if regression else "logistic",
        coefficients=len(real_at),
        overlap=float(np.clip(overlap, 0, 1).mean()),
        sign=float(agree[strong].mean()) if strong.any() else float(agree.mean()),
        significance=float((strong == also).mean()),
    )


def _design(sides: list[pd.DataFrame], names: list[object], numeric: list[str]) -> list[Array]:
    """Standardised numbers with gaps at the mean, and indicators of levels common in both tables."""
    parts: list[list[Array]] = [[], []]
    for name in names:
        if name in numeric:
            values = [as_number(side[name]) for side in sides]
            present = values[0][~np.isnan(values[0])]
            if not len(present) or present.std() == 0:
                continue
            for part, cells in zip(parts, values, strict=True):
                part.append(np.where(np.isnan(cells), 0.0, (cells - present.mean()) / present.std()))
            continue
        labels = [as_category(side[name]) for side in sides]
        for level in pd.Series(labels[0]).value_counts().index[1 : _MOST_LEVELS + 1]:
            if min(int((cells == level).sum()) for cells in labels) >= 2 * _ROWS_PER_TERM:
                for part, cells in zip(parts, labels, strict=True):
                    part.append((cells == level).astype(float))
    rows = [len(side) for side in sides]
    return [np.column_stack(part) if part else np.zeros((count, 0)) for part, count in zip(parts, rows, strict=True)]


def _fit(x: Array, y: Array, linear: bool) -> tuple[Array, Array] | None:
    """Coefficients and their standard errors, without the constant; None where the fit does not settle."""
    design = np.column_stack([np.ones(len(x)), x])
    ridge = _RIDGE * len(x) * np.eye(design.shape[1])
    if linear:
        inverse = np.linalg.inv(design.T @ design + ridge)
        at = inverse @ design.T @ y
        residual = y - design @ at
        variance = float((residual**2).sum() / max(1, len(y) - design.shape[1]))
        return at[1:], np.sqrt(np.maximum(np.diag(inverse) * variance, 1e-12))[1:]
    at = np.zeros(design.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-np.clip(design @ at, -30, 30)))
        weight = np.maximum(chance * (1 - chance), 1e-9)
        inverse = np.linalg.inv((design * weight[:, None]).T @ design + ridge)
        step = inverse @ (design.T @ (y - chance) - ridge @ at)
        at = at + np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-6:
            return at[1:], np.sqrt(np.diag(inverse))[1:]
    return None
