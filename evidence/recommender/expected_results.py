"""Expected fidelity, utility, disclosure risk and cost of a synthesizer on a table it was not measured on.

What the table has and what the synthesizer adds (see ``effects.py``), each weighted by how much the benchmark's tables
resemble the new one: a Gaussian kernel on rows, columns, share of numeric columns, missing cells and levels. The risk
besides follows its trend in columns per row. What was measured of cheap synthesizers on the new table itself, its
landmarks, takes the place of what would be expected of them, and tells the table's part for all others. What is behind
a figure can be read off it: the tables, most alike first, and the standard error, which grows where no measured table
is alike. A synthesizer that was never measured gets its family's figures, and all synthesizers' where it has none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from ...schemas.request import Landmark
from ...synthesizers.catalogue import CATALOGUE
from ...synthesizers.sizing import TableShape, estimate_seconds
from ..benchmark.results import Measured, load_measurements
from .effects import Effects, Label, split_effects

__all__ = ["NOTHING_ALIKE", "Expectation", "expect", "size_of"]

_WIDTHS = (0.5, 0.5, 0.5, 0.3, 1.0, 0.5)
"""Kernel widths: decades of rows, decades of columns, share of numeric columns, share missing, decades of levels, and
whether there is a time to an event: its utility asks for more."""

_FLOOR = 0.05
"""Weight of the least alike table: pulls a guess far from all tables to their plain mean."""

_UNKNOWN_ERROR = 0.1
"""Standard error where fewer than two tables are behind a figure (judgement)."""

_FAMILY = 2.0
"""Tables that a family's risk counts for beside a method's own, as in ``effects.py``."""

NOTHING_ALIKE = "no table like this was measured"

_UNLIKE = 0.1
"""Likeness of the most alike table below which none is called alike: about two kernel widths away."""

_LANDMARK_ERROR = 0.05
"""Standard deviation of a figure over splits of one table: that of a single fit (measured)."""

_LEAST_RISK_SPREAD = 0.02
"""Standard deviation of a risk that like tables cannot take away: seeds differ on every table (measured)."""

_FEWEST_FOR_SLOPE = 5
"""Tables below which no trend of the risk is drawn."""

_LEAST_COST_SPREAD = 0.3
"""Standard deviation of log seconds that no number of tables takes away: machines differ (judgement)."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What to expect; every figure but the cost's lies between 0 and 1."""

    fidelity: float
    """Mean of column shapes and pair trends."""
    utility: float
    """TSTR over TRTR, both above chance."""
    risk: float
    """|membership AUC - 0.5|, scaled so that a copy of the rows is 1."""
    fidelity_error: float
    """Standard errors of the three figures."""
    utility_error: float
    risk_error: float
    risk_spread: float
    """Standard deviation of the risk of a single fit, over like tables and seeds."""
    cost_factor: float
    """Measured over estimated CPU seconds (see ``estimate_seconds``): the geometric mean on like tables."""
    cost_spread: float
    """Standard deviation of the logarithm of that ratio."""
    failed_share: float
    """Weighted share of the benchmark's fits that crashed or ran over the limit."""
    measured_on: tuple[str, ...]
    """The measured tables behind it, most alike first."""
    stand_in: str | None
    """Whose figures these are, where the method itself was never measured."""
    nearest: float
    """Likeness of the most alike measured table, within 0 and 1."""
    fitted_here: bool
    """It was fitted to the table itself, once."""

    @property
    def unlike(self) -> bool:
        """No table like this one was measured."""
        return self.nearest < _UNLIKE


