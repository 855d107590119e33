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
    num_bins: Annotated[int, Field(ge=4, le=255), Default(64)]


def _size(sizing: Sizing) -> dict[str, Any]:
    # Few trees with long steps: more of them, or smaller leaves, learn small tables by heart (measured: twice the trees
    # doubled the disclosure risk of three tables and gained no utility).
    rows = sizing.shape.rows
    return {
        "num_trees": clamp(30 * sizing.effort, 10, 200),
        "max_leaves": clamp(64 - 32 * sizing.caution, 4, 256),
        "min_data_in_leaf": clamp((1 + sizing.caution) * rows / 50, 5, 20),
        "num_bins": clamp(1.5 * rows**0.5 / (1 + sizing.caution), 8, 100),
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
    min_rows=80,
    advised_rows=150,
    strength="one density over all columns instead of donors",
    weakness="seconds of compiling before any fit; numbers are binned",
    reference="Bravo 2025, ICLR",
    cautions=(0.0, 1.0),
    library_bytes=0.4e9,
    size=_size,
    cpu_seconds=_cpu_seconds,
)
