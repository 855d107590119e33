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
    family_set: Annotated[Literal["parametric", "local", "both"], Default("both")]
    trunc_lvl: Annotated[int, Field(ge=1, le=30), Default(5)]


def _size(sizing: Sizing) -> dict[str, Any]:
    return {"trunc_lvl": clamp(sizing.shape.columns / 2, 3, 8)}


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    trees = min(int(knobs["trunc_lvl"]), shape.columns)
    pairs = trees * shape.columns - trees * (trees + 1) / 2
    # The pairs are fitted to a thousand rows at most.
    return 0.5 + pairs * min(0.75 * shape.rows, 1000) * (5e-5 if knobs["family_set"] == "local" else 1.8e-4)


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
