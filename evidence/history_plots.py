"""Histories side by side, coarse enough to be looked at: deciles, trajectories in bands, what follows what."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from ..profiling.disclosure_control import K
from ..schemas.base import Frozen
from .histories.course import lag_one
from .histories.survival import followed, survival_curve
from .histories.table import Array, Histories
from .metrics.side_by_side import Marginal, compare_marginals

__all__ = ["Band", "Curve", "draw_bands", "draw_deciles", "draw_transitions"]

_SHARES = tuple(round(0.1 * i, 1) for i in range(1, 10))
"""Deciles: between two of them lie a tenth of the patients, so that none is seen alone."""
_QUARTERS = (0.25, 0.5, 0.75)
_STRETCHES = 8
"""Stretches of time of equally many real rows that a trajectory has."""
_FEWEST_IN_BAND = 4 * K
"""Patients in a stretch: enough on either side of a quartile."""
_MOST_SHOWN = 4
"""Columns of each kind."""


class Curve(Frozen):
    """A line of the real and of the synthetic table."""

    name: str
    at: tuple[float, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]


class Band(Frozen):
    """A number over time: lower quartile, median, upper quartile of each stretch of time."""

    name: str
    by: str
    """What ``at`` counts."""
    at: tuple[float, ...]
    """Middle of each stretch."""
    real: tuple[tuple[float, ...], ...]
    """Three lines."""
    synthetic: tuple[tuple[float, ...], ...]


def draw_deciles(real: Histories, made: Histories) -> tuple[Curve, ...]:
    """Rows a patient, times between rows, and the share without the event."""
    found = [_deciles("rows a patient", real.lengths, made.lengths)]
    if real.times is not None and made.times is not None and len(real.follows) and len(made.follows):
        gaps = [one.times[one.follows] - one.times[one.follows - 1] for one in (real, made) if one.times is not None]
        found.append(_deciles("time between rows", *gaps))
    if real.ends is not None and real.events is not None and made.events is not None:
        ends = followed(real)
        grid = np.quantile(ends, _SHARES)
        lines = [survival_curve(followed(one), one.events, grid) for one in (real, made) if one.events is not None]
        found.append(_curve("share without the event", grid, *lines))
    return tuple(found)


def draw_bands(real: Histories, made: Histories) -> tuple[Band, ...]:
    """The numbers with the strongest memory, over time since the first row, or over rows where they have no time."""
    mine, theirs = _since_first(real), _since_first(made)
    by = "row" if real.times is None else "time since the first row"
    edges = np.unique(np.quantile(mine, np.linspace(0, 1, _STRETCHES + 1))) if len(mine) else np.zeros(0)
    if len(edges) < 3:
        return ()
    names = sorted(real.numbers, key=lambda name: -float(np.nan_to_num(lag_one(real, name), nan=-1.0)))
    found = []
    for name in names:
        band = _band(str(name), by, edges, (real, mine), (made, theirs), name)
        if band is not None:
            found.append(band)
        if len(found) == _MOST_SHOWN:
            break
    return tuple(found)


def draw_transitions(real: Histories, made: Histories) -> tuple[Marginal, ...]:
    """Of each column of few levels: how often one follows another, those that enough patients have."""
    found: list[Marginal] = []
    for name in real.states[:_MOST_SHOWN]:
        pairs = [_pairs(one, name) for one in (real, made)]
        if min(map(len, pairs)):
            owners = pd.Series(real.owners[real.follows])
            found += compare_marginals(pairs[0].to_frame(), pairs[1].to_frame(), owners)
    return tuple(found)


def _band(
    label: str, by: str, edges: Array, mine: tuple[Histories, Array], theirs: tuple[Histories, Array], name: Any
) -> Band | None:
    """Without the stretches of too few patients, real or synthetic; None where two stretches are not left."""
    at: list[float] = []
    lines: tuple[list[Array], list[Array]] = ([], [])
    for low, high in pairwise(edges):
        quarters = []
        for histories, since in (mine, theirs):
            values = histories.visits[name].to_numpy(dtype=float)
            last = high == edges[-1]
            inside = (since >= low) & ((since <= high) if last else (since < high)) & ~np.isnan(values)
            if len(np.unique(histories.owners[inside])) >= _FEWEST_IN_BAND:
                quarters.append(np.quantile(values[inside], _QUARTERS))
        if len(quarters) == 2:
            at.append((low + high) / 2)
            for line, found in zip(lines, quarters, strict=True):
                line.append(found)
    if len(at) < 2:
        return None
    real, synthetic = (tuple(_rounded(np.array(line)[:, i]) for i in range(3)) for line in lines)
    return Band(name=label, by=by, at=_rounded(at), real=real, synthetic=synthetic)


def _since_first(histories: Histories) -> Array:
    if not len(histories.owners):
        return np.zeros(0)
    firsts = np.repeat(histories.firsts, histories.lengths[histories.lengths > 0])
    if histories.times is None:
        return np.asarray(np.arange(len(histories.owners)) - firsts + 1, dtype=float)
    return np.asarray(histories.times - histories.times[firsts])


def _pairs(histories: Histories, name: Any) -> pd.Series:
    rows = histories.follows
    cells = histories.visits[name].fillna("missing").astype(str)
    before, after = cells.iloc[rows - 1].reset_index(drop=True), cells.iloc[rows].reset_index(drop=True)
    return pd.Series(before + " → " + after, name=f"{name}: from row to row")


def _deciles(name: str, real: Array, made: Array) -> Curve:
    return _curve(name, np.array(_SHARES), np.quantile(real, _SHARES), np.quantile(made, _SHARES))


def _curve(name: str, at: Any, real: Any, made: Any) -> Curve:
    return Curve(name=name, at=_rounded(at), real=_rounded(real), synthetic=_rounded(made))


def _rounded(line: Any) -> tuple[float, ...]:
    return tuple(float(f"{x:.2g}") for x in line)
