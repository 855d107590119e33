"""Levels and codes held by few persons: to their parent, into ``other``, or drawn anew among common ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.compliance import RareLevels
from ...schemas.table.safe_levels import canonical_level
from .code_parents import parent_rule

__all__ = ["POOL", "ProtectedLevels", "protect_levels"]

POOL = "other"
"""Name of the pooled level where the column has no word of its own for it."""

_PUBLIC_PAIRS = ({0, 1}, {"0", "1"}, {False, True})

Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True)
class ProtectedLevels:
    """A column's cells after protection, as indices into ``levels``; -1 where missing."""

    levels: tuple[Any, ...]
    indices: Ints
    generalised: int
    pooled: int
    redrawn: int
    public_kept: int
    withheld: bool


def protect_levels(
    indices: Ints,
    levels: Sequence[Any],
    persons: Ints,
    k: int,
    rng: np.random.Generator,
    *,
    rare_levels: RareLevels = "pool",
    ordered: bool = False,
    public: bool = False,
) -> ProtectedLevels:
    """Leave no level that fewer than ``k`` persons hold, but for those that name nobody.

    Args:
        indices: Each cell as an index into ``levels``, -1 where missing.
        levels: The column's levels.
        persons: Each cell's person.
        k: Fewest persons of a level that stays.
        rng: For redrawn cells; a person's equal cells are redrawn equally.
        rare_levels: ``pool`` where the levels are texts; numbers, dates and flags are always redrawn.
        ordered: The levels are in their order: a cell is redrawn among the nearest common ones.
        public: The levels are public knowledge and stay.
    """
    counts = _persons_of_each(indices, persons, len(levels))
    exempt = np.array([public or _names_nobody(level, levels) for level in levels], dtype=bool)
    rare = (counts < k) & ~exempt
    # A level that nobody holds is none of few, but a declared one may be somebody's who was left out.
    kept_public = int((exempt & (counts < k) & (counts > 0)).sum())
    if not rare[counts > 0].any():
        return _without_unheld(indices, levels, rare, kept_public)
    texts = all(isinstance(level, str) for level in levels)
    names: list[Any] = list(levels)
    generalised = 0
    if texts:
        names, generalised = _climb(names, rare, indices, persons, k)
    table = {name: i for i, name in enumerate(dict.fromkeys(names))}
    merged = _replace(indices, np.array([table[name] for name in names]))
    names = list(table)
    counts = _persons_of_each(merged, persons, len(names))
    stays_public = np.array([public or _names_nobody(name, levels) for name in names], dtype=bool)
    rare = (counts < k) & ~stays_public
    common = np.flatnonzero(~rare & (counts > 0))
    few = np.flatnonzero(rare & (counts > 0))
    pooled_persons = len(np.unique(persons[np.isin(merged, few)])) if len(few) else 0
    if len(few) == 0:
        return _select(merged, names, common, generalised, 0, 0, kept_public)
    if texts and rare_levels == "pool" and (pooled_persons >= k or len(common) == 0):
        word = next((name for name in names if canonical_level(name) == POOL), POOL)
        pool = names.index(word) if word in names else len(names)
        names = names if word in names else [*names, word]
        merged = np.where(np.isin(merged, few), pool, merged)
        common = np.array(sorted({*common.tolist(), pool}))
        return _select(merged, names, common, generalised, len(few), 0, kept_public)
    if len(common) == 0:
        return ProtectedLevels((), np.full_like(merged, -1), generalised, 0, 0, kept_public, withheld=True)
    redrawn = _redraw(merged, persons, few, common, counts, rng, ordered)
    return _select(redrawn, names, common, generalised, 0, len(few), kept_public)


def _names_nobody(level: Any, levels: Sequence[Any]) -> bool:
    """A word of the closed vocabulary, or 0 or 1 where there is nothing else."""
    if isinstance(level, str) and canonical_level(level) is not None:
        return True
    return len(levels) <= 2 and any(set(levels) <= pair for pair in _PUBLIC_PAIRS)


