"""Adaptively selected marginals under differential privacy."""

from __future__ import annotations

import math
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..entry import EPSILONS_ADD, PUBLIC_BOUNDS, ROW_LEVEL, CatalogueEntry, DPGuarantee
from ..hyperparameters import Default, Hyperparameters
from ..table_shape import TableShape
from .dp_mst import mst_seconds

__all__ = ["DPAIM", "ENTRY"]


class DPAIM(Hyperparameters):
    """Adaptive and iterative marginals under DP; both epsilons are one budget, ``proc_epsilon`` its share for bins."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("epsilon", "proc_epsilon")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["dp_aim"]
    epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    proc_epsilon: Annotated[float, Field(gt=0.0, le=1.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    n_bins: Annotated[int, Field(ge=5, le=100), Default(20)]
    max_model_size: Annotated[int, Field(ge=1, le=100), Default(2)]
    degree: Annotated[int, Field(ge=2, le=3), Default(2)]


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    # An estimate a round; where rows are few, noise soon ends the rounds.
    return mst_seconds(knobs, shape) * min(8.0, max(1.0, 0.9 * math.log2(max(shape.rows, 1) / 100)))


ENTRY = CatalogueEntry(
    hyperparameters=DPAIM,
    title="AIM",
    family="marginals",
    order=100,
    implementation="mbi 2.0.0 (AIM itself is ours)",
    licence="Apache-2.0",
    environment="mbi",
    libraries=("mbi", "jax", "numpy", "pandas"),
    needs=("mbi",),
    native_missing=True,
    repeatable=False,
    dp=DPGuarantee("discrete Gaussian noise on marginals selected in rounds", (PUBLIC_BOUNDS, EPSILONS_ADD, ROW_LEVEL)),
    high_cardinality="poor",
    min_rows=200,
    advised_rows=2000,
    strength="adapts the marginals it spends budget on",
    weakness="slower than MST, on few rows no better; its rounds measure several marginals at once",
    library_bytes=0.6e9,
    reference="McKenna, Mullins, Sheldon, Miklau 2022, VLDB",
    cpu_seconds=_cpu_seconds,
)
