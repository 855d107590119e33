"""Keep some rows out of a fit, so that disclosure can be judged against rows that were never seen."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

__all__ = ["split_rows"]


def split_rows(table: pd.DataFrame, share: float, seed: int, group: Any = None) -> tuple[Any, Any]:
    """Positions of the rows for the fit and of those held out.

    Args:
        table: The rows.
        share: About which share is held out.
        seed: Equal seeds split equally.
        group: Column whose equal values stay on one side: a person's rows must not be on both.
    """
    rng = np.random.default_rng(seed)
    labels = np.arange(len(table)) if group is None else pd.factorize(table[group], use_na_sentinel=False)[0]
    units = int(labels.max()) + 1 if len(labels) else 0
    chosen = rng.permutation(units)[: round(units * share)]
    out = np.isin(labels, chosen)
    return np.flatnonzero(~out), np.flatnonzero(out)
