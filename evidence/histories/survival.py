"""The end of follow-up: how long, and nothing after it."""

from __future__ import annotations

import numpy as np

from ...synthesizers.encoding.sets.dates import as_days, tells_death
from ...synthesizers.encoding.sets.prepared_set import PreparedSet, death_days
from .table import Array, Histories

__all__ = ["after_end", "followed", "rows_after_death", "survival_curve", "survival_distance"]

_SAME_DAY = 1.0
"""Days that a row may lie after a death: dates without hours are compared with dates that have them."""


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


def rows_after_death(prepared: PreparedSet) -> list[float | None]:
    """Of each event table: the share of its rows later than their patient's death.

    A death is told by a date of it in any table. None where none is, or where the rows have no dates.
    """
    deaths = death_days(prepared)
    for name, (_, column) in prepared.homes.items():
        if name != prepared.death and tells_death(column) and name in prepared.dated:
            deaths = np.fmin(deaths, as_days(prepared.people[name]))
    for rows in prepared.events:
        for name in (name for name in rows.dates if tells_death(name)):
            days = as_days(rows.cells[name]) + as_days(rows.cells[rows.time])
            np.fmin.at(deaths, rows.owners, days)
    if np.isnan(deaths).all():
        return [None] * len(prepared.events)
    found: list[float | None] = []
    for rows in prepared.events:
        if rows.time is None or not rows.dated:
            found.append(None)
            continue
        late = as_days(rows.cells[rows.time]) > deaths[rows.owners] + _SAME_DAY
        found.append(float(late.mean()) if len(late) else 0.0)
    return found


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
