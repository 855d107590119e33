"""One adapter per synthesizer, each thin over its library; folder and module are those of its entry in schemas/methods.

These modules also run in interpreters that hold one synthesizer's library and not this package: they import numpy,
pandas, their own library, and each other, nothing else. A table comes in coded (see ``encoding/table_encoding.py``):
float64 columns are numbers, all others categories; nothing is missing unless the entry says ``native_missing``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Adapter", "load_adapter"]


class Adapter(Protocol):
    """What the class ``Synthesizer`` of every module can do.

    Args:
        columns: Column → ``kind`` (numeric or categorical) with ``lower``, ``upper``, ``integer``, or ``levels``; and
            ``missing``, whether cells of it come in missing.
    """

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None: ...

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """Learn ``table``; equal arguments give equal models where the entry says ``repeatable``."""
        ...

    def reseed(self, seed: int) -> None:
        """Let the next draws of a kept model come from ``seed``."""
        ...

    def sample(self, n: int) -> pd.DataFrame:
        """``n`` synthetic rows with the columns of the fitted table."""
        ...


def load_adapter(module: str) -> type[Adapter]:
    """The adapter in ``module`` (such as ``trees.cart``); its library is imported when it fits, not before."""
    adapter: type[Adapter] = importlib.import_module(f".{module}", __package__).Synthesizer
    return adapter
