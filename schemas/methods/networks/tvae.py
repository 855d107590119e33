"""Tabular variational autoencoder."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import batch_for, clamp, seconds_by_steps

__all__ = ["ENTRY", "TVAE"]

_Widths = Annotated[list[Annotated[int, Field(ge=16, le=512)]], Field(min_length=1, max_length=3)]


class TVAE(Hyperparameters):
    """Tabular variational autoencoder."""

    method: Literal["tvae"]
    epochs: Annotated[int, Field(ge=300, le=2000), Default(300)]
    batch_size: Annotated[int, Field(ge=20, le=4000), Default(500)]
    embedding_dim: Annotated[int, Field(ge=16, le=512), Default(128)]
    compress_dims: Annotated[_Widths, Default([128, 128])]
    decompress_dims: Annotated[_Widths, Default([128, 128])]
    l2scale: Annotated[float, Field(ge=0.0, le=1e-2), Default(1e-5)]
    loss_factor: Annotated[int, Field(ge=1, le=10), Default(2)]


def _steps(knobs: dict[str, Any], rows: int) -> int:
    return int(knobs["epochs"] * math.ceil(rows / knobs["batch_size"]))


def _size(sizing: Sizing) -> dict[str, Any]:
    rows = sizing.shape.rows
    batch = batch_for(rows, most=500, multiple=2)
    epochs = clamp(math.ceil(sizing.steps / max(1, math.ceil(rows / batch))), 300, 2000)
    return {"batch_size": batch, "epochs": epochs}


ENTRY = CatalogueEntry(
    hyperparameters=TVAE,
    title="TVAE",
    family="vae",
    order=50,
    implementation="ctgan 0.12.1 (SDV)",
    licence="BSL-1.1",
    source_available_only=True,
    backend_id="tvae",
    environment="ctgan",
    libraries=("ctgan", "rdt", "torch", "numpy", "pandas"),
    needs=("ctgan",),
    one_hot=True,
    high_cardinality="poor",
    min_rows=100,
    advised_rows=500,
    min_steps=600,
    target_steps=2000,
    strength="trains stably, good utility at a fraction of CTGAN's steps",
    weakness="marginals too narrow, rare levels lost; width explodes with many levels",
    reference="Xu, Skoularidou, Cuesta-Infante, Veeramachaneni 2019, NeurIPS",
    library_bytes=0.8e9,
    size=_size,
    steps=_steps,
    cpu_seconds=seconds_by_steps(0.008, 4e-8),
)
