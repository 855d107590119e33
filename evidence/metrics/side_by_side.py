"""How often each value occurs, real beside synthetic, coarse enough to be looked at.

A bar stands for at least ``FEWEST_PERSONS`` persons of the real table: bins of numbers are merged until they do, rarer
levels are one bar. Edges have two significant digits and the outer bins no end, so that no cell can be read off.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from ...profiling.disclosure_control import K
from .comparable import MISSING, Array, as_category, as_number, numeric_columns

__all__ = ["FEWEST_PERSONS", "Marginal", "compare_gaps", "compare_marginals"]

FEWEST_PERSONS = K
_BINS = 12
_MOST_LEVELS = 12
_OTHER = "other"
_EMPTY = "missing"


@dataclass(frozen=True, slots=True)
class Marginal:
    """One column; shares of rows, in the order of ``labels``."""

    name: str
    numeric: bool
    labels: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]

    @property
    def distance(self) -> float:
        """Half the sum of differences between the bars: 0 alike, 1 disjoint."""
        return 0.5 * float(np.abs(np.subtract(self.real, self.synthetic)).sum())


def compare_marginals(
    real: pd.DataFrame, synthetic: pd.DataFrame, persons: pd.Series | None = None
) -> tuple[Marginal, ...]:
    """Every column of ``real`` beside the same column of ``synthetic``.

    Args:
        real: Real rows.
        synthetic: Synthetic rows with the same columns.
        persons: Whose row each real one is; by default every row is a person's.
    """
    owners = np.arange(len(real)) if persons is None else pd.factorize(persons, use_na_sentinel=False)[0]
    numeric = numeric_columns(real)
    marginals = []
    for name in real.columns:
        if name in numeric:
            first, second, order = _bin(real[name], synthetic[name], owners)
            marginals.append(_marginal(str(name), first, second, order, owners))
        else:
            labels = as_category(real[name]), as_category(synthetic[name])
            marginals.append(_marginal(str(name), *labels, None, owners))
    return tuple(marginals)


def compare_gaps(real: pd.DataFrame, synthetic: pd.DataFrame) -> Marginal | None:
    """Shares of missing cells of the columns that differ most in them; None where nothing is missing."""
    gaps = [(float(real[name].isna().mean()), float(synthetic[name].isna().mean()), str(name)) for name in real.columns]
    shown = sorted((gap for gap in gaps if max(gap[:2]) > 0), key=lambda gap: -abs(gap[0] - gap[1]))[:_MOST_LEVELS]
    if not shown:
        return None
    return Marginal(
        name="missing cells", numeric=False, labels=tuple(name for _, _, name in shown),
        real=tuple(round(share, 3) for share, _, _ in shown), synthetic=tuple(round(share, 3) for _, share, _ in shown),
    )  # fmt: skip


def _marginal(name: str, real: Array, synthetic: Array, order: tuple[str, ...] | None, owners: Array) -> Marginal:
    shares = pd.Series(real).value_counts(normalize=True)
    common = _common(pd.Series(owners).groupby(real).nunique(), shares, None if order is None else len(order))
    shown = [label for label in order if label in common] if order else _sorted(common - {MISSING}, shares)
    labels = [*shown, *([MISSING] if MISSING in common else [])]
    made = pd.Series(synthetic).value_counts(normalize=True)
    left, right = ([float(part.get(label, 0.0)) for label in labels] for part in (shares, made))
    names = [_EMPTY if label == MISSING else _plain(label) for label in labels]
    rest = [max(0.0, 1 - sum(side)) for side in (left, right)]
    if max(rest) > 1e-9:
        names.append(_OTHER)
        left.append(rest[0])
        right.append(rest[1])
    return Marginal(
        name=name, numeric=order is not None, labels=tuple(names), real=tuple(round(x, 4) for x in left),
        synthetic=tuple(round(x, 4) for x in right),
    )  # fmt: skip


def _common(persons: pd.Series, shares: pd.Series, most: int | None) -> set[str]:
    """Labels of enough persons each, with enough persons in all the others together, or none."""
    by_share = [label for label in shares.index if persons[label] >= FEWEST_PERSONS]
    common = by_share if most is not None else [label for label in by_share if label != MISSING][:_MOST_LEVELS]
    if MISSING in by_share and MISSING not in common:
        common = [*common, MISSING]
    common.sort(key=lambda label: -float(shares[label]))
    while common and 0 < sum(persons[label] for label in shares.index if label not in common) < FEWEST_PERSONS:
        common.pop()
    return set(common)


def _sorted(labels: set[str], shares: pd.Series) -> list[str]:
    """Numbers in their order, words by how common they are."""
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels, key=lambda label: (-float(shares[label]), label))


def _plain(label: str) -> str:
    return label.removesuffix(".0")


def _bin(real: pd.Series, synthetic: pd.Series, owners: Array) -> tuple[Array, Array, tuple[str, ...]]:
    values = as_number(real)
    edges = _edges(values, owners)
    texts = [_text(edge, pd.api.types.is_datetime64_any_dtype(real.dtype)) for edge in edges]
    names = np.array(
        [f"< {texts[0]}", *(f"{a} to {b}" for a, b in pairwise(texts)), f"≥ {texts[-1]}"] if texts else ["any"],
        dtype=object,
    )
    sides = []
    for cells in (values, as_number(synthetic)):
        labels = names[np.searchsorted(edges, np.nan_to_num(cells), side="right")]
        sides.append(np.where(np.isnan(cells), MISSING, labels))
    return sides[0], sides[1], tuple(names)


def _edges(values: Array, owners: Array) -> Array:
    """Inner edges, rounded; as many as leave enough persons in every bin."""
    present = ~np.isnan(values)
    if not present.any():
        return np.zeros(0)
    low, high = np.quantile(values[present], [0.02, 0.98])
    edges = np.unique([_rounded(edge, high - low) for edge in np.linspace(low, high, _BINS + 1)[1:-1]])
    kept: list[float] = []
    for edge in edges:
        below = present & (values < edge) & (values >= kept[-1] if kept else True)
        above = present & (values >= edge)
        if min(len(np.unique(owners[below])), len(np.unique(owners[above]))) >= FEWEST_PERSONS:
            kept.append(float(edge))
    return np.array(kept)


def _rounded(value: float, span: float) -> float:
    """To two significant digits of the span: of a year 1987 in 1960 to 2010, to whole years."""
    step = 10.0 ** (np.floor(np.log10(span)) - 1) if span > 0 else 1.0
    return float(np.round(value / step) * step)


def _text(edge: float, is_date: bool) -> str:
    if is_date:
        return str(pd.Timestamp(edge, unit="s").date())
    return f"{edge:.10g}"
