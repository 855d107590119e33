"""TabularARGN over mostlyai-engine, without and with DP-SGD (Tiwald et al. 2025)."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

__all__ = ["Synthesizer"]

_DP_KNOBS = ("max_epsilon", "delta", "noise_multiplier", "max_grad_norm", "value_protection_epsilon")

_MODEL = "ModelStore"
"""The library's folder of weights and statistics."""


class Synthesizer:
    """Autoregressive network; takes missing cells as they are."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._model: Any = None
        self._workspace: tempfile.TemporaryDirectory[str] | None = None

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """max_epochs, max_training_time (minutes) and batch_size as the library names them.

        Private noise is no seed's, since a seed stands on the run card: whoever can draw it again can take it off.
        """
        import torch
        from mostlyai.engine import TabularARGN
        from mostlyai.engine.domain import DifferentialPrivacyConfig

        knobs = dict(hyperparameters)
        privacy = {name: knobs.pop(name) for name in _DP_KNOBS if name in knobs}
        if privacy:
            torch.seed()
            np.random.seed()
        self._workspace = tempfile.TemporaryDirectory()
        types = {
            name: "TABULAR_CATEGORICAL" if facts["kind"] == "categorical" else "TABULAR_NUMERIC_AUTO"
            for name, facts in self._columns.items()
        }
        self._model = TabularARGN(
            **knobs,
            differential_privacy=DifferentialPrivacyConfig(**privacy) if privacy else None,
            tgt_encoding_types=types,
            workspace_dir=self._workspace.name,
            random_state=None if privacy else seed,
            device="cpu",
        )
        self._model.fit(table)
        return self

    def __getstate__(self) -> dict[str, Any]:
        """The model lies in files of its workspace; those of the real rows beside them are not kept."""
        assert self._workspace is not None
        root = Path(self._workspace.name)
        files = {
            str(path.relative_to(root)): path.read_bytes() for path in (root / _MODEL).rglob("*") if path.is_file()
        }
        return {**vars(self), "_workspace": files}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._workspace = tempfile.TemporaryDirectory()
        for name, content in state["_workspace"].items():
            path = Path(self._workspace.name, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        self._model.workspace_dir = self._workspace.name
        self._model._workspace_path = Path(self._workspace.name)

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        import torch

        np.random.seed(seed)
        torch.manual_seed(seed)
        self._model.random_state = seed

    def sample(self, n: int) -> pd.DataFrame:
        """Draw column by column; levels protected as rare are replaced by drawn ones."""
        return pd.DataFrame(self._model.sample(n_samples=n, rare_category_replacement_method="SAMPLE"))
