"""Autoregressive network."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import clamp
from ..table_shape import TableShape

__all__ = ["ARGN", "ENTRY", "argn_seconds", "argn_size"]


class ARGN(Hyperparameters):
    """Autoregressive network; ``max_training_time`` is in minutes."""

    method: Literal["argn"]
    max_epochs: Annotated[int, Field(ge=10, le=500), Default(100)]
    max_training_time: Annotated[int, Field(ge=1, le=1440), Default(60)]
    batch_size: Annotated[int | None, Field(ge=16, le=4096), Default(None)]


def argn_size(sizing: Sizing) -> dict[str, Any]:
    """Epochs by effort, minutes by the time that there is."""
    minutes = clamp(int(sizing.max_seconds / 60), 1, 1440)
    return {"max_training_time": minutes, "max_epochs": clamp(100 * sizing.effort, 10, 500)}


def argn_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    """CPU seconds, ended by the library's own clock."""
    epochs = int(knobs["max_epochs"]) / 100
    trained = 4 + 0.5 * shape.columns + (3e-3 + 2e-4 * shape.columns + 2e-6 * shape.levels) * shape.rows * epochs
    return min(trained, 60.0 * int(knobs["max_training_time"]))


ENTRY = CatalogueEntry(
    hyperparameters=ARGN,
    title="TabularARGN",
    family="autoregressive",
    order=70,
    implementation="mostlyai-engine 2.7.3",
    licence="Apache-2.0",
    environment="argn",
    libraries=("mostlyai-engine", "torch", "numpy", "pandas"),
    needs=("mostlyai.engine",),
    native_missing=True,
    high_cardinality="good",
    min_rows=200,
    advised_rows=2000,
    strength="native missing values, mixed types and many levels on tables of thousands of rows",
    weakness="learns little dependence on a few hundred rows",
    reference="Tiwald et al. 2025, arXiv 2501.12012",
    library_bytes=0.8e9,
    size=argn_size,
    cpu_seconds=argn_seconds,
)
