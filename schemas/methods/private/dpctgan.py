"""CTGAN with a DP-SGD discriminator."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from ..entry import EPSILONS_ADD, ROW_LEVEL, CatalogueEntry, DPGuarantee, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import batch_for
from ..table_shape import TableShape

__all__ = ["DPCTGAN", "ENTRY"]


class DPCTGAN(Hyperparameters):
    """CTGAN with a DP-SGD discriminator; the preprocessor's epsilon is spent on top."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("epsilon", "preprocessor_eps")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["dpctgan"]
    epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    preprocessor_eps: Annotated[float, Field(gt=0.0, le=1.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    sigma: Annotated[float, Field(ge=0.5, le=20.0), Default(5.0)]
    batch_size: Annotated[int, Field(ge=20, le=4000), Default(500)]
    epochs: Annotated[int, Field(ge=10, le=2000), Default(300)]
    max_per_sample_grad_norm: Annotated[float, Field(ge=0.1, le=10.0), Default(1.0)]


def _size(sizing: Sizing) -> dict[str, Any]:
    return {"batch_size": batch_for(sizing.shape.rows, most=500, multiple=2)}


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    # The budget pays for a number of steps that grows with the square of rows per batch, from four batches on.
    batches = shape.rows / int(knobs["batch_size"])
    steps = min(max(1.0, (batches / 4) ** 2), int(knobs["epochs"]) * batches / 20)
    return 0.5 + steps * (2.5 + 0.012 * shape.levels)


def _bounds_epsilon(shape: TableShape) -> float:
    """Below about 20 rows times epsilon a column the library gives up (1.0.8: 11 and below failed, 20 never did)."""
    return 20 * shape.continuous / max(shape.rows, 1)


ENTRY = CatalogueEntry(
    hyperparameters=DPCTGAN,
    title="DP-CTGAN",
    family="gan",
    order=110,
    implementation="smartnoise-synth 1.0.8",
    licence="MIT",
    backend_id="dp-ctgan",
    environment="smartnoise",
    libraries=("smartnoise-synth", "opacus", "torch", "numpy", "pandas"),
    needs=("snsynth",),
    repeatable=False,
    dp=DPGuarantee("DP-SGD in the discriminator", (EPSILONS_ADD, ROW_LEVEL)),
    one_hot=True,
    high_cardinality="poor",
    min_rows=200,
    advised_rows=2000,
    strength="differential privacy with CTGAN's architecture, for those who run it already",
    weakness="at epsilon 1 and a few thousand rows it learns little",
    reference="Fang, Dhami, Kersting 2022; smartnoise-synth",
    library_bytes=0.8e9,
    size=_size,
    cpu_seconds=_cpu_seconds,
    bounds_epsilon=_bounds_epsilon,
)
