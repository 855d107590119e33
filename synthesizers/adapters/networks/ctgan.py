"""CTGAN over SDV's ctgan (Xu et al. 2019); BSL-licensed."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

__all__ = ["Synthesizer"]


class Synthesizer:
    """Conditional GAN."""

    model: ClassVar[str] = "CTGAN"
    """Name of the library's class."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._model: Any = None

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """Hyper-parameters as the library names them."""
        import ctgan
        import torch

        # set_random_state seeds sampling alone; training draws from the global states.
        torch.manual_seed(seed)
        np.random.seed(seed)
        discrete = [name for name, facts in self._columns.items() if facts["kind"] == "categorical"]
        self._model = getattr(ctgan, self.model)(**hyperparameters, enable_gpu=False)
        self._model.fit(table, discrete)
        self._model.set_random_state(seed)
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._model.set_random_state(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """Draw from the generator or decoder."""
        return pd.DataFrame(self._model.sample(n))
