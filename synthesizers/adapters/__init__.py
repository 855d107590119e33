"""One adapter per synthesizer, each thin over its library.

These modules also run in interpreters that hold one synthesizer's library and not this package: they import numpy,
pandas, their own library, and each other, nothing else. A table comes in coded (see
``synthesizers/encoding/table_encoding.py``):
float64 columns are numbers, all others categories; nothing is missing unless the adapter says ``native_missing``.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ADAPTERS", "Adapter", "load_adapter"]

ADAPTERS: dict[str, tuple[str, str]] = {
    "gaussian_copula": ("gaussian_copula", "GaussianCopulaAdapter"),
    "cart": ("cart", "CARTAdapter"),
    "arf": ("arf", "ARFAdapter"),
    "ctgan": ("ctgan", "CTGANAdapter"),
    "tvae": ("ctgan", "TVAEAdapter"),
    "tabddpm": ("tabddpm", "TabDDPMAdapter"),
    "argn": ("argn", "ARGNAdapter"),
    "argn_dp": ("argn", "ARGNDPAdapter"),
    "dp_mst": ("dpmm", "MSTAdapter"),
    "dp_aim": ("dpmm", "AIMAdapter"),
    "dpctgan": ("dpctgan", "DPCTGANAdapter"),
}
"""Method id → module and class."""


class Adapter(Protocol):
    """What every synthesizer can do.

    Args:
        columns: Column → ``kind`` (numeric or categorical) with ``lower``, ``upper``, ``integer``, or ``levels``.
    """

    libraries: ClassVar[tuple[str, ...]]
    """Distributions whose versions belong on a run card."""
    needs: ClassVar[tuple[str, ...]]
    """Modules that must be importable."""
    native_missing: ClassVar[bool]
    repeatable: ClassVar[bool]
    """Equal seeds give equal rows, on one machine, as long as no clock ends a fit. Measured, not promised: some
    libraries draw from sources that nobody can seed."""

    def __init__(self, columns: dict[str, dict[str, Any]]) -> None: ...

    def fit(self, table: pd.DataFrame, hyperparameters: dict[str, Any], seed: int) -> Self:
        """Learn ``table``; equal arguments give equal models where ``repeatable``."""
        ...

    def sample(self, n: int) -> pd.DataFrame:
        """``n`` synthetic rows with the columns of the fitted table."""
        ...


def load_adapter(method: str) -> type[Adapter]:
    """The adapter class of ``method``; its library is imported when it fits, not before."""
    module, name = ADAPTERS[method]
    found: type[Adapter] = getattr(importlib.import_module(f".{module}", __package__), name)
    return found
