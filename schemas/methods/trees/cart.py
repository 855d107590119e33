"""Sequential classification and regression trees."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import clamp
from ..table_shape import TableShape

__all__ = ["CART", "ENTRY", "most_in_a_leaf"]


class CART(Hyperparameters):
    """Sequential classification and regression trees."""

    method: Literal["cart"]
    min_samples_leaf: Annotated[int, Field(ge=5, le=50), Default(5)]


def _size(sizing: Sizing) -> dict[str, Any]:
    # Leaves grow slowly with the table so that no leaf's donors are a handful of recognisable rows. Full caution is the
    # range's end: leaves of 50 cost little fidelity and halve the risk or better (measured).
    base = 5 + 5 * max(0.0, math.log10(max(sizing.shape.rows, 100) / 1000))
    return {"min_samples_leaf": clamp(base + 45 * sizing.caution, 5, most_in_a_leaf(sizing.shape.rows))}


def most_in_a_leaf(rows: int) -> int:
    """The largest leaf worth growing a tree for: three splits deep on the rows that are fitted, a fifth held out.

    Leaves of 50 among 86 fitted rows allow no split, and every column is then drawn by itself (measured on strep_tb:
    AUC trained on synthetic rows .2 to .26, where leaves of 16 reach .9).
    """
    return min(50, max(5, rows * 4 // 5 // 8))


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    # One tree per column over all earlier ones; a class per level makes the split search dearer.
    return 0.02 + 1.2e-7 * shape.rows * shape.columns**2 + 3e-9 * shape.rows * shape.levels


ENTRY = CatalogueEntry(
    hyperparameters=CART,
    title="Sequential CART",
    family="sequential trees",
    order=20,
    implementation="own (scikit-learn)",
    licence="Apache-2.0",
    libraries=("scikit-learn", "numpy"),
    needs=("sklearn",),
    high_cardinality="fair",
    min_rows=50,
    advised_rows=100,
    strength="highest measured fidelity and utility on small and medium tables, seconds to fit",
    weakness="leaf donors are real cell values; its disclosure risk falls with more rows and larger leaves",
    reference="Reiter 2005; Nowok, Raab, Dibben 2016 (synthpop)",
    cautions=(0.0, 0.25, 1.0),
    size=_size,
    cpu_seconds=_cpu_seconds,
)
