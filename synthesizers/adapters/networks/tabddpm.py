"""TabDDPM over the kept fork of synthcity (Kotelnikov et al. 2023)."""

from __future__ import annotations

import pickle
import tempfile
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

__all__ = ["Synthesizer"]


class Synthesizer:
    """Denoising diffusion over numbers and categories."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._model: Any = None
        self._seed = 0
        self._levels: dict[str, np.ndarray[Any, Any]] = {}
        self._workspace: tempfile.TemporaryDirectory[str] | None = None

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """n_iter (epochs), lr, batch_size and num_timesteps as the library names them."""
        # The plugin list imports every plugin there is and takes twelve seconds; the one needed does not.
        import torch
        from synthcity.plugins.core.dataloader import GenericDataLoader
        from synthcity.plugins.generic.plugin_ddpm import TabDDPMPlugin

        coded = table.copy()
        for name, facts in self._columns.items():
            if facts["kind"] == "categorical":
                self._levels[name], coded[name] = np.unique(coded[name].to_numpy(dtype=str), return_inverse=True)
        self._seed = seed
        self._workspace = tempfile.TemporaryDirectory()
        self._model = TabDDPMPlugin(
            **hyperparameters,
            random_state=seed,
            device=torch.device("cpu"),
            workspace=Path(self._workspace.name),
            # Rows outside the learned ranges are clipped later; dropping them would only repeat the sampling.
            strict=False,
        )
        self._model.fit(GenericDataLoader(coded))
        return self

    def __getstate__(self) -> dict[str, Any]:
        """Without the workspace, which only fitting uses; the library's classes need more than plain pickling."""
        import cloudpickle

        return {**vars(self), "_workspace": None, "_model": cloudpickle.dumps(self._model)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({**state, "_model": pickle.loads(state["_model"])})

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        self._seed = seed

    def sample(self, n: int) -> pd.DataFrame:
        """Run the diffusion backwards."""
        drawn = self._model.generate(count=n, random_state=self._seed).dataframe().reset_index(drop=True)
        for name, levels in self._levels.items():
            codes = np.clip(np.round(drawn[name].to_numpy(dtype=float)), 0, len(levels) - 1)
            drawn[name] = levels[codes.astype(int)].astype(object)
        return pd.DataFrame(drawn)
