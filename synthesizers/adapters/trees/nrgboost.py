"""Energy-based generative boosting over nrgboost (Bravo 2025)."""

from __future__ import annotations

import io
from typing import Any, Self

import numpy as np
import pandas as pd

from ..graphical.bins import BinnedColumn, bin_column

__all__ = ["Synthesizer"]

Ints = np.ndarray[Any, np.dtype[np.int64]]

_MOST_LEVELS = 256
"""Of one column: the library keeps a cell in one byte."""

_SWEEPS = (10, 30)
"""Fewest and most of the Gibbs sampler, each over all columns, from independent cells to a synthetic row."""

_ROW_SWEEPS = 80_000
"""Sweeps of all rows together: the most is not taken where so many rows are drawn that it would last minutes."""

_BINS = (8, 100)
"""Fewest and most bins of a number, one and a half times the root of the rows between."""

_BURN_IN = 30
"""Sweeps of each chain that are thrown away while it trains."""

_MODEL_ROWS = (10_000, 40_000)
"""Fewest and most rows of the model that each tree is held against, twice the fitted ones between (the library's
80,000 are for larger tables and take minutes)."""

_AT_ONCE = 5000
"""Rows drawn at a time: the library keeps every sweep of them in memory."""


class Synthesizer:
    """Trees added up to an energy over binned columns, a missing cell being a bin of its own."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._coded: dict[str, _CodedColumn] = {}
        self._model: Any = None
        self._rng = np.random.default_rng()

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """Hyper-parameters as nrgboost names them. Threads are OpenMP's, by its variable."""
        from nrgboost import Dataset, NRGBooster

        self._rng = np.random.default_rng(seed)
        bins = int(np.clip(1.5 * len(table) ** 0.5, *_BINS))
        cells: dict[str, Any] = {}
        for name, facts in self._columns.items():
            codes, self._coded[name] = _code_column(table[name], facts["kind"], bins)
            if self._coded[name].size > 1:
                ordered = facts["kind"] == "numeric"
                cells[name] = codes if ordered else pd.Categorical(codes, categories=range(self._coded[name].size))
        drawing = {"burn_in": _BURN_IN, "num_model_samples": int(np.clip(2 * len(table), *_MODEL_ROWS))}
        if cells:
            self._model = NRGBooster.fit(Dataset(pd.DataFrame(cells)), {**hyperparameters, **drawing}, seed=seed)
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._rng = np.random.default_rng(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """A chain for each row, then each cell from its bin."""
        sizes = [min(_AT_ONCE, n - start) for start in range(0, n, _AT_ONCE)]
        sweeps = int(np.clip(_ROW_SWEEPS // max(n, 1), *_SWEEPS))
        parts = [self._model.sample(size, num_steps=sweeps, seed=self._rng) for size in sizes if self._model]
        drawn = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
        # A column of one value does not enter the model.
        codes = {name: drawn[name].to_numpy(dtype=int) if name in drawn else np.zeros(n, int) for name in self._columns}
        return pd.DataFrame({name: column.restore(codes[name], self._rng) for name, column in self._coded.items()})

    def __getstate__(self) -> dict[str, Any]:
        # The library's trees lie in memory of C, which its own format alone brings to a file.
        content = io.BytesIO()
        if self._model is not None:
            self._model.save(content)
        return {**self.__dict__, "_model": content.getvalue()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        from nrgboost import NRGBooster

        self.__dict__.update(state)
        self._model = NRGBooster.load(io.BytesIO(state["_model"])) if state["_model"] else None


class _CodedColumn:
    """A binned column, the rarest of too many levels as one code."""

    def __init__(self, column: BinnedColumn, codes: Ints) -> None:
        self._column = column
        counts = np.bincount(codes, minlength=column.size)
        order = np.argsort(-counts, kind="stable")
        often = order if len(order) <= _MOST_LEVELS else order[: _MOST_LEVELS - 1]
        self._often = np.sort(often)
        self._rare = np.setdiff1d(order, often)
        self._shares = counts[self._rare] / max(counts[self._rare].sum(), 1)

    @property
    def size(self) -> int:
        """Number of codes."""
        return len(self._often) + bool(len(self._rare))

    def fold(self, codes: Ints) -> Ints:
        """Codes of the model."""
        return np.where(np.isin(codes, self._often), np.searchsorted(self._often, codes), len(self._often))

    def restore(self, codes: Ints, rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """Cells for codes of the model; the rare levels by how often each was."""
        whole = np.append(self._often, -1)[codes]
        rare = whole == -1
        if rare.any():
            whole[rare] = rng.choice(self._rare, size=int(rare.sum()), p=self._shares)
        return self._column.restore(whole, rng)


def _code_column(cells: pd.Series, kind: str, bins: int) -> tuple[Ints, _CodedColumn]:
    codes, column = bin_column(cells, kind, bins)
    coded = _CodedColumn(column, codes)
    return coded.fold(codes), coded
