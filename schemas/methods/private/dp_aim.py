"""Adaptively selected marginals under differential privacy."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..entry import EPSILONS_ADD, PUBLIC_BOUNDS, ROW_LEVEL, CatalogueEntry, DPGuarantee
from ..hyperparameters import Default, Hyperparameters
from ..table_shape import TableShape
from .dp_mst import mst_seconds

__all__ = ["DPAIM", "ENTRY"]


class DPAIM(Hyperparameters):
    """Adaptive and iterative marginals under DP; preprocessing spends ``proc_epsilon`` on top."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("epsilon", "proc_epsilon")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["dp_aim"]
    epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    proc_epsilon: Annotated[float, Field(gt=0.0, le=1.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    n_bins: Annotated[int, Field(ge=5, le=100), Default(20)]
    max_model_size: Annotated[int, Field(ge=10, le=500), Default(80)]
    degree: Annotated[int, Field(ge=2, le=3), Default(2)]


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    return 1.2 * mst_seconds(knobs, shape)


ENTRY = CatalogueEntry(
    hyperparameters=DPAIM,
    title="AIM",
    family="marginals",
    order=100,
    implementation="dpmm 0.1.9 (AIMPipeline)",
    licence="Apache-2.0",
    environment="dpmm",
    libraries=("dpmm", "numpy", "pandas"),
    needs=("dpmm",),
    repeatable=False,
    dp=DPGuarantee("adaptive noise on selected marginals", (PUBLIC_BOUNDS, EPSILONS_ADD, ROW_LEVEL)),
    high_cardinality="poor",
    min_rows=200,
    advised_rows=2000,
    strength="adapts the marginals it spends budget on",
    weakness="slower than MST; model size grows with the domain",
    reference="McKenna, Mullins, Sheldon, Miklau 2022, VLDB",
    cpu_seconds=_cpu_seconds,
)
