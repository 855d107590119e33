"""Copies: exact and near overlap with the real table, beyond what held-out rows or chance explain.

Two looks. By held-out persons: a real row that has no twin counts as hit where a synthetic row lies at less than a
fifth of the distance to the nearest row of another person; fitted persons may be hit no more often than held-out ones.
By chance: a synthetic row counts as a copy where its nearest real person is five times nearer than the second; real
rows among themselves say how often that happens without any copying. The second needs no held-out row.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..metrics.comparable import Array, as_category
from .distances import Distances
from .intervals import Interval, excess_interval, more_often

__all__ = ["COPY_CHANCE", "LEAST_COPIED", "Overlap", "count_exact", "measure_overlap"]

NEAR = 0.2
"""A row this much nearer than the next is taken for a copy of it (our figure)."""
COPY_CHANCE = 0.005
"""Chance of the look by persons calling an honest table a copy (our figure)."""
ROWS_CHANCE = 0.001
"""The same of the look by rows: stricter, since rows that lie together come in pairs and are no independent trials."""
LEAST_COPIED = 0.01
"""Share of copied persons or rows below which nothing is called a copy (our figure)."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """How much of the real table stands in the synthetic one."""

    exact: float
    """Share of synthetic rows that equal a fitted row."""
    exact_held_out: float | None
    """Share of synthetic rows that equal a held-out row: what chance alone gives; None without held-out rows."""
    persons_hit: Interval | None
    """Share of fitted persons with a near copy, above that of held-out persons; None without held-out rows."""
    rows_copied: Interval
    """Share of synthetic rows that lie on one real person, above that of real rows among themselves."""
    copied: bool
    """The overlap is beyond what held-out rows or chance explain."""
    reason: str = ""
    persons_chance: float | None = None
    """Chance of as many hit persons as ``persons_hit`` says, were nothing copied; None without held-out rows."""
    rows_chance: float | None = None
    """The same of ``rows_copied``."""


def measure_overlap(distances: Distances, exact: float, exact_held_out: float | None) -> Overlap:
    """Judge the overlap.

    Args:
        distances: Between the real rows, fitted ones first, and the synthetic ones.
        exact: As ``count_exact`` says of the fitted rows.
        exact_held_out: The same of the held-out rows; None where there are none.
    """
    members = distances.members
    held_out = len(distances.own) - members
    persons_hit, by_persons = None, 1.0
    if held_out:
        persons_hit, by_persons = _hit_persons(distances)
    rows_copied, by_rows = _copied_rows(distances)
    reasons = []
    if persons_hit is not None and by_persons < COPY_CHANCE and persons_hit.value >= LEAST_COPIED:
        reasons.append(f"{persons_hit.value:.0%} more of the fitted persons than of the held-out ones have a near copy")
    if by_rows < ROWS_CHANCE and rows_copied.value >= LEAST_COPIED:
        reasons.append(f"{rows_copied.value:.0%} more of the synthetic rows lie on one real person than real rows do")
    return Overlap(
        exact=exact,
        exact_held_out=exact_held_out,
        persons_hit=persons_hit,
        rows_copied=rows_copied,
        copied=bool(reasons),
        reason="; ".join(reasons),
        persons_chance=None if persons_hit is None else by_persons,
        rows_chance=by_rows,
    )


def count_exact(synthetic: pd.DataFrame, real: pd.DataFrame) -> float:
    """Share of all synthetic rows that equal a row of ``real``."""
    names = list(real.columns)
    if not len(synthetic) or not len(real):
        return 0.0
    return float(np.isin(_hashes(synthetic, names), _hashes(real, names)).mean())


def _hit_persons(distances: Distances) -> tuple[Interval, float]:
    """Persons with a near copy among those with a row that has no twin."""
    lone = np.isfinite(distances.own) & (distances.own > 1e-9)
    hit = lone & (distances.nearest < distances.own * NEAR)
    counts = []
    for part in (slice(0, distances.members), slice(distances.members, None)):
        owners = distances.persons[part]
        counts += [len(np.unique(owners[hit[part]])), len(np.unique(owners[lone[part]]))]
    return excess_interval(*counts), more_often(*counts)


def _copied_rows(distances: Distances) -> tuple[Interval, float]:
    members = distances.members
    owners = distances.persons[:members]
    order = np.argsort(owners, kind="stable")
    starts = np.flatnonzero(np.diff(owners[order], prepend=-1))
    made = _on_one_person(distances.to_synthetic[:members][order], starts)
    real = _on_one_person(distances.to_real[:members][order], starts)
    # Rows of one person are no independent trials: they count as many as there are persons.
    share = len(starts) / max(1, members)
    counts = (made.sum() * share, len(made) * share, real.sum() * share, len(real) * share)
    return excess_interval(*counts), more_often(*counts)


def _on_one_person(distances: Array, starts: Array) -> Array:
    """For each column of ``distances``: whether its nearest person is far nearer than the second."""
    by_person = np.minimum.reduceat(distances, starts, axis=0)
    if len(by_person) < 2:
        return np.zeros(by_person.shape[1], dtype=bool)
    first, second = np.partition(by_person, 1, axis=0)[:2]
    return np.asarray((second > 1e-9) & np.isfinite(second) & (first < second * NEAR))


def _hashes(table: pd.DataFrame, names: list[object]) -> Array:
    labels = pd.DataFrame({i: as_category(table[name]) for i, name in enumerate(names)})
    return np.asarray(pd.util.hash_pandas_object(labels, index=False).to_numpy())
