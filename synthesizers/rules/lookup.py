"""One column looked up from another: only pairs that enough persons share in the protected rows come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...schemas.table.rules import Determines
from ..encoding.comparable_cells import MISSING, Array, as_category

__all__ = ["Lookup", "learn_lookup"]

_EXACT = 0.98
"""Share of rows whose determining value has one partner alone, for the dependent column to be left out of the fit."""
_COVERED = 0.8
"""Share of rows whose pair enough persons must share for a lookup to be used at all (judgement)."""


@dataclass(frozen=True, slots=True)
class Lookup:
    """What a determining value may stand beside."""

    rule: Determines
    cells: pd.Series
    """The dependent column's cells that may come out, each once; missing among them where pairs have it."""
    partners: dict[str, tuple[Array, Array]]
    """Label of the determining value → places in ``cells`` and their shares."""
    exact: bool
    """Nearly every value has one partner: the dependent column need not be modelled."""
    knots: Array
    """The determining values as numbers in order, where they are numbers: a new one takes its neighbour's partner."""

    def allowed(self, table: pd.DataFrame) -> Array:
        """Rows whose pair is one of those that enough persons share."""
        labels = self._known_labels(as_category(table[self.rule.determinant]))
        places = {label: place for place, label in enumerate(as_category(self.cells))}
        told = np.array([places.get(label, -1) for label in as_category(table[self.rule.dependent])])
        pairs = {(label, int(place)) for label, (where, _) in self.partners.items() for place in where}
        return np.array([(label, place) in pairs for label, place in zip(labels, told.tolist(), strict=True)])

    def draw(self, determinants: pd.Series, rng: np.random.Generator) -> pd.Series:
        """A dependent cell for each determining one."""
        labels = self._known_labels(as_category(determinants))
        places = np.zeros(len(labels), dtype=np.int64)
        for label in pd.unique(labels):
            at = np.flatnonzero(labels == label)
            where, shares = self.partners[label]
            places[at] = where[0] if len(where) == 1 else rng.choice(where, size=len(at), p=shares)
        return self.cells.iloc[places].set_axis(determinants.index)

    def _known_labels(self, labels: Array) -> Array:
        """``labels`` with values that have no partners replaced: a number by the nearest, a level by all of them."""
        unknown = np.array([label not in self.partners for label in labels], dtype=bool)
        if not unknown.any():
            return labels
        labels = labels.copy()
        for at in np.flatnonzero(unknown).tolist():
            labels[at] = self._nearest(labels[at])
        return labels

    def _nearest(self, label: str) -> str:
        if len(self.knots) and label != MISSING:
            value = float(label)
            return repr(float(self.knots[np.argmin(np.abs(self.knots - value))]))
        return _ANY


_ANY = "\x00any"
"""Label of a determining value that no pair of enough persons has."""


def learn_lookup(rule: Determines, protected: pd.DataFrame, persons: Array, k: int) -> Lookup | None:
    """The lookup that the protected rows give; None where too few rows have a pair that ``k`` persons share.

    Args:
        rule: Names of ``protected``'s columns.
        protected: Rows in which no value of few is left.
        persons: Whose row each one is.
        k: Fewest persons of a pair.
    """
    first, second = protected[rule.determinant], protected[rule.dependent]
    pairs = pd.DataFrame({"a": as_category(first), "b": as_category(second), "person": persons})
    by_pair = pairs.groupby(["a", "b"], sort=True)
    counts = pd.DataFrame({"rows": by_pair.size(), "persons": by_pair["person"].nunique()}).reset_index()
    # An empty cell names nobody; every other pair must be shared.
    shared = counts[(counts["persons"] >= k) | (counts["b"] == MISSING)]
    if shared["rows"].sum() < _COVERED * len(pairs) or (shared["b"] == MISSING).all():
        return None
    labels = as_category(second)
    kept = sorted(set(shared["b"]))
    firsts = {label: place for place, label in reversed(list(enumerate(labels)))}
    place_of = {label: place for place, label in enumerate(kept)}
    partners: dict[str, tuple[Array, Array]] = {}
    for label, group in shared.groupby("a", sort=True):
        if (group["b"] == MISSING).all() and counts.loc[counts["a"] == label, "b"].ne(MISSING).any():
            continue
        partners[str(label)] = _shares(group, place_of)
    everything = shared.groupby("b", sort=True)["rows"].sum().reset_index()
    partners[_ANY] = _shares(everything, place_of)
    single = {label for label, (where, _) in partners.items() if len(where) == 1}
    exact = float(pairs["a"].isin(single).mean()) >= _EXACT
    return Lookup(rule, second.iloc[[firsts[label] for label in kept]].reset_index(drop=True), partners, exact, _knots(
        first, partners
    ))  # fmt: skip


def _shares(group: pd.DataFrame, place_of: dict[Any, int]) -> tuple[Array, Array]:
    rows = group["rows"].to_numpy(dtype=float)
    return np.array([place_of[label] for label in group["b"]], dtype=np.int64), rows / rows.sum()


def _knots(cells: pd.Series, partners: dict[str, tuple[Array, Array]]) -> Array:
    if not pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_bool_dtype(cells.dtype):
        return np.zeros(0)
    return np.sort([float(label) for label in partners if label not in (MISSING, _ANY)])
