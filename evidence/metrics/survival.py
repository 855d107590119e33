"""Survival, where the table has a time and an event: curves, their difference, and a model's ranking.

Kaplan-Meier and the log-rank test as in any textbook; restricted mean survival time up to the time that nine tenths of
the real rows do not outlast; a ridge-penalised Cox model (Breslow's ties) for the C-index (Harrell 1982).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from .comparable import Array, as_category, as_number, numeric_columns
from .models import features_of

__all__ = ["Survival", "concordance", "is_event", "kaplan_meier", "log_rank", "measure_survival", "restricted_mean"]

_POINTS = 40
"""Points of a curve that is shown; far fewer than persons, and none is a person's time."""
_RIDGE = 1.0
_STEPS = 25
_MOST_PAIRS = 3000


@dataclass(frozen=True, slots=True)
class Survival:
    """The synthetic table's survival beside the real one's."""

    time: str
    event: str
    curve_difference: float
    """Mean absolute difference of the Kaplan-Meier curves up to the horizon; 0 is alike."""
    restricted_mean_real: float
    """In the time's own unit, up to the horizon."""
    restricted_mean_synthetic: float
    log_rank_p: float
    """Chance of so great a difference between two samples of one population; small is different."""
    c_index_synthetic: float | None
    """Of a Cox model trained on synthetic rows, on held-out rows; None where nothing was held out."""
    c_index_real: float | None
    """The same, trained on real rows."""
    grid: tuple[float, ...]
    """Times of the curves, as shares of the horizon."""
    real: tuple[float, ...]
    low: tuple[float, ...]
    """Band of the real curve, 95 % (Greenwood)."""
    high: tuple[float, ...]
    synthetic: tuple[float, ...]


def measure_survival(
    fitted: pd.DataFrame, held_out: pd.DataFrame, synthetic: pd.DataFrame, time: object, event: object
) -> Survival | None:
    """Hold the survival of ``synthetic`` against that of the real rows; None where there are too few events."""
    real = pd.concat([fitted, held_out], ignore_index=True)
    happened = is_event(real[event], real[event]), is_event(synthetic[event], real[event])
    times = as_number(real[time]), as_number(synthetic[time])
    valid = [~np.isnan(durations) & (durations >= 0) for durations in times]
    if min(int(valid[0].sum()), int(valid[1].sum())) < 20 or happened[0][valid[0]].sum() < 5:
        return None
    sides = [(durations[ok], outcomes[ok]) for durations, outcomes, ok in zip(times, happened, valid, strict=True)]
    horizon = float(np.quantile(sides[0][0], 0.9))
    if horizon <= 0:
        return None
    grid = np.linspace(0, horizon, _POINTS)
    (real_curve, error), (made_curve, _) = (kaplan_meier(*side, grid) for side in sides)
    c_made = c_real = None
    if len(held_out) >= 20:
        c_real, c_made = (_ranking(table, held_out, real, time, event) for table in (fitted, synthetic))
    return Survival(
        time=str(time),
        event=str(event),
        curve_difference=float(np.abs(real_curve - made_curve).mean()),
        restricted_mean_real=restricted_mean(*sides[0], horizon),
        restricted_mean_synthetic=restricted_mean(*sides[1], horizon),
        log_rank_p=log_rank(*sides[0], *sides[1]),
        c_index_synthetic=c_made,
        c_index_real=c_real,
        grid=tuple(round(float(x), 3) for x in grid / horizon),
        real=_rounded(real_curve),
        low=_rounded(np.maximum(real_curve - 1.96 * error, 0)),
        high=_rounded(np.minimum(real_curve + 1.96 * error, 1)),
        synthetic=_rounded(made_curve),
    )


def is_event(cells: pd.Series, reference: pd.Series) -> Array:
    """Which rows have the event: the larger of two numbers, else the rarer of the labels, in the reference's terms."""
    labels, present = as_category(cells), pd.Series(as_category(reference))[reference.notna().to_numpy()]
    levels = present.unique()
    try:
        wanted = max(levels, key=float) if len(levels) else ""
    except ValueError:
        wanted = present.value_counts().index[-1] if len(levels) else ""
    # A column of noughts alone knows no event.
    return np.asarray((labels == wanted) & (wanted != "0.0"))


