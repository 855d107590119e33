"""Energy-based generative boosting."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import clamp
from ..table_shape import TableShape

__all__ = ["ENTRY", "NRGBoost"]


class NRGBoost(Hyperparameters):
    """Boosted trees added up to an energy, sampled by Gibbs sweeps; numbers are binned at quantiles."""

    method: Literal["nrgboost"]
    num_trees: Annotated[int, Field(ge=10, le=200), Default(30)]
    shrinkage: Annotated[float, Field(ge=0.01, le=1.0), Default(0.3)]
    max_leaves: Annotated[int, Field(ge=4, le=256), Default(64)]
    min_data_in_leaf: Annotated[float, Field(ge=0.0, le=50.0), Default(5.0)]
    max_ratio_in_leaf: Annotated[float, Field(ge=1.1, le=100.0), Default(2.0)]


def _size(sizing: Sizing) -> dict[str, Any]:
    # Few trees with long steps: twice the trees doubled the disclosure risk of three tables of about ten columns and
    # gained no utility. Many columns that hang together (wdbc) need more trees, longer steps and freer leaves.
    rows, columns = sizing.shape.rows, sizing.shape.columns
    return {
        "num_trees": clamp((15 + 1.5 * min(max(columns, 10), 30)) * sizing.effort, 10, 200),
        "shrinkage": round(min(0.6, max(0.3, columns / 40)), 2),
        "max_leaves": clamp(64 - 32 * sizing.caution, 4, 256),
        "min_data_in_leaf": clamp((1 + sizing.caution) * rows / 50, 5, 20),
        "max_ratio_in_leaf": round(min(8.0, max(2.0, columns / 4)), 1),
    }


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    # Compiling; then every tree is held against rows drawn from all trees before it.
    drawn = min(40_000, max(10_000, 2 * shape.rows)) * shape.columns * int(knobs["num_trees"])
    return 6.0 + drawn * (4e-7 + 1.3e-8 * int(knobs["num_trees"]))


ENTRY = CatalogueEntry(
    hyperparameters=NRGBoost,
    title="NRGBoost",
    family="trees",
    order=32,
    implementation="nrgboost 0.0.3",
    licence="MIT",
    environment="nrgboost",
    libraries=("nrgboost", "numba", "numpy", "pandas"),
    needs=("nrgboost",),
    native_missing=True,
    high_cardinality="fair",
    min_rows=100,
    advised_rows=250,
    strength="one density, no donors: fidelity and utility near the trees at lower risk on some hundred rows",
    weakness="underfits many columns that hang together and thousands of rows; six seconds to compile",
    reference="Bravo 2025, ICLR",
    cautions=(0.0, 1.0),
    library_bytes=0.4e9,
    size=_size,
    cpu_seconds=_cpu_seconds,
)
