"""A patient's history as one row of numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .table import Array, Histories

__all__ = ["summarise", "summarise_all"]

_COMMONEST = 20


def summarise_all(reference: Histories, others: list[Histories]) -> list[Array]:
    """Each histories' :func:`summarise`, with codes and levels as they are in ``reference``."""
    levels = {name: list(reference.visits[name].value_counts().index[:_COMMONEST]) for name in reference.visits}
    statics = {name: sorted(reference.patients[name].dropna().unique(), key=str) for name in reference.patients}
    return [summarise(one, levels, statics) for one in others]


def summarise(histories: Histories, levels: dict[object, list[str]], statics: dict[object, list[object]]) -> Array:
    """Patients x figures: mean, deviation, first, last and mean step of each number, shares of each level, number of
    visits, mean and deviation of the gaps, end, and statics; NaN where there is none."""
    size = len(histories.patients)
    parts = [histories.lengths.astype(float)]
    for name in histories.visits:
        if name in histories.numbers:
            parts += _figures(histories, histories.visits[name].to_numpy(dtype=float))
        else:
            codes = pd.Categorical(histories.visits[name], categories=levels[name]).codes.astype(int)
            share = np.zeros((size, len(levels[name])))
            np.add.at(share, (histories.owners[codes >= 0], codes[codes >= 0]), 1.0)
            parts += list((share / np.maximum(histories.lengths, 1)[:, None]).T)
    if histories.times is not None:
        rows = histories.follows
        gaps = np.full(len(histories.owners), np.nan)
        gaps[rows] = histories.times[rows] - histories.times[rows - 1]
        parts += _moments(histories, gaps)
        parts += [_at(histories, histories.times, histories.lasts)]
    if histories.ends is not None:
        parts.append(histories.ends)
    for name in histories.patients:
        cells = histories.patients[name]
        if pd.api.types.is_float_dtype(cells.dtype):
            parts.append(cells.to_numpy(dtype=float))
        else:
            parts += [(cells == level).to_numpy(dtype=float) for level in statics[name]]
    return np.column_stack(parts)


def _figures(histories: Histories, values: Array) -> list[Array]:
    rows = histories.follows
    steps = np.full(len(values), np.nan)
    steps[rows] = values[rows] - values[rows - 1]
    return [
        *_moments(histories, values),
        _at(histories, values, histories.firsts),
        _at(histories, values, histories.lasts),
        _moments(histories, steps)[0],
    ]


def _moments(histories: Histories, values: Array) -> list[Array]:
    """Mean and standard deviation, patient by patient."""
    size = len(histories.patients)
    known = ~np.isnan(values)
    owners = histories.owners[known]
    counts = np.bincount(owners, minlength=size).astype(float)
    counts[counts == 0] = np.nan
    mean = np.bincount(owners, values[known], minlength=size) / counts
    square = np.bincount(owners, values[known] ** 2, minlength=size) / counts
    return [mean, np.sqrt(np.maximum(square - mean**2, 0.0))]


def _at(histories: Histories, values: Array, rows: Array) -> Array:
    found = np.full(len(histories.patients), np.nan)
    found[histories.owners[rows]] = values[rows]
    return found
