"""Trees that draw a time-to-event outcome before all other columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ..entry import CatalogueEntry
from ..hyperparameters import Default, Hyperparameters
from .cart import ENTRY as CART

__all__ = ["ENTRY", "OutcomeFirst"]


class OutcomeFirst(Hyperparameters):
    """Event and time first, then sequential trees."""

    method: Literal["outcome_first"]
    min_samples_leaf: Annotated[int, Field(ge=5, le=50), Default(5)]


ENTRY = CatalogueEntry(
    hyperparameters=OutcomeFirst,
    title="Outcome-first CART",
    family="sequential trees",
    order=22,
    implementation="own (scikit-learn)",
    licence="Apache-2.0",
    libraries=CART.libraries,
    needs=CART.needs,
    survival=True,
    high_cardinality="fair",
    min_rows=CART.min_rows,
    advised_rows=CART.advised_rows,
    strength="keeps the Kaplan-Meier curve, and what time and event say of the other columns",
    weakness="needs a time to an event; leaf donors are real cell values",
    reference="Ashhad & Henao 2024; Reiter 2005",
    # Not 0: of its levels leaves of 5 carry the highest risk for cart (measured).
    cautions=(0.25, 1.0),
    size=CART.size,
    cpu_seconds=CART.cpu_seconds,
)
