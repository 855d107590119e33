"""Keep some rows out of a fit, so that disclosure can be judged against rows that were never seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["canonical_order", "split_rows"]

Ints = np.ndarray[Any, np.dtype[np.int64]]


def canonical_order(table: pd.DataFrame) -> Ints:
    """Positions of the rows in an order that follows from their cells alone: a database has none of its own.

    Numbers count by value, whatever their type; rows with equal cells keep their order.
    """
    keys = np.zeros(len(table), dtype=np.uint64)
    for name in table.columns:
        cells = table[name]
        if pd.api.types.is_numeric_dtype(cells.dtype):
            hashed = pd.util.hash_array(cells.astype("Float64").to_numpy(dtype=float, na_value=np.nan))
        else:
            hashed = pd.util.hash_array(
                cells.astype(object).where(cells.notna(), "").astype(str).to_numpy(dtype=object)
            )
        keys = keys * np.uint64(1_000_003) + hashed
    return np.argsort(keys, kind="stable")


def split_rows(table: pd.DataFrame, share: float, seed: int, group: Any = None) -> tuple[Any, Any]:
    """Positions of the rows for the fit and of those held out, whatever order the rows come in.

    Args:
        table: The rows.
        share: About which share is held out.
        seed: Equal seeds split equally.
        group: Column whose equal values stay on one side: a person's rows must not be on both.
    """
    rng = np.random.default_rng(seed)
    order = canonical_order(table)
    labels = np.empty(len(table), dtype=np.int64)
    if group is None:
        labels[order] = np.arange(len(table))
    else:
        labels[order] = pd.factorize(table[group].iloc[order], use_na_sentinel=False)[0]
    units = int(labels.max()) + 1 if len(labels) else 0
    chosen = rng.permutation(units)[: round(units * share)]
    out = np.isin(labels, chosen)
    return np.flatnonzero(~out), np.flatnonzero(out)
