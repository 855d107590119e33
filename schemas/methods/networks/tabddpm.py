"""Denoising diffusion over numbers and categories."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import clamp, seconds_by_steps

__all__ = ["ENTRY", "TabDDPM"]


class TabDDPM(Hyperparameters):
    """Denoising diffusion; ``n_iter`` counts epochs, not gradient steps."""

    method: Literal["tabddpm"]
    n_iter: Annotated[int, Field(ge=1000, le=10000), Default(1000)]
    lr: Annotated[float, Field(ge=1e-5, le=0.1), Default(0.002)]
    batch_size: Annotated[int, Field(ge=256, le=4096), Default(1024)]
    num_timesteps: Annotated[int, Field(ge=10, le=1000), Default(1000)]


def _steps(knobs: dict[str, Any], rows: int) -> int:
    return int(knobs["n_iter"] * math.ceil(rows / knobs["batch_size"]))


def _size(sizing: Sizing) -> dict[str, Any]:
    # The library does not shuffle, so a small last batch pulls at every epoch's end: a small table is one batch. With a
    # hundred diffusion steps instead of a thousand the same training brings pima's column shapes from 0.74 to 0.89.
    rows = sizing.shape.rows
    batch = clamp(rows, 256, 1024)
    n_iter = clamp(math.ceil(sizing.steps / max(1, math.ceil(rows / batch))), 1000, 10000)
    return {"batch_size": batch, "n_iter": n_iter, "num_timesteps": 100}


ENTRY = CatalogueEntry(
    hyperparameters=TabDDPM,
    title="TabDDPM",
    family="diffusion",
    order=60,
    implementation="schneiderkamplab-synthcity 0.2.16 (plugin_ddpm)",
    licence="Apache-2.0",
    backend_id="ddpm",
    environment="tabddpm",
    libraries=("schneiderkamplab-synthcity", "torch", "numpy", "pandas"),
    needs=("synthcity",),
    one_hot=True,
    high_cardinality="poor",
    min_rows=256,
    advised_rows=500,
    min_steps=3000,
    target_steps=3000,
    strength="good fidelity and utility once trained for 3,000 steps or more",
    weakness="useless when undertrained; treats columns of ten or fewer distinct values as categories",
    reference="Kotelnikov, Baranchuk, Rubachev, Babenko 2023, ICML",
    library_bytes=0.8e9,
    size=_size,
    steps=_steps,
    cpu_seconds=seconds_by_steps(0.017, 1.2e-8),
)