def _persons_of_each(indices: Ints, persons: Ints, size: int) -> Ints:
    """Distinct persons of each level."""
    held = indices >= 0
    if not held.any():
        return np.zeros(size, dtype=np.int64)
    pairs = np.unique(np.column_stack([indices[held], persons[held]]), axis=0)
    return np.bincount(pairs[:, 0], minlength=size).astype(np.int64)


def _climb(names: list[Any], rare: np.ndarray[Any, Any], indices: Ints, persons: Ints, k: int) -> tuple[list[Any], int]:
    """Rare codes by the nearest ancestor that enough persons hold; what has none keeps its topmost one."""
    parent = parent_rule(names)
    if parent is None:
        return names, 0
    climbing = dict(enumerate(names))
    moving = {i for i in np.flatnonzero(rare).tolist() if parent(names[i]) is not None}
    while True:
        counts = _persons_by_name(climbing, indices, persons)
        low = {i for i in moving if counts.get(climbing[i], 0) < k and parent(climbing[i]) is not None}
        if not low:
            break
        deepest = max(len(climbing[i]) for i in low)
        for i in low:
            if len(climbing[i]) == deepest:
                climbing[i] = parent(climbing[i])
    counts = _persons_by_name(climbing, indices, persons)
    # Where even the top is held by few, the code joins the pool under its own name.
    lifted = {i for i in moving if climbing[i] != names[i] and counts[climbing[i]] >= k}
    return [climbing[i] if i in lifted else name for i, name in enumerate(names)], len(lifted)


def _persons_by_name(names: Mapping[int, Any], indices: Ints, persons: Ints) -> dict[Any, int]:
    cells = pd.Series(indices).map(dict(names))
    return dict(pd.Series(persons).groupby(cells).nunique())


def _replace(indices: Ints, table: Ints) -> Ints:
    return np.where(indices >= 0, table[indices], -1)


def _redraw(
    indices: Ints, persons: Ints, few: Ints, common: Ints, counts: Ints, rng: np.random.Generator, ordered: bool
) -> Ints:
    """Every rare cell anew: among the two nearest common levels where they are ordered, else among all, by persons."""
    redrawn = indices.copy()
    if not ordered:
        at = np.flatnonzero(np.isin(indices, few))
        cells = np.column_stack([indices[at], persons[at]])
        holders, which = np.unique(cells, axis=0, return_inverse=True)
        redrawn[at] = rng.choice(common, size=len(holders), p=counts[common] / counts[common].sum())[which.ravel()]
        return redrawn
    for level in few.tolist():
        at = np.flatnonzero(indices == level)
        near = common[np.argsort(np.abs(common - level), kind="stable")[:2]]
        owners, which = np.unique(persons[at], return_inverse=True)
        redrawn[at] = rng.choice(near, size=len(owners), p=counts[near] / counts[near].sum())[which]
    return redrawn


def _without_unheld(indices: Ints, levels: Sequence[Any], rare: np.ndarray[Any, Any], kept: int) -> ProtectedLevels:
    if not rare.any():
        return ProtectedLevels(tuple(levels), indices, 0, 0, 0, kept, withheld=False)
    return _select(indices, list(levels), np.flatnonzero(~rare), 0, 0, 0, kept)


def _select(
    indices: Ints, names: list[Any], kept: Ints, generalised: int, pooled: int, redrawn: int, public_kept: int
) -> ProtectedLevels:
    """Only the levels at ``kept``, in their order."""
    table = np.full(len(names), -1, dtype=np.int64)
    table[kept] = np.arange(len(kept))
    chosen = tuple(names[i] for i in kept.tolist())
    return ProtectedLevels(chosen, _replace(indices, table), generalised, pooled, redrawn, public_kept, withheld=False)
