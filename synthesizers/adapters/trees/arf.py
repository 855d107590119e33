"""Adversarial random forest over arfpy (Watson et al. 2023)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

__all__ = ["Synthesizer"]


class Synthesizer:
    """arfpy: fit the forest, estimate densities in its leaves, draw from them."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._model: Any = None
        self._levels: dict[str, list[str]] = {}

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """num_trees, min_node_size and max_iters as arfpy names them."""
        if not hasattr(np, "in1d"):
            # arfpy 0.1.1 calls a name that numpy 2.4 removed.
            np.in1d = np.isin  # type: ignore[attr-defined]
        from arfpy import arf

        # arfpy takes no seed and draws from numpy's global state.
        np.random.seed(seed)
        coded = table.copy()
        for name, facts in self._columns.items():
            if facts["kind"] == "categorical":
                coded[name] = coded[name].astype("category")
        self._model = arf.arf(x=coded, verbose=False, random_state=seed, n_jobs=1, **hyperparameters)
        self._model.forde()
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        np.random.seed(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """Draw from the leaves."""
        return pd.DataFrame(self._model.forge(n=n))
