"""Vine copula."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..sizes import clamp
from ..table_shape import TableShape

__all__ = ["ENTRY", "Vine"]


class Vine(Hyperparameters):
    """Vine of pair copulas; beyond ``trunc_lvl`` trees the pairs are taken as independent."""

    method: Literal["vine"]
    family_set: Annotated[Literal["quick", "all"], Default("all")]
    trunc_lvl: Annotated[int, Field(ge=1, le=30), Default(5)]


_LONG = 10.0
"""CPU seconds above which Student's copula is left out: it helped on small tables (utility .73 without it and .96 with
it on gbsg2, .79 and .88 on heart_failure), and not on 5,600 rows of 18 columns, where it took nine times as long."""


def _size(sizing: Sizing) -> dict[str, Any]:
    trees = clamp(sizing.shape.columns / 2, 3, 8)
    every = {"family_set": "all", "trunc_lvl": trees}
    return every if _cpu_seconds(every, sizing.shape) <= _LONG else {**every, "family_set": "quick"}


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    trees = min(int(knobs["trunc_lvl"]), shape.columns)
    pairs = trees * shape.columns - trees * (trees + 1) / 2
    discrete = 1 - shape.continuous / max(shape.columns, 1)
    # The pairs are fitted to a thousand rows at most.
    each = 3.5e-5 if knobs["family_set"] == "quick" else 6e-5 + 4.5e-4 * discrete
    return 0.5 + pairs * min(0.7 * shape.rows, 1000) * each


ENTRY = CatalogueEntry(
    hyperparameters=Vine,
    title="Vine copula",
    family="copula",
    order=12,
    implementation="pyvinecopulib 1.0.1",
    licence="MIT",
    environment="vine",
    libraries=("pyvinecopulib", "numpy", "pandas"),
    needs=("pyvinecopulib",),
    high_cardinality="fair",
    min_rows=80,
    advised_rows=150,
    strength="columns tied pair by pair, tails and bends included: lowest disclosure risk at good utility",
    weakness="categories without order are put in one; what three columns do together is lost",
    reference="Aas, Czado, Frigessi, Bakken 2009; Panagiotelis, Czado, Joe 2012",
    size=_size,
    cpu_seconds=_cpu_seconds,
)
