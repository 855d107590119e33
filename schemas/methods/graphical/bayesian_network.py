"""Bayesian network over binned columns."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import clamp
from ..table_shape import TableShape

__all__ = ["ENTRY", "BayesianNetwork"]


class BayesianNetwork(Hyperparameters):
    """A directed network of conditional tables; numbers are binned at quantiles."""

    method: Literal["bayesian_network"]
    max_parents: Annotated[int, Field(ge=1, le=3), Default(2)]
    bins: Annotated[int, Field(ge=4, le=40), Default(12)]
    prior: Annotated[float, Field(ge=0.0, le=10.0), Default(0.5)]


def _size(sizing: Sizing) -> dict[str, Any]:
    # A cell of a pairwise table should hold some rows: bins grow with the square root of the table.
    return {
        "bins": clamp((sizing.shape.rows / 8) ** 0.5, 4, 20),
        "max_parents": 1 if sizing.shape.rows < 300 else 2,
        "prior": round(0.5 + 4 * sizing.caution, 2),
    }


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    pairs = shape.columns**2 / 2
    return 0.05 + pairs * (2e-4 + 2.5e-8 * shape.rows) * int(knobs["max_parents"])


ENTRY = CatalogueEntry(
    hyperparameters=BayesianNetwork,
    title="Bayesian network",
    family="graphical",
    order=32,
    implementation="own (numpy)",
    licence="Apache-2.0",
    libraries=("numpy", "pandas"),
    needs=("numpy",),
    native_missing=True,
    high_cardinality="fair",
    min_rows=50,
    advised_rows=200,
    strength="counts in small tables, smooth, missing cells as they come; interactions of two or three columns",
    weakness="numbers are binned; a column depends on its few parents alone",
    reference="Chow & Liu 1968; Zhang et al. 2014 (PrivBayes' greedy network, without its noise)",
    cautions=(0.0, 1.0),
    size=_size,
    cpu_seconds=_cpu_seconds,
)
