"""All that is measured of disclosure, by person; needs persons whom the fit never saw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..metrics.comparable import Array
from .attribute import AttributeInference, measure_attribute_inference
from .distances import MOST_REAL, MOST_SYNTHETIC, Distances, measure_distances, thin_persons
from .intervals import Interval
from .linking import LinkingRisk, measure_linkability, measure_singling_out
from .membership import Membership, measure_membership
from .overlap import Overlap, count_exact, measure_overlap

__all__ = ["Disclosure", "measure_disclosure", "measure_overlap_alone", "rows_as_persons"]


@dataclass(frozen=True, slots=True)
class Disclosure:
    """What an attacker who holds the synthetic table can tell of fitted persons beyond what he can of others."""

    membership: Membership
    attributes: tuple[AttributeInference, ...]
    singling_out: LinkingRisk
    linkability: LinkingRisk
    overlap: Overlap
    sampled: str = ""
    """What was looked at where that is not the whole table; empty where it is."""

    @property
    def membership_auc(self) -> Interval:
        """The worst attack's."""
        return self.membership.auc

    @property
    def risk(self) -> float:
        """As ``Membership.risk``."""
        return self.membership.risk

    @property
    def attribute(self) -> Interval | None:
        """The worst column's advantage, its bounds being the highest of all columns; None where none is sensitive."""
        if not self.attributes:
            return None
        return Interval(
            *(max(getattr(a.advantage, name) for a in self.attributes) for name in ("value", "low", "high"))
        )


def measure_disclosure(
    fitted: pd.DataFrame,
    held_out: pd.DataFrame,
    synthetic: pd.DataFrame,
    seed: int = 0,
    *,
    fitted_persons: Array | None = None,
    held_out_persons: Array | None = None,
    quasi: Sequence[str] = (),
    sensitive: Sequence[str] | None = None,
) -> Disclosure:
    """Attack ``synthetic``, made from ``fitted``; ``held_out`` comes from the same source and was never seen.

    Args:
        fitted: Rows of the fit.
        held_out: Rows of other persons.
        synthetic: Synthetic rows with the same columns.
        seed: Of samples and draws.
        fitted_persons: Whose row each fitted one is; by default every row is a person's.
        held_out_persons: The same of the held-out rows.
        quasi: Columns that outsiders know.
        sensitive: Columns that nobody may infer; by default all others.
    """
    rng = np.random.default_rng(seed)
    distances, real, sampled = _distances(
        fitted,
        held_out,
        synthetic,
        rows_as_persons(fitted, fitted_persons),
        rows_as_persons(held_out, held_out_persons),
        rng,
    )
    return Disclosure(
        membership=measure_membership(distances, seed),
        attributes=measure_attribute_inference(real, distances, quasi, sensitive),
        singling_out=measure_singling_out(distances, seed),
        linkability=measure_linkability(distances, seed),
        overlap=measure_overlap(distances, count_exact(synthetic, fitted), count_exact(synthetic, held_out)),
        sampled=sampled,
    )


def measure_overlap_alone(
    real: pd.DataFrame, synthetic: pd.DataFrame, seed: int = 0, *, persons: Array | None = None
) -> Overlap:
    """What can be said where nothing was held out: whether the synthetic table copies the real one."""
    rng = np.random.default_rng(seed)
    distances, _, _ = _distances(real, real.head(0), synthetic, rows_as_persons(real, persons), np.zeros(0), rng)
    return measure_overlap(distances, count_exact(synthetic, real), None)


def rows_as_persons(table: pd.DataFrame, persons: Array | None) -> Array:
    """Whose row each one is; where that is not known, every row is a person's."""
    return np.arange(len(table)) if persons is None else np.asarray(persons)


def _distances(
    fitted: pd.DataFrame,
    held_out: pd.DataFrame,
    synthetic: pd.DataFrame,
    fitted_persons: Array,
    held_out_persons: Array,
    rng: np.random.Generator,
) -> tuple[Distances, pd.DataFrame, str]:
    inside = thin_persons(fitted, fitted_persons, MOST_REAL, rng)
    outside = thin_persons(held_out, held_out_persons, MOST_REAL, rng)
    drawn = thin_persons(synthetic, np.arange(len(synthetic)), MOST_SYNTHETIC, rng)
    parts = [
        table.iloc[rows].reset_index(drop=True)
        for table, rows in ((fitted, inside), (held_out, outside), (synthetic, drawn))
    ]
    names = ("fitted", "held-out", "synthetic")
    sizes = zip(names, parts, (fitted, held_out, synthetic), strict=True)
    sampled = ", ".join(
        f"{len(part):,} of {len(whole):,} {name} rows" for name, part, whole in sizes if len(part) < len(whole)
    )
    members, others, made = parts
    distances = measure_distances(members, others, made, fitted_persons[inside], held_out_persons[outside])
    return distances, pd.concat([members, others], ignore_index=True), sampled