@lru_cache(maxsize=1024)
def expect(
    method: str,
    shape: TableShape,
    left_out: frozenset[str] = frozenset(),
    caution: float = 0.0,
    landmarks: tuple[Landmark, ...] = (),
) -> Expectation:
    """What ``method`` is expected to do on a table of this shape.

    Args:
        method: Catalogue id.
        shape: The table.
        left_out: Origins of benchmark tables that must not be used, for judging the recommender itself.
        caution: Of its hyper-parameters; the nearest level that was measured is taken.
        landmarks: What cheap synthesizers had on this table.
    """
    basis = _basis_of(method, left_out, caution)
    cells, finished = basis.cells, basis.finished
    likeness = _likenesses(shape)
    weights = [likeness[cell.shape] for cell in cells]
    good = [weight for weight, cell in zip(weights, cells, strict=True) if cell.failure is None]
    nearest = max(_closeness(cell.shape, shape) for cell in cells)
    asked = _Asked(basis.label, CATALOGUE[method].family, shape, left_out, nearest, landmarks)
    fidelity, fidelity_error, here = _expect_figure("fidelity", asked)
    utility, utility_error, _ = _expect_figure("utility", asked)
    risk, risk_error, risk_spread = _estimate([cell.risk for cell in finished], good, finished)
    # Of few tables the family's risk counts besides.
    tables = len({cell.table for cell in finished}) if basis.stand_in is None else 0
    pooled, pooled_error, measured = _expect_figure("risk", asked)
    if not measured:
        pooled = (tables * risk + _FAMILY * pooled) / (tables + _FAMILY)
    crowding = _crowding(shape) - sum(w * _crowding(c.shape) for w, c in zip(good, finished, strict=True)) / sum(good)
    # Of few tables nobody can tell by themselves how far they lie apart; all methods' figures do.
    thin = min(risk_error, pooled_error)
    risk_error = pooled_error if measured else math.hypot(thin, basis.slope_error * crowding)
    cost_factor, cost_spread = _cost(basis.log_costs, good)
    order = sorted(zip(good, finished, strict=True), key=lambda pair: (-pair[0], pair[1].table))
    return Expectation(
        fidelity=fidelity,
        utility=utility,
        risk=min(1.0, max(0.0, pooled if measured else pooled + basis.slope * crowding)),
        fidelity_error=fidelity_error,
        utility_error=utility_error,
        risk_error=risk_error * (2 - nearest),
        risk_spread=max(risk_spread, _LEAST_RISK_SPREAD),
        cost_factor=cost_factor,
        cost_spread=cost_spread,
        failed_share=1 - sum(good) / sum(weights),
        measured_on=tuple(dict.fromkeys(cell.table for _, cell in order)),
        stand_in=basis.stand_in,
        nearest=nearest,
        fitted_here=here,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    """Whose figure is asked for, and where."""

    label: Label
    family: str
    shape: TableShape
    left_out: frozenset[str]
    nearest: float
    landmarks: tuple[Landmark, ...]


def _expect_figure(name: str, asked: _Asked) -> tuple[float, float, bool]:
    """A figure, its standard error, and whether it was measured on the table itself."""
    effects, shapes = _effects(name, asked.left_out)
    if not effects.tables:
        return 0.5, _UNKNOWN_ERROR, False
    likeness = _likenesses(asked.shape)
    weights = {table: likeness[shapes[table]] for table in effects.tables}
    added, added_error = effects.added(asked.label, weights, asked.family)
    level, level_error = effects.table(weights, asked.nearest)
    figures = {(mark.method, mark.caution): getattr(mark, name) for mark in asked.landmarks}
    for label, value in figures.items():
        if value is not None and label in effects.rests:
            theirs, theirs_error = effects.added(label, weights, CATALOGUE[label[0]].family)
            level, level_error = _pool(
                level, level_error, value - theirs, math.hypot(theirs_error, effects.spread, _LANDMARK_ERROR)
            )
    mean, error = level + added, math.hypot(level_error, added_error)
    own = figures.get(asked.label)
    if own is not None:
        mean, error = _pool(mean, math.hypot(error, effects.spread), own, _LANDMARK_ERROR)
    return min(1.0, max(0.0, mean)), error, own is not None


def _pool(first: float, first_error: float, second: float, second_error: float) -> tuple[float, float]:
    """Two estimates of one figure as one, each weighted by its precision."""
    a, b = 1 / max(first_error, 1e-3) ** 2, 1 / max(second_error, 1e-3) ** 2
    return (a * first + b * second) / (a + b), 1 / math.sqrt(a + b)


@lru_cache(maxsize=64)
def _effects(name: str, left_out: frozenset[str]) -> tuple[Effects, dict[str, TableShape]]:
    """A figure's effects, and the shapes of its tables."""
    known = [
        cell
        for cell in load_measurements()
        if cell.method in CATALOGUE
        and cell.origin not in left_out
        and cell.failure is None
        and getattr(cell, name) is not None
    ]
    effects = split_effects(
        ((cell.method, cell.caution), CATALOGUE[cell.method].family, cell.table, getattr(cell, name)) for cell in known
    )
    return effects, {cell.table: cell.shape for cell in known}


def size_of(table: str) -> tuple[int, int]:
    """Rows and columns of a measured table."""
    shape = next(cell.shape for cell in load_measurements() if cell.table == table)
    return shape.rows, shape.columns


@dataclass(frozen=True, slots=True)
class _Basis:
    """What was measured of a method, whatever the table that is asked about."""

    cells: list[Measured]
    finished: list[Measured]
    log_costs: list[float | None]
    """Of the finished cells: logarithm of CPU seconds over their estimate."""
    slope: float
    """Growth of the risk with columns per row."""
    slope_error: float
    stand_in: str | None
    label: Label
    """The method at the level of caution that was measured nearest."""


@lru_cache(maxsize=256)
def _basis_of(method: str, left_out: frozenset[str], caution: float) -> _Basis:
    cells, stand_in = _cells_for(method, left_out, caution)
    finished = [cell for cell in cells if cell.failure is None]
    slope, slope_error = _crowding_slope(finished)
    level = cells[0].caution if stand_in is None else caution
    costs = [_log_cost(cell) for cell in finished]
    return _Basis(cells, finished, costs, slope, slope_error, stand_in, (method, level))


def _cells_for(method: str, left_out: frozenset[str], caution: float) -> tuple[list[Measured], str | None]:
    """The cells that speak for ``method``, and whose they are where they are not its own."""
    known = [cell for cell in load_measurements() if cell.method in CATALOGUE and cell.origin not in left_out]
    finished = {cell.method for cell in known if cell.failure is None}
    if method in finished:
        own = [cell for cell in known if cell.method == method]
        nearest = min({cell.caution for cell in own}, key=lambda level: (abs(level - caution), level))
        return [cell for cell in own if cell.caution == nearest], None
    family = CATALOGUE[method].family
    relatives = [cell for cell in known if CATALOGUE[cell.method].family == family and cell.method in finished]
    if relatives:
        return relatives, f"the {family} family"
    return [cell for cell in known if cell.method in finished], "all synthesizers"


@lru_cache(maxsize=64)
def _likenesses(shape: TableShape) -> dict[TableShape, float]:
    """How much each measured table resembles one of this shape."""
    return {measured: _likeness(measured, shape) for measured in {cell.shape for cell in load_measurements()}}


def _likeness(measured: TableShape, shape: TableShape) -> float:
    return max(_closeness(measured, shape), _FLOOR)


def _closeness(measured: TableShape, shape: TableShape) -> float:
    """Likeness without a floor: 1 for a table of the same shape, 0 far from it."""
    first, second = _features(measured), _features(shape)
    distance = sum(((a - b) / width) ** 2 for a, b, width in zip(first, second, _WIDTHS, strict=True))
    return math.exp(-distance / 2)


@lru_cache(maxsize=256)
def _features(shape: TableShape) -> tuple[float, ...]:
    return (
        math.log10(max(shape.rows, 1)),
        math.log10(max(shape.columns, 1)),
        shape.continuous / max(shape.columns, 1),
        shape.missing_share,
        math.log10(1 + shape.max_levels),
        float(shape.survival),
    )


def _estimate(
    values: Sequence[float | None], weights: Sequence[float], cells: Sequence[Measured]
) -> tuple[float, float, float]:
    """Weighted mean, its standard error by the spread over tables (seeds of one are no new evidence), the spread."""
    known = [(v, w, c.table) for v, w, c in zip(values, weights, cells, strict=True) if v is not None]
    if not known:
        return 0.5, _UNKNOWN_ERROR, _UNKNOWN_ERROR
    total = sum(weight for _, weight, _ in known)
    mean = sum(value * weight for value, weight, _ in known) / total
    by_table: dict[str, float] = {}
    for _, weight, table in known:
        by_table[table] = by_table.get(table, 0.0) + weight
    effective = total**2 / sum(weight**2 for weight in by_table.values())
    if effective < 2:
        return mean, _UNKNOWN_ERROR, _UNKNOWN_ERROR
    variance = sum(weight * (value - mean) ** 2 for value, weight, _ in known) / total
    return mean, math.sqrt(variance / (effective - 1)), math.sqrt(variance)


def _crowding(shape: TableShape) -> float:
    return shape.columns / max(shape.rows, 1)


def _crowding_slope(cells: Sequence[Measured]) -> tuple[float, float]:
    """How the risk grows with columns per row, over all tables, by least squares; with its standard error.

    Few rows of many columns are learned by heart. The trend cannot be seen among like tables alone, and a negative one
    is noise.
    """
    tables: dict[str, list[Measured]] = {}
    for cell in cells:
        tables.setdefault(cell.table, []).append(cell)
    points = [(_crowding(own[0].shape), sum(cell.risk or 0.0 for cell in own) / len(own)) for own in tables.values()]
    if len(points) < _FEWEST_FOR_SLOPE:
        return 0.0, 0.0
    middle = [sum(column) / len(points) for column in zip(*points, strict=True)]
    spread = sum((x - middle[0]) ** 2 for x, _ in points)
    slope = max(0.0, sum((x - middle[0]) * (y - middle[1]) for x, y in points) / spread)
    residual = sum((y - middle[1] - slope * (x - middle[0])) ** 2 for x, y in points) / (len(points) - 2)
    return slope, math.sqrt(residual / spread)


def _cost(log_costs: Sequence[float | None], weights: Sequence[float]) -> tuple[float, float]:
    ratios = [(ratio, weight) for ratio, weight in zip(log_costs, weights, strict=True) if ratio is not None]
    total = sum(weight for _, weight in ratios)
    if not total:
        return 1.0, 1.0
    mean = sum(ratio * weight for ratio, weight in ratios) / total
    variance = sum(weight * (ratio - mean) ** 2 for ratio, weight in ratios) / total
    return math.exp(mean), max(math.sqrt(variance), _LEAST_COST_SPREAD)


def _log_cost(cell: Measured) -> float | None:
    if cell.cpu_seconds is None:
        return None
    estimated = max(estimate_seconds(cell.config, cell.fitted_shape), 0.05)
    return math.log(max(cell.cpu_seconds, 0.05) / estimated)
