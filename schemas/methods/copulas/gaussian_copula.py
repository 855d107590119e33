"""Gaussian copula over per-column marginals."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from ..entry import CatalogueEntry, Sizing
from ..hyperparameters import Default, Hyperparameters
from ..table_shape import TableShape

__all__ = ["ENTRY", "GaussianCopula"]


class GaussianCopula(Hyperparameters):
    """Gaussian copula over per-column marginals."""

    method: Literal["gaussian_copula"]
    marginal: Annotated[Literal["empirical", "gaussian", "kde"], Default("empirical")]
    shrinkage: Annotated[float, Field(ge=0.0, le=1.0), Default(0.05)]


def _size(sizing: Sizing) -> dict[str, Any]:
    # Shrink the correlation matrix more the fewer rows there are per column (Ledoit & Wolf 2004's direction).
    rows_per_column = max(sizing.shape.rows, 1) / max(sizing.shape.columns, 1)
    return {"shrinkage": round(min(0.5, 0.02 + 0.5 / rows_per_column + 0.2 * sizing.caution), 3)}


def _cpu_seconds(knobs: dict[str, Any], shape: TableShape) -> float:
    return 0.01 + 3e-7 * shape.rows * shape.columns + 9e-7 * shape.columns**3


ENTRY = CatalogueEntry(
    hyperparameters=GaussianCopula,
    title="Gaussian copula",
    family="copula",
    order=10,
    implementation="own (scipy, numpy)",
    licence="Apache-2.0",
    backend_id="gc",
    libraries=("scipy", "numpy"),
    needs=("scipy",),
    high_cardinality="fair",
    min_rows=50,
    advised_rows=100,
    strength="seconds to fit, smooth, low disclosure risk, keeps marginals and linear dependence",
    weakness="misses interactions and non-monotone dependence",
    reference="Nelsen 2006; Patki et al. 2016, The Synthetic Data Vault",
    size=_size,
    cpu_seconds=_cpu_seconds,
)
