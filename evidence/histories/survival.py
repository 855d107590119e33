"""The end of follow-up: how long, and nothing after it."""

from __future__ import annotations

import numpy as np

from .table import Array, Histories

__all__ = ["after_end", "followed", "survival_curve", "survival_distance"]


def survival_distance(real: Histories, other: Histories) -> float | None:
    """Greatest distance of the two Kaplan-Meier curves up to where a tenth of the real patients are still followed."""
    if real.ends is None or real.events is None or other.ends is None or other.events is None:
        return None
    mine, theirs = followed(real), followed(other)
    grid = np.linspace(0.0, np.quantile(mine, 0.9), 200)
    return float(np.abs(survival_curve(mine, real.events, grid) - survival_curve(theirs, other.events, grid)).max())


def after_end(histories: Histories) -> float | None:
    """Share of the visits that lie after their patient's end."""
    if histories.ends is None or histories.times is None:
        return None
    if not len(histories.times):
        return 0.0
    return float((histories.times > histories.ends[histories.owners] + 1e-6).mean())


def followed(histories: Histories) -> Array:
    """How long each patient was followed: to the end, or where it is open to the last visit."""
    assert histories.ends is not None
    last = np.zeros(len(histories.patients))
    if histories.times is not None:
        last[histories.owners[histories.lasts]] = histories.times[histories.lasts]
    return np.where(np.isnan(histories.ends), last, histories.ends)


def survival_curve(ends: Array, events: Array, grid: Array) -> Array:
    """Share without the event at each time of ``grid`` (Kaplan, Meier 1958)."""
    events = events.astype(bool)
    times = np.unique(ends[events])
    at_risk = (ends[:, None] >= times).sum(axis=0)
    died = ((ends[:, None] == times) & events[:, None]).sum(axis=0)
    steps = np.cumprod(1 - died / np.maximum(at_risk, 1))
    return np.asarray(np.r_[1.0, steps][np.searchsorted(times, grid, "right")])
