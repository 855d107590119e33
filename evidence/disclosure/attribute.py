"""Attribute inference: what the synthetic table tells about a fitted person's sensitive value that it does not tell
about a held-out person's. What anybody could infer does not count.

The attacker knows a person's quasi-identifiers, or else every other column, takes the synthetic rows nearest to that,
and guesses the value they hold. Two strengths, for neither is always the stronger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..metrics.comparable import Array, numeric_columns
from .distances import Distances, column_distance
from .intervals import Interval, excess_interval

__all__ = ["MOST_SENSITIVE", "AttributeInference", "measure_attribute_inference"]

MOST_SENSITIVE = 12
"""Sensitive columns looked at; the more looks, the wider the interval of the worst (judgement)."""
CLOSE = 0.05
"""A number is inferred where the guess is this near in rank: within a twentieth of the real rows (our figure)."""


@dataclass(frozen=True, slots=True)
class AttributeInference:
    """One sensitive column, at the stronger of the attacker's two sets of knowledge."""

    column: str
    fitted: float
    """Share of fitted persons whose value is guessed."""
    held_out: float
    """The same of held-out persons: what anybody could infer."""
    advantage: Interval
    """Difference of the two; one-sided bounds, corrected for the number of looks."""
    knows: str
    """What the attacker knew: ``quasi-identifiers`` or ``all other columns``."""


def measure_attribute_inference(
    real: pd.DataFrame, distances: Distances, quasi: Sequence[str], sensitive: Sequence[str] | None = None
) -> tuple[AttributeInference, ...]:
    """The attack on each sensitive column, strongest first.

    Args:
        real: The real rows, in the order of ``distances``.
        distances: Between them and the synthetic rows.
        quasi: Columns that outsiders know.
        sensitive: Columns to be guessed; by default all that are no quasi-identifiers, at most ``MOST_SENSITIVE``.
    """
    numeric = numeric_columns(real)
    where = {
        name: (position, kind)
        for kind, names in ((True, numeric), (False, [name for name in real.columns if name not in numeric]))
        for position, name in enumerate(names)
    }
    wanted = [
        name
        for name in (real.columns if sensitive is None else sensitive)
        if name in where and (sensitive is not None or name not in quasi)
    ]
    wanted = [name for name in wanted if real[name].nunique(dropna=False) > 1][:MOST_SENSITIVE]
    if distances.width < 2 or not wanted:
        return ()
    whole = distances.to_synthetic * distances.width
    parts = [where[name] for name in quasi if name in where]
    by_quasi = None
    if parts:
        by_quasi = np.zeros_like(whole)
        for position, kind in parts:
            by_quasi += column_distance(distances.points, distances.synthetic, position, numeric=kind)
    looks = len(wanted) * (1 if by_quasi is None else 2)
    inferences = []
    for name in wanted:
        position, kind = where[name]
        gap = column_distance(distances.points, distances.synthetic, position, numeric=kind)
        right = gap <= CLOSE if kind else gap == 0
        attacks = [("all other columns", whole - gap)]
        if by_quasi is not None:
            attacks.append(("quasi-identifiers", by_quasi - gap if name in quasi else by_quasi))
        tried = [_attack(str(name), knows, gaps, right, distances, looks) for knows, gaps in attacks]
        inferences.append(max(tried, key=lambda inference: inference.advantage.low))
    return tuple(sorted(inferences, key=lambda inference: -inference.advantage.value))


def _attack(name: str, knows: str, gaps: Array, right: Array, distances: Distances, looks: int) -> AttributeInference:
    nearest = gaps <= gaps.min(axis=1, keepdims=True) + 1e-4
    success = (nearest & right).sum(axis=1) / nearest.sum(axis=1)
    by_person = pd.Series(success).groupby(distances.persons).mean().to_numpy()
    inside = int(distances.persons[: distances.members].max()) + 1
    first, second = by_person[:inside], by_person[inside:]
    return AttributeInference(
        column=name,
        fitted=float(first.mean()),
        held_out=float(second.mean()),
        advantage=excess_interval(first.sum(), len(first), second.sum(), len(second), looks),
        knows=knows,
    )
