"""Latent-class mixture."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import clamp
from ..table_shape import TableShape

__all__ = ["ENTRY", "LatentClass"]


class LatentClass(Hyperparameters):
    """Classes of persons, within each of which the columns are independent; numbers are binned at quantiles."""

    method: Literal["latent_class"]
    classes: Annotated[int, Field(ge=2, le=60), Default(12)]
    bins: Annotated[int, Field(ge=4, le=40), Default(12)]
    prior: Annotated[float, Field(ge=0.01, le=10.0), Default(0.5)]
    max_iters: Annotated[int, Field(ge=10, le=500), Default(100)]


def _size(sizing: Sizing) -> dict[str, Any]:
    rows = sizing.shape.rows
    return {
        # Forty rows a class, so that a class is no small group of recognisable rows.
        "classes": clamp(rows / 40, 3, 30),
        "bins": clamp((rows / 8) ** 0.5, 4, 20),
        "prior": round(0.5 + 2 * sizing.caution, 2),
        "max_iters": clamp(100 * sizing.effort, 10, 500),
    }


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    return 0.1 + 4e-9 * int(knobs["max_iters"]) * int(knobs["classes"]) * shape.rows * shape.columns


ENTRY = CatalogueEntry(
    hyperparameters=LatentClass,
    title="Latent-class mixture",
    family="graphical",
    order=34,
    implementation="own (numpy, scipy)",
    licence="Apache-2.0",
    libraries=("numpy", "scipy", "pandas"),
    needs=("scipy",),
    native_missing=True,
    high_cardinality="good",
    min_rows=80,
    advised_rows=300,
    strength="low disclosure risk, many categories, missing cells as they come; subgroups stay together",
    weakness="dependence within a class is lost; numbers are binned",
    reference="Goodman 1974; Dunson & Xing 2009; Si & Reiter 2013",
    cautions=(0.0, 1.0),
    size=_size,
    cpu_seconds=_cpu_seconds,
)
