"""Conditional tabular GAN."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import batch_for, clamp, seconds_by_steps

__all__ = ["CTGAN", "ENTRY"]


class CTGAN(Hyperparameters):
    """Conditional tabular GAN."""

    method: Literal["ctgan"]
    epochs: Annotated[int, Field(ge=100, le=2000), Default(300)]
    batch_size: Annotated[int, Field(ge=20, le=4000), Default(500)]
    pac: Annotated[int, Field(ge=1, le=20), Default(10)]
    embedding_dim: Annotated[int, Field(ge=16, le=512), Default(128)]
    generator_lr: Annotated[float, Field(ge=1e-5, le=1e-2), Default(2e-4)]
    discriminator_lr: Annotated[float, Field(ge=1e-5, le=1e-2), Default(2e-4)]

    @model_validator(mode="after")
    def _batch_fits_pac(self) -> Self:
        if self.batch_size % self.pac:
            raise ValueError("batch_size must be divisible by pac, or training crashes")
        if self.batch_size % 2:
            raise ValueError("batch_size must be even, or the library refuses it")
        return self


def _steps(knobs: dict[str, Any], rows: int) -> int:
    # The library drops the last, incomplete batch.
    return int(knobs["epochs"] * max(1, rows // knobs["batch_size"]))


def _size(sizing: Sizing) -> dict[str, Any]:
    rows = sizing.shape.rows
    batch = batch_for(rows, most=500, multiple=20)
    # pac packs that many rows into one discriminator input; 10 needs a batch that it divides.
    return {
        "batch_size": batch,
        "pac": 10,
        "epochs": clamp(math.ceil(sizing.steps / max(1, rows // batch)), 100, 2000),
    }


ENTRY = CatalogueEntry(
    hyperparameters=CTGAN,
    title="CTGAN",
    family="gan",
    order=40,
    implementation="ctgan 0.12.1 (SDV)",
    licence="BSL-1.1",
    source_available_only=True,
    backend_id="ctgan",
    environment="ctgan",
    libraries=("ctgan", "rdt", "torch", "numpy", "pandas"),
    needs=("ctgan",),
    one_hot=True,
    high_cardinality="poor",
    min_rows=100,
    advised_rows=500,
    min_steps=1000,
    target_steps=3000,
    strength="conditional sampling of rare categories on larger mixed tables",
    weakness="undertrained on few rows; width explodes with many levels",
    reference="Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, NeurIPS",
    library_bytes=0.8e9,
    size=_size,
    steps=_steps,
    cpu_seconds=seconds_by_steps(0.015, 5.7e-7),
)
