"""Numbers and dates held by few persons: extremes redrawn inside, exact values moved among their neighbours.

Bounds are the k-th person's at either end. What lies beyond is drawn anew among the outermost values inside, so that no
cell piles up on a bound. Inside, a value that fewer than k persons hold is moved within a window of k persons in rank,
which keeps the distribution where it is; values that k persons share, such as a detection limit, stay. The real
column's steps and heaping (every fifth millimetre of mercury) are kept by rounding to the grid that a cell was on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["ProtectedNumbers", "protect_numbers"]

Floats = np.ndarray[Any, np.dtype[np.float64]]
Ints = np.ndarray[Any, np.dtype[np.int64]]

_HEAPS = (100, 50, 20, 10, 5, 2)
_HEAPED = 0.2
"""Share of the values that must stand on a coarser grid beyond what chance puts there (judgement)."""
_OUTER = 0.05
"""Share of the values inside that redrawn extremes are drawn from, at least 2k of them (judgement)."""


@dataclass(frozen=True, slots=True)
class ProtectedNumbers:
    """A column's numbers after protection, missing ones still missing."""

    values: Floats
    extremes: int
    """Cells that lay beyond the bounds."""
    smoothed: int
    """Cells inside that were moved."""
    withheld: bool
    """Too few persons have a value at all: every cell is missing."""


@dataclass(frozen=True, slots=True)
class _Pairs:
    """One entry for each person and distinct value, so that a person's equal cells stay equal."""

    persons: Ints
    values: Floats
    of_cell: Ints
    """Of each known cell, its entry."""
    holders: Ints
    """Of each entry, how many persons hold its value."""


def protect_numbers(
    values: Floats, persons: Ints, k: int, rng: np.random.Generator, decimals: int | None = None
) -> ProtectedNumbers:
    """Leave no number that tells of fewer than ``k`` persons.

    Args:
        values: Cells, NaN where missing.
        persons: Each cell's person.
        k: Persons.
        rng: Random draws.
        decimals: Digits after the point that every value has; None where they are not a fixed few.
    """
    present = np.flatnonzero(~np.isnan(values))
    if len(present) == 0:
        return ProtectedNumbers(values, 0, 0, withheld=False)
    pairs = _pair(values[present], persons[present])
    bounds = _bounds(pairs, k)
    if bounds is None:
        return ProtectedNumbers(np.full_like(values, np.nan), 0, 0, withheld=True)
    lower, upper = bounds
    inside = (pairs.values >= lower) & (pairs.values <= upper)
    moved = _move(pairs, inside, lower, upper, k, rng, decimals)
    if moved is None:
        return ProtectedNumbers(np.full_like(values, np.nan), 0, 0, withheld=True)
    protected = values.copy()
    protected[present] = moved[pairs.of_cell]
    few = inside & (pairs.holders < k)
    return ProtectedNumbers(
        protected,
        extremes=int((~inside)[pairs.of_cell].sum()),
        smoothed=int(few[pairs.of_cell].sum()),
        withheld=False,
    )


def _pair(values: Floats, persons: Ints) -> _Pairs:
    distinct, code = np.unique(values, return_inverse=True)
    keys, of_cell = np.unique(code.astype(np.int64) * (int(persons.max()) + 1) + persons, return_inverse=True)
    value_code = keys // (int(persons.max()) + 1)
    holders = np.bincount(value_code, minlength=len(distinct))
    return _Pairs(keys % (int(persons.max()) + 1), distinct[value_code], of_cell, holders[value_code])


def _bounds(pairs: _Pairs, k: int) -> tuple[float, float] | None:
    """The k-th person's value from either end; None where there are too few persons for both."""
    # Entries are sorted by value: a person's first one is the lowest.
    _, first = np.unique(pairs.persons, return_index=True)
    _, last = np.unique(pairs.persons[::-1], return_index=True)
    if len(first) < k:
        return None
    lower = float(np.sort(pairs.values[first])[k - 1])
    upper = float(np.sort(pairs.values[::-1][last])[-k])
    return None if lower > upper else (lower, upper)


def _move(
    pairs: _Pairs,
    inside: np.ndarray[Any, Any],
    lower: float,
    upper: float,
    k: int,
    rng: np.random.Generator,
    decimals: int | None,
) -> Floats | None:
    """Every entry's new value; None where nothing common is left to put a value of few to."""
    source = np.arange(len(pairs.values))
    core = np.flatnonzero(inside)
    outer = min(len(core), max(2 * k, round(_OUTER * len(core))))
    for beyond, donors in ((pairs.values < lower, core[:outer]), (pairs.values > upper, core[-outer:])):
        source[beyond] = rng.choice(donors, size=int(beyond.sum()))
    moved = pairs.values[source]
    few = pairs.holders[source] < k
    if not few.any():
        return moved
    pool = core[pairs.holders[core] < k]
    if len(pool) < k:
        common = np.unique(pairs.values[core[pairs.holders[core] >= k]])
        if len(common) == 0:
            return None
        moved[few] = _nearest(moved[few], common)
        return moved
    ranks = np.searchsorted(pool, source[few]).astype(float)
    # A window of k persons: where a person has several values, as many more entries.
    half = k / 2 * len(pool) / len(np.unique(pairs.persons[pool]))
    places = _reflect(ranks + rng.uniform(-half, half, size=len(ranks)), len(pool) - 1)
    # Knots k entries apart: between nearer ones a draw would meet a real value oftener than by chance.
    knots = np.unique(np.append(np.arange(0, len(pool), k), len(pool) - 1))
    drawn = np.interp(places, knots, pairs.values[pool[knots]])
    if decimals is not None:
        drawn = _snap(drawn, pairs.values[source[few]], pairs.values[core], decimals, lower, upper)
    moved[few] = np.clip(drawn, lower, upper)
    return moved


def _nearest(values: Floats, among: Floats) -> Floats:
    right = np.clip(np.searchsorted(among, values), 0, len(among) - 1)
    left = np.clip(right - 1, 0, len(among) - 1)
    return np.where(np.abs(among[left] - values) <= np.abs(among[right] - values), among[left], among[right])


def _reflect(places: Floats, last: float) -> Floats:
    """Back inside from either end, as far as it lay outside."""
    places = np.abs(places)
    return np.clip(np.where(places > last, 2 * last - places, places), 0, last)


def _snap(drawn: Floats, before: Floats, column: Floats, decimals: int, lower: float, upper: float) -> Floats:
    """``drawn`` on the grid that the value before stood on: the column's step, or a coarser one that it heaps on."""
    unit = 10.0**decimals
    whole = np.rint(column * unit).astype(np.int64)
    start = int(whole[0])
    step = int(np.gcd.reduce(np.abs(whole - start))) or 1
    grid = np.full(len(before), step, dtype=np.int64)
    offset = np.full(len(before), start % step, dtype=np.int64)
    source = np.rint(before * unit).astype(np.int64)
    for coarse in sorted(_HEAPS):
        expected = step / coarse
        if coarse % step or coarse == step:
            continue
        share = float((whole % coarse == 0).mean())
        if share - expected >= _HEAPED * (1 - expected):
            on = source % coarse == 0
            grid[on], offset[on] = coarse, 0
    low, high = np.rint(lower * unit), np.rint(upper * unit)
    steps = np.rint((drawn * unit - offset) / grid)
    steps = np.clip(steps, np.ceil((low - offset) / grid), np.floor((high - offset) / grid))
    return (steps * grid + offset) / unit
