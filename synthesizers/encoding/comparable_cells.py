"""Cells that can be compared across two tables: numbers as floats, all else as labels."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["MISSING", "Array", "as_category", "as_number"]

Array = np.ndarray[Any, Any]

MISSING = "\x00missing"
"""Label of an empty cell."""


def as_number(cells: pd.Series) -> Array:
    """A column as floats, dates in seconds, missing as NaN."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        seconds = cells.astype("datetime64[s]").astype("int64").to_numpy(dtype=float)
        return np.where(cells.isna().to_numpy(), np.nan, seconds)
    return np.asarray(pd.to_numeric(cells, errors="coerce").astype("Float64").to_numpy(dtype=float, na_value=np.nan))


def as_category(cells: pd.Series) -> Array:
    """A column as labels, missing as one of them; 1, 1.0 and True read alike on either side."""
    if pd.api.types.is_numeric_dtype(cells.dtype):
        distinct, place = np.unique(as_number(cells), return_inverse=True)
        names: Array = np.array([MISSING if np.isnan(x) else repr(float(x)) for x in distinct], dtype=object)
        return np.asarray(names[place])
    if pd.api.types.infer_dtype(cells, skipna=True) == "string":
        # Equal texts are told once; among other objects 1 and True are equal and must not become one.
        codes, levels = pd.factorize(cells)
        return np.asarray(np.array([*(str(level) for level in levels), MISSING], dtype=object)[codes])
    return np.array([MISSING if gone else str(x) for x, gone in zip(cells, cells.isna(), strict=True)], dtype=object)
