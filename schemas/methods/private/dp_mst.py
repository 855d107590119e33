"""Maximum-spanning-tree marginals under differential privacy."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..entry import EPSILONS_ADD, PUBLIC_BOUNDS, ROW_LEVEL, CatalogueEntry, DPGuarantee
from ..hyperparameters import Default, Hyperparameters
from ..table_shape import TableShape

__all__ = ["DPMST", "ENTRY", "mst_seconds"]


class DPMST(Hyperparameters):
    """Maximum-spanning-tree marginals under DP; preprocessing spends ``proc_epsilon`` on top."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("epsilon", "proc_epsilon")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["dp_mst"]
    epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    proc_epsilon: Annotated[float, Field(gt=0.0, le=1.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    n_bins: Annotated[int, Field(ge=5, le=100), Default(20)]


def mst_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    """CPU seconds: most go into the columns."""
    return 8.0 * shape.columns + 0.6 * shape.levels + 6e-3 * shape.rows


ENTRY = CatalogueEntry(
    hyperparameters=DPMST,
    title="MST",
    family="marginals",
    order=90,
    implementation="dpmm 0.1.9 (MSTPipeline)",
    licence="Apache-2.0",
    environment="dpmm",
    libraries=("dpmm", "numpy", "pandas"),
    needs=("dpmm",),
    repeatable=False,
    dp=DPGuarantee("Gaussian noise on selected marginals", (PUBLIC_BOUNDS, EPSILONS_ADD, ROW_LEVEL)),
    high_cardinality="poor",
    min_rows=200,
    advised_rows=2000,
    strength="the steadiest formally private choice on small and medium tables",
    weakness="keeps a tree of pairwise dependence only; slow on many columns",
    reference="McKenna, Miklau, Sheldon 2021",
    cpu_seconds=mst_seconds,
)
