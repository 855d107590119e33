"""What the metrics share: which columns are numbers, and rows as comparable points.

Every encoding is fixed on the real table and applied to both, or a difference in coding would pass for one in data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...synthesizers.encoding.comparable_cells import MISSING, Array, as_category, as_number

__all__ = ["MISSING", "Array", "Frame", "as_category", "as_number", "bin_edges", "numeric_columns"]

_MAX_NUMERIC_LEVELS = 10


def numeric_columns(real: pd.DataFrame) -> list[str]:
    """Columns compared as numbers; numbers of at most ten whole values are compared as categories."""
    names = []
    for name in real.columns:
        cells = real[name]
        if pd.api.types.is_datetime64_any_dtype(cells.dtype):
            names.append(name)
        elif pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype):
            distinct = pd.unique(cells.dropna())
            whole = bool(np.all(np.asarray(distinct, dtype=float) == np.round(np.asarray(distinct, dtype=float))))
            if len(distinct) > _MAX_NUMERIC_LEVELS or not whole:
                names.append(name)
    return names


def bin_edges(values: Array, bins: int = 10) -> Array:
    """Inner edges of equal-width bins over the real values (as sdmetrics bins numbers beside categories)."""
    present = values[~np.isnan(values)]
    return np.histogram_bin_edges(present, bins=bins)[1:-1] if len(present) else np.zeros(0)


@dataclass(frozen=True, slots=True)
class Frame:
    """Rows as points: numbers as ranks of the real column in [0, 1], categories as codes, for distances."""

    numbers: Array
    """Rows x numeric columns, NaN filled by -1 so that missing is near missing only."""
    codes: Array
    """Rows x categorical columns."""

    @classmethod
    def pair(cls, real: pd.DataFrame, other: pd.DataFrame) -> tuple[Frame, Frame]:
        """Both tables as points, with the real one's ranks and codes."""
        numeric = numeric_columns(real)
        first: list[list[Array]] = [[], []]
        second: list[list[Array]] = [[], []]
        for name in real.columns:
            if name in numeric:
                ordered = np.sort(as_number(real[name])[~np.isnan(as_number(real[name]))])
                for side, table in ((first, real), (second, other)):
                    values = as_number(table[name])
                    low = np.searchsorted(ordered, values, side="left")
                    high = np.searchsorted(ordered, values, side="right")
                    share = (low + high) / 2 / max(len(ordered), 1)
                    side[0].append(np.where(np.isnan(values), -1.0, share))
            else:
                codes = {level: i for i, level in enumerate(pd.unique(as_category(real[name])))}
                for side, table in ((first, real), (second, other)):
                    side[1].append(np.array([codes.get(x, -1) for x in as_category(table[name])], dtype=float))
        return _stack(first, len(real)), _stack(second, len(other))

    def rows(self, index: Array) -> Frame:
        """Some of the rows."""
        return Frame(self.numbers[index], self.codes[index])


def _stack(parts: list[list[Array]], rows: int) -> Frame:
    empty = np.zeros((rows, 0))
    return Frame(np.column_stack(parts[0]) if parts[0] else empty, np.column_stack(parts[1]) if parts[1] else empty)
