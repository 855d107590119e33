"""Expected fidelity, utility and disclosure risk of a synthesizer on a table it was not measured on.

A weighted mean over the benchmark's tables, weighted by how much they resemble the new one: a Gaussian kernel on rows,
columns, share of numeric columns, missing cells and levels. What is behind a figure can be read off it: the tables,
most alike first, and the standard error. Where the benchmark has no finished fit of a synthesizer the first, smaller
measurements serve, and where there are none either, a relative's figures with a stated discount.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..synthesizers.catalogue import CATALOGUE
from ..synthesizers.sizing import TableShape
from .first_measurements import COPY_MIA, MEASUREMENTS, TABLES, Measurement
from .measured import Measured, load_measurements

__all__ = ["Expectation", "expect", "size_of"]

_STAND_IN: dict[str, tuple[str, float]] = {
    "argn_dp": ("argn", 0.75),
    "dp_aim": ("dp_mst", 0.97),
    "dpctgan": ("ctgan", 0.6),
}
"""Not measured: whose figures stand in, and the factor on fidelity and utility (judgement; DP noise costs both)."""

_HIGH_CARDINALITY_FACTOR = {"good": 1.0, "fair": 0.95, "poor": 0.85}
"""Factor on fidelity and utility at a table made of many-level columns only (judgement)."""

_DP_RISK = 0.02
"""Disclosure risk credited to a method with a DP guarantee within policy: bounded by proof and not by a measurement."""

_WIDTHS = (0.5, 0.5, 0.5, 0.3, 1.0)
"""Kernel widths: decades of rows, decades of columns, share of numeric columns, share missing, decades of levels."""

_FLOOR = 0.05
"""Weight of the least alike table: pulls a guess far from all tables to their plain mean."""

_UNKNOWN_ERROR = 0.1
"""Standard error where fewer than two tables are behind a figure (judgement)."""


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
    fidelity_error: float = _UNKNOWN_ERROR
    """Standard errors of the three figures."""
    utility_error: float = _UNKNOWN_ERROR
    risk_error: float = _UNKNOWN_ERROR
    failed_share: float = 0.0
    """Weighted share of the benchmark's fits that crashed or ran over the limit."""


def expect(method: str, shape: TableShape, left_out: frozenset[str] = frozenset()) -> Expectation:
    """What ``method`` is expected to do on a table of this shape.

    Args:
        method: Catalogue id.
        shape: The table.
        left_out: Origins of benchmark tables that must not be used, for judging the recommender itself.
    """
    cells = [cell for cell in load_measurements() if cell.method == method and cell.origin not in left_out]
    finished = [cell for cell in cells if cell.failure is None]
    if not finished:
        return _from_first(method, shape)
    weights = [_likeness(cell.shape, shape) for cell in cells]
    good = [weight for weight, cell in zip(weights, cells, strict=True) if cell.failure is None]
    fidelity, fidelity_error = _estimate([cell.fidelity for cell in finished], good, finished)
    utility, utility_error = _estimate([cell.utility for cell in finished], good, finished)
    risk, risk_error = _estimate([cell.risk for cell in finished], good, finished)
    private = CATALOGUE[method].dp is not None
    order = sorted(zip(good, finished, strict=True), key=lambda pair: (-pair[0], pair[1].table))
    return Expectation(
        fidelity=fidelity,
        utility=utility,
        risk=_DP_RISK if private else risk,
        measured_on=tuple(dict.fromkeys(cell.table for _, cell in order)),
        stand_in=None,
        fidelity_error=fidelity_error,
        utility_error=utility_error,
        risk_error=0.0 if private else risk_error,
        failed_share=1 - sum(good) / sum(weights),
    )


def size_of(table: str) -> tuple[int, int]:
    """Rows and columns of a measured table."""
    if table in TABLES:
        return TABLES[table].rows, TABLES[table].columns
    shape = next(cell.shape for cell in load_measurements() if cell.table == table)
    return shape.rows, shape.columns


def _likeness(measured: TableShape, shape: TableShape) -> float:
    first, second = _features(measured), _features(shape)
    distance = sum(((a - b) / width) ** 2 for a, b, width in zip(first, second, _WIDTHS, strict=True))
    return max(math.exp(-distance / 2), _FLOOR)


def _features(shape: TableShape) -> tuple[float, ...]:
    return (
        math.log10(max(shape.rows, 1)),
        math.log10(max(shape.columns, 1)),
        shape.continuous / max(shape.columns, 1),
        shape.missing_share,
        math.log10(1 + shape.max_levels),
    )


def _estimate(
    values: Sequence[float | None], weights: Sequence[float], cells: Sequence[Measured]
) -> tuple[float, float]:
    """Weighted mean, and its standard error by the tables' spread: seeds of one table are no new evidence."""
    known = [(v, w, c.table) for v, w, c in zip(values, weights, cells, strict=True) if v is not None]
    if not known:
        return 0.5, _UNKNOWN_ERROR
    total = sum(weight for _, weight, _ in known)
    mean = sum(value * weight for value, weight, _ in known) / total
    by_table: dict[str, float] = {}
    for _, weight, table in known:
        by_table[table] = by_table.get(table, 0.0) + weight
    effective = total**2 / sum(weight**2 for weight in by_table.values())
    if effective < 2:
        return mean, _UNKNOWN_ERROR
    variance = sum(weight * (value - mean) ** 2 for value, weight, _ in known) / total
    return mean, math.sqrt(variance / (effective - 1))


# ---- the first measurements, where the benchmark has none ------------------------------------------------------------


def _from_first(method: str, shape: TableShape) -> Expectation:
    stand_in, factor = (None, 1.0) if any(m.method == method for m in MEASUREMENTS) else _STAND_IN[method]
    rows = [m for m in MEASUREMENTS if m.method == (stand_in or method)]
    weights = [_first_likeness(m.table, shape) for m in rows]
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


def _first_likeness(table: str, shape: TableShape) -> float:
    measured = TABLES[table]
    distance = (math.log10(max(shape.rows, 1) / measured.rows)) ** 2 + (
        math.log10(max(shape.columns, 1) / measured.columns)
    ) ** 2
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