def kaplan_meier(times: Array, events: Array, grid: Array) -> tuple[Array, Array]:
    """The curve at the grid's times and its standard error (Greenwood)."""
    distinct = np.unique(times[events])
    at_risk = len(times) - np.searchsorted(np.sort(times), distinct, side="left")
    died = np.searchsorted(np.sort(times[events]), distinct, side="right") - np.searchsorted(
        np.sort(times[events]), distinct, side="left"
    )
    curve = np.concatenate([[1.0], np.cumprod(1 - died / at_risk)])
    spread = np.concatenate([[0.0], np.cumsum(died / np.maximum(at_risk * (at_risk - died), 1))])
    at = np.searchsorted(distinct, grid, side="right")
    return curve[at], curve[at] * np.sqrt(spread[at])


def restricted_mean(times: Array, events: Array, horizon: float) -> float:
    """Area under the curve up to ``horizon``."""
    steps = np.unique(np.concatenate([[0.0], times[events & (times < horizon)], [horizon]]))
    curve, _ = kaplan_meier(times, events, steps[:-1])
    return float((curve * np.diff(steps)).sum())


def log_rank(times: Array, events: Array, other_times: Array, other_events: Array) -> float:
    """p-value of the two-sample log-rank test; 1 where there is nothing to compare."""
    if not (events.any() or other_events.any()):
        return 1.0
    samples = [
        stats.CensoredData.right_censored(sample, ~happened)
        for sample, happened in ((times, events), (other_times, other_events))
    ]
    p = float(stats.logrank(*samples).pvalue)
    return p if np.isfinite(p) else 1.0


def concordance(times: Array, events: Array, risks: Array) -> float:
    """Harrell's C: of the pairs whose order is known, the share ranked right; ties of the risk count half."""
    if len(times) > _MOST_PAIRS:
        chosen = np.random.default_rng(0).choice(len(times), _MOST_PAIRS, replace=False)
        times, events, risks = times[chosen], events[chosen], risks[chosen]
    earlier = (times[:, None] < times[None, :]) & events[:, None]
    if not earlier.any():
        return 0.5
    right = (risks[:, None] > risks[None, :]) + 0.5 * (risks[:, None] == risks[None, :])
    return float(right[earlier].mean())


def _ranking(
    train: pd.DataFrame, test: pd.DataFrame, reference: pd.DataFrame, time: object, event: object
) -> float | None:
    names = [name for name in reference.columns if name not in (time, event)]
    numeric = numeric_columns(reference)
    x = [features_of(table, reference, names, numeric) for table in (train, test)]
    times = [as_number(table[time]) for table in (train, test)]
    events = [is_event(table[event], reference[event]) for table in (train, test)]
    valid = [~np.isnan(values) for values in times]
    x, times, events = ([values[ok] for values, ok in zip(side, valid, strict=True)] for side in (x, times, events))
    if events[0].sum() < 5 or events[1].sum() < 5:
        return None
    gone = ~np.isnan(x[0])
    middle = np.where(gone, x[0], 0.0).sum(axis=0) / np.maximum(gone.sum(axis=0), 1)
    filled = [np.where(np.isnan(values), middle, values) for values in x]
    scale = np.where(filled[0].std(axis=0) > 0, filled[0].std(axis=0), 1.0)
    scaled = [(values - middle) / scale for values in filled]
    return concordance(times[1], events[1], scaled[1] @ _cox(scaled[0], times[0], events[0]))


def _cox(x: Array, times: Array, events: Array) -> Array:
    """Coefficients that maximise the penalised partial likelihood, by Newton's method."""
    order = np.argsort(-times, kind="stable")
    x, times, events = x[order], times[order], events[order]
    # Everybody whose time is at least as long is at risk: with falling times, those up to the last of equals.
    last = np.searchsorted(-times, -times, side="right") - 1
    at = np.zeros(x.shape[1])
    for _ in range(_STEPS):
        weight = np.exp(np.clip(x @ at, -20, 20))
        total = np.cumsum(weight)[last]
        first = np.cumsum(weight[:, None] * x, axis=0)[last] / total[:, None]
        gradient = (x - first)[events].sum(axis=0) - _RIDGE * at
        second = np.cumsum(weight[:, None, None] * (x[:, :, None] * x[:, None, :]), axis=0)[last][events]
        second = second / total[events][:, None, None] - first[events][:, :, None] * first[events][:, None, :]
        step = np.linalg.solve(second.sum(axis=0) + _RIDGE * np.eye(len(at)), gradient)
        at = at + np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-4:
            break
    return at


def _rounded(curve: Array) -> tuple[float, ...]:
    return tuple(round(float(value), 3) for value in curve)
