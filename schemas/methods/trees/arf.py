"""Adversarial random forest."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import clamp
from ..table_shape import TableShape

__all__ = ["ARF", "ENTRY"]


class ARF(Hyperparameters):
    """Adversarial random forest."""

    method: Literal["arf"]
    num_trees: Annotated[int, Field(ge=10, le=100), Default(30)]
    min_node_size: Annotated[int, Field(ge=2, le=20), Default(5)]
    max_iters: Annotated[int, Field(ge=1, le=10), Default(10)]


def _size(sizing: Sizing) -> dict[str, Any]:
    return {
        "num_trees": clamp(30 * sizing.effort, 10, 100),
        "min_node_size": clamp(5 + 15 * sizing.caution, 2, 20),
    }


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    effort = float(knobs["num_trees"] / 30 * knobs["max_iters"] / 10)
    return 1.0 + 4e-4 * shape.rows * shape.columns * effort


ENTRY = CatalogueEntry(
    hyperparameters=ARF,
    title="Adversarial random forest",
    family="trees",
    order=30,
    implementation="arfpy 0.1.1",
    licence="MIT",
    environment="arf",
    libraries=("arfpy", "scikit-learn", "numpy", "pandas"),
    needs=("arfpy",),
    high_cardinality="fair",
    min_rows=50,
    advised_rows=100,
    strength="density estimate in the leaves instead of donors: utility near the trees at lower risk",
    weakness="weaker pairwise trends; time grows with rows, columns and trees",
    reference="Watson, Blesch, Kapar, Wright 2023, AISTATS",
    size=_size,
    cpu_seconds=_cpu_seconds,
)
