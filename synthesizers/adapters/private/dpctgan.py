"""DP-CTGAN over smartnoise-synth (Fang et al. 2022)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

__all__ = ["Synthesizer"]

_ORDERS = [1 + x / 10.0 for x in range(1, 100)] + list(range(12, 64))
"""The Rényi orders that the library itself accounts with."""


class Synthesizer:
    """CTGAN whose discriminator is trained with DP-SGD."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None:
        self._columns = columns
        self._model: Any = None

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """Hyper-parameters as the library names them; private noise is no seed's, as in ``argn``.

        The library takes preprocessor_eps out of its epsilon, so it is given the sum. It looks at its accountant before
        an epoch and not after, and so overspends by up to one: the epochs that fit into the budget are counted first.
        """
        import torch
        from snsynth import Synthesizer
        from snsynth.transform import MinMaxTransformer

        # Noise that anybody could draw again hides nothing.
        torch.seed()
        np.random.seed()
        knobs = dict(hyperparameters)
        preparation = knobs.pop("preprocessor_eps")
        training = knobs.pop("epsilon")
        epochs = _affordable_epochs(len(table), training, knobs)
        self._model = Synthesizer.create(
            "dpctgan",
            **{**knobs, "epochs": epochs},
            # The margin keeps the library's own check, made after a subtraction in floats, from stopping early.
            epsilon=(training + preparation) * (1 + 1e-9),
            cuda=False,
            verbose=False,
        )
        numbers = [name for name, facts in self._columns.items() if facts["kind"] == "numeric"]
        bounds = {
            name: MinMaxTransformer(lower=self._columns[name]["lower"], upper=self._columns[name]["upper"])
            for name in numbers
            if self._columns[name].get("public")
        }
        self._model.fit(
            table,
            transformer=bounds or None,
            categorical_columns=[name for name in self._columns if name not in numbers],
            continuous_columns=numbers,
            preprocessor_eps=preparation,
        )
        return self

    def reseed(self, seed: int) -> None:
        """Let the next draws come from ``seed``."""
        import torch

        np.random.seed(seed)
        torch.manual_seed(seed)

    def sample(self, n: int) -> pd.DataFrame:
        """Draw from the generator."""
        return pd.DataFrame(self._model.sample(n))


def _affordable_epochs(rows: int, epsilon: float, knobs: dict[str, Any]) -> int:
    """Epochs, at most ``knobs["epochs"]``, after which no more than ``epsilon`` is spent.

    Raises:
        ValueError: Not even one epoch can be afforded.
    """
    from opacus.privacy_analysis import compute_rdp, get_privacy_spent

    batch = knobs["batch_size"]
    # Two noisy steps a batch: one on generated rows, one on real ones.
    steps = 2 * max(rows // batch, 1)
    low, high = 0, int(knobs["epochs"])
    while low < high:
        middle = (low + high + 1) // 2
        rdp = compute_rdp(batch / rows, knobs["sigma"], middle * steps, _ORDERS)
        spent, _ = get_privacy_spent(_ORDERS, rdp, knobs["delta"])
        low, high = (middle, high) if spent <= epsilon else (low, middle - 1)
    if low == 0:
        raise ValueError("the budget does not cover one epoch: raise epsilon or sigma, or lower batch_size")
    return low
