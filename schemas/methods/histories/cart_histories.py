"""Patients by sequential trees, then their visits one after another."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import clamp
from ..table_shape import TableShape

__all__ = ["CARTHistories", "ENTRY"]


class CARTHistories(Hyperparameters):
    """Patients by sequential trees, then their visits one after another."""

    method: Literal["cart_histories"]
    visit_leaf: Annotated[int, Field(ge=5, le=20), Default(10)]
    patient_leaf: Annotated[int, Field(ge=10, le=30), Default(20)]
    patients_per_leaf: Annotated[int, Field(ge=5, le=10), Default(5)]


def _size(sizing: Sizing) -> dict[str, Any]:
    return {
        "visit_leaf": clamp(10 + 10 * sizing.caution, 5, 20),
        "patient_leaf": clamp(20 + 10 * sizing.caution, 10, 30),
        "patients_per_leaf": clamp(5 + 5 * sizing.caution, 5, 10),
    }


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    # A tree a column over statics, last values, means and the codes seen; grown on 20,000 rows at most (measured).
    return 0.1 + 5e-7 * min(shape.rows, 20_000) * shape.columns * (2 * shape.columns + 40)


ENTRY = CatalogueEntry(
    hyperparameters=CARTHistories,
    title="Histories by sequential CART",
    family="histories",
    order=25,
    implementation="own (scikit-learn)",
    licence="Apache-2.0",
    libraries=("scikit-learn", "numpy"),
    needs=("sklearn",),
    native_missing=True,
    histories=True,
    high_cardinality="good",
    min_rows=100,
    advised_rows=200,
    strength="keeps patients, the order of their visits and their tables; near the real-against-real floor in a second",
    weakness="donors are cells of real patients, at least k in every leaf; below 200 patients membership can be told",
    reference="Reiter 2005; Nowok, Raab, Dibben 2016 (synthpop), visit by visit",
    cautions=(0.0, 1.0),
    size=_size,
    cpu_seconds=_cpu_seconds,
)
