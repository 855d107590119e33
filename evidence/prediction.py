"""Expected fidelity, utility and disclosure risk of a synthesizer on a table it was not measured on.

A weighted mean over the measured tables, weighted by how much they resemble the new one in rows and columns (a Gaussian
kernel on log10 of both, one decade wide). Where a synthesizer was never measured, a relative's figures stand in with a
stated discount. The catalogue's row advice and the table's many-level columns then discount what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..synthesizers.catalogue import CATALOGUE
from ..synthesizers.sizing import TableShape
from .first_measurements import COPY_MIA, MEASUREMENTS, TABLES, Measurement

__all__ = ["Expectation", "expect"]

_STAND_IN: dict[str, tuple[str, float]] = {
    "argn_dp": ("argn", 0.75),
    "dp_aim": ("dp_mst", 0.97),
    "dpctgan": ("ctgan", 0.6),
}
"""Never measured: whose figures stand in, and the factor on fidelity and utility (judgement; DP noise costs both)."""

_HIGH_CARDINALITY_FACTOR = {"good": 1.0, "fair": 0.95, "poor": 0.85}
"""Factor on fidelity and utility at a table made of many-level columns only (judgement)."""

_DP_RISK = 0.02
"""Disclosure risk credited to a method with a DP guarantee within policy: bounded by proof and not by a measurement."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to expect; each figure lies between 0 and 1."""

    fidelity: float
    """Mean of column shapes and pair trends."""
    utility: float
    """TSTR over TRTR, both above chance."""
    risk: float
    """|membership AUC - 0.5|, scaled so that a copy of the rows is 1."""
    measured_on: tuple[str, ...]
    """The measured tables behind it, most alike first."""
    stand_in: str | None
    """Whose figures these are, where the method itself was never measured."""


def expect(method: str, shape: TableShape) -> Expectation:
    """What ``method`` is expected to do on a table of this shape."""
    stand_in, factor = _STAND_IN.get(method, (None, 1.0))
    rows = [m for m in MEASUREMENTS if m.method == (stand_in or method)]
    weights = [_likeness(m.table, shape) for m in rows]
    entry = CATALOGUE[method]
    factor *= _row_factor(shape.rows, entry.advised_rows)
    many = shape.high_cardinality / shape.columns if shape.columns else 0.0
    factor *= 1 - many * (1 - _HIGH_CARDINALITY_FACTOR[entry.high_cardinality])
    order = sorted(zip(weights, rows, strict=True), key=lambda pair: -pair[0])
    return Expectation(
        fidelity=factor * _mean([_fidelity(m) for m in rows], weights),
        utility=factor * _mean([_utility(m) for m in rows], weights),
        risk=_DP_RISK if entry.dp else _mean([_risk(m) for m in rows], weights),
        measured_on=tuple(m.table for _, m in order),
        stand_in=stand_in,
    )


def _likeness(table: str, shape: TableShape) -> float:
    measured = TABLES[table]
    distance = (math.log10(max(shape.rows, 1) / measured.rows)) ** 2 + (
        math.log10(max(shape.columns, 1) / measured.columns)
    ) ** 2
    # The floor keeps a table far from all of them at their plain mean instead of at 0/0.
    return max(math.exp(-distance / 2), 1e-6)


def _row_factor(rows: int, advised: int) -> float:
    """1 from the advised rows on; below, it falls with the square root of the share that is there (judgement)."""
    return float(min(1.0, math.sqrt(rows / advised)) ** 0.5)


def _fidelity(m: Measurement) -> float | None:
    return None if m.shapes is None or m.pairs is None else (m.shapes + m.pairs) / 2


def _utility(m: Measurement) -> float | None:
    if m.tstr is None:
        return None
    return min(1.0, max(0.0, (m.tstr - 0.5) / (TABLES[m.table].trtr - 0.5)))


def _risk(m: Measurement) -> float | None:
    return None if m.mia is None else min(1.0, abs(m.mia - 0.5) / (COPY_MIA - 0.5))


def _mean(values: Sequence[float | None], weights: Sequence[float]) -> float:
    known = [(value, weight) for value, weight in zip(values, weights, strict=True) if value is not None]
    total = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / total
