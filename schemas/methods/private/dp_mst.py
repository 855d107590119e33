"""Maximum-spanning-tree marginals under differential privacy."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..entry import EPSILONS_ADD, PUBLIC_BOUNDS, ROW_LEVEL, CatalogueEntry, DPGuarantee
from ..hyperparameters import Default, Hyperparameters
from ..table_shape import TableShape

__all__ = ["DPMST", "ENTRY", "mst_seconds"]


class DPMST(Hyperparameters):
    """Maximum-spanning-tree marginals under DP; both epsilons are one budget, ``proc_epsilon`` its share for bins."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("epsilon", "proc_epsilon")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["dp_mst"]
    epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    proc_epsilon: Annotated[float, Field(gt=0.0, le=1.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    n_bins: Annotated[int, Field(ge=5, le=100), Default(20)]


def mst_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    """CPU seconds: nearly all go into compiling the estimate, whose program grows with the tree."""
    return 1.5 + 0.2 * shape.columns + 6e-3 * shape.columns**2 + 1e-7 * shape.rows * shape.columns**2


ENTRY = CatalogueEntry(
    hyperparameters=DPMST,
    title="MST",
    family="marginals",
    order=90,
    implementation="mbi 2.0.0 (MST itself is ours)",
    licence="Apache-2.0",
    environment="mbi",
    libraries=("mbi", "jax", "numpy", "pandas"),
    needs=("mbi",),
    native_missing=True,
    repeatable=False,
    dp=DPGuarantee("discrete Gaussian noise on selected marginals", (PUBLIC_BOUNDS, EPSILONS_ADD, ROW_LEVEL)),
    high_cardinality="poor",
    min_rows=200,
    advised_rows=2000,
    strength="the steadiest formally private choice on small and medium tables",
    weakness="keeps a tree of pairwise dependence only; few bins where rows are few",
    library_bytes=0.6e9,
    reference="McKenna, Miklau, Sheldon 2021",
    cpu_seconds=mst_seconds,
)
