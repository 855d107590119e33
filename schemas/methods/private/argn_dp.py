"""Autoregressive network trained with DP-SGD."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ..entry import EPSILONS_ADD, ROW_LEVEL, CatalogueEntry, DPGuarantee
from ..hyperparameters import Default, Hyperparameters
from ..networks.argn import argn_seconds, argn_size

__all__ = ["ARGNDP", "ENTRY"]


class ARGNDP(Hyperparameters):
    """Autoregressive network trained with DP-SGD; both epsilons are spent."""

    epsilon_fields: ClassVar[tuple[str, ...]] = ("max_epsilon", "value_protection_epsilon")
    delta_field: ClassVar[str | None] = "delta"

    method: Literal["argn_dp"]
    max_epochs: Annotated[int, Field(ge=10, le=500), Default(100)]
    max_training_time: Annotated[int, Field(ge=1, le=1440), Default(60)]
    batch_size: Annotated[int | None, Field(ge=16, le=4096), Default(None)]
    max_epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.9)]
    value_protection_epsilon: Annotated[float, Field(gt=0.0, le=10.0), Default(0.1)]
    delta: Annotated[float, Field(gt=0.0, le=1e-3), Default(1e-5)]
    noise_multiplier: Annotated[float, Field(ge=0.5, le=10.0), Default(1.5)]
    max_grad_norm: Annotated[float, Field(ge=0.1, le=10.0), Default(1.0)]


ENTRY = CatalogueEntry(
    hyperparameters=ARGNDP,
    title="TabularARGN with DP-SGD",
    family="autoregressive",
    order=80,
    implementation="mostlyai-engine 2.7.3 (DifferentialPrivacyConfig)",
    licence="Apache-2.0",
    environment="argn",
    libraries=("mostlyai-engine", "torch", "numpy", "pandas"),
    needs=("mostlyai.engine",),
    repeatable=False,
    native_missing=True,
    dp=DPGuarantee("DP-SGD with private value ranges", (EPSILONS_ADD, ROW_LEVEL)),
    high_cardinality="good",
    min_rows=500,
    advised_rows=2000,
    strength="differential privacy with native missing values and many levels",
    weakness="needs thousands of rows for the noise not to win",
    reference="Tiwald et al. 2025, arXiv 2501.12012; Abadi et al. 2016 (DP-SGD)",
    library_bytes=0.8e9,
    size=argn_size,
    cpu_seconds=argn_seconds,
)
