"""Outcome first: the event, the time to it given the event, then every other column by CART given these.

Conditioning on time and event keeps the Kaplan-Meier curve and the censoring without a model of either (Ashhad & Henao
2024). Martingale residuals beside them were tried for the later trees and brought nothing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from .cart import Array, Column
from .cart import Synthesizer as CartSynthesizer

__all__ = ["Synthesizer"]

_ORDER = {"event": 0, "time": 1}
_SPACING = 5
"""Real times from one knot of a class's distribution of times to the next; between knots it is uniform."""


class Synthesizer(CartSynthesizer):
    """Trees column by column, event and time before all others, evenly from all they were; times between real ones."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        ordered = sorted(columns.items(), key=lambda item: _ORDER.get(str(item[1].get("outcome")), len(_ORDER)))
        super().__init__(dict(ordered))
        self._given = list(columns)
        times = (j for j, (_, facts) in enumerate(ordered) if facts.get("outcome") == "time" and self._is_numeric(j))
        self._time = next(times, 0)
        """0 where the time is no number, or the first of all columns for want of an event."""

    def sample(self, n: int) -> pd.DataFrame:
        """Walk down the trees, a donor from each leaf."""
        return super().sample(n)[self._given]

    def _draw_first(self, n: int) -> Array:
        # Events come as often as they did, not as often as chance has it: a curve of few rows shows the difference.
        places = self._spread(np.zeros(n, dtype=int)) * len(self._first)
        values: Array = np.sort(self._first)[places.astype(int)]
        return values

    def _grow(self, matrix: Array, j: int, leaf: int, seed: int) -> Column:
        if j != self._time:
            return super()._grow(matrix, j, leaf, seed)
        # The leaves are the event's classes, however rare one is.
        column = super()._grow(matrix, j, _SPACING, seed)
        for start, count in zip(column.starts, column.counts, strict=True):
            column.donors[start : start + count].sort()
        return column

    def _draw(self, j: int, column: Column, at: Array) -> Array:
        if j != self._time:
            return super()._draw(j, column, at)
        starts, counts = column.starts[at], column.counts[at]
        stretches = np.maximum(counts // _SPACING, 1)
        along = self._spread(at) * stretches
        low, high = (
            _value_at(column.donors, starts, knot * (counts - 1) / stretches)
            for knot in (np.floor(along), np.floor(along) + 1)
        )
        drawn: Array = low + (along % 1) * (high - low)
        return drawn

    def _spread(self, at: Array) -> Array:
        """Uniform numbers below 1 that lie evenly over the rows of each leaf, in no order."""
        order = np.lexsort((self._rng.random(len(at)), at))
        _, starts, counts = np.unique(at[order], return_index=True, return_counts=True)
        ranks = np.arange(len(at)) - np.repeat(starts, counts) + self._rng.random(len(at))
        spread = np.empty(len(at))
        spread[order] = np.minimum(ranks / np.repeat(counts, counts), 1 - 1e-9)
        return spread


def _value_at(donors: Array, starts: Array, ranks: Array) -> Array:
    """The donors from ``starts`` on, sorted, at fractional ``ranks``."""
    below = np.floor(ranks).astype(int)
    low, high = donors[starts + below], donors[starts + np.ceil(ranks).astype(int)]
    value: Array = low + (ranks - below) * (high - low)
    return value
