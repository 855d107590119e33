"""What may leave: counts of persons, rounded; rare things pooled; no extreme, no value, no name.

The rules (``K`` = 11 is the cell-size limit of the US Centers for Medicare & Medicaid Services):

* A level stands alone only where at least ``K`` persons have it. Rarer ones are pooled; where the pool itself holds
  fewer than ``K`` persons, the next smallest level joins it, so that subtraction from the total reveals nothing.
* A quantile is told only where at least ``K`` persons lie beyond it on each side, and with two significant digits.
* Row counts are rounded down, shares to two significant digits.
* Columns that identify, text and codes tell no value at all: distinct count, missing share and shape.
* Dates tell their span in years.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..schemas.table.safe_levels import POOLED_LEVEL, canonical_level
from .kinds.column_facts import ColumnFacts
from .kinds.decision import Decision
from .values.arrow_arrays import integer_scalar, listed, number_scalar

__all__ = ["K", "SafeFacts", "floor_count", "pool_levels", "round_count", "safe_facts", "two_digits"]

K = 11
MANY = 100
"""Rows from which 5 % and 95 % quantiles are told as well."""
MOST_LEVELS = 12
"""Levels listed by share; the others are pooled."""

_CATEGORICAL = frozenset(("boolean", "categorical", "ordinal", "quasi_identifier", "event_indicator"))
_NUMERIC = frozenset(("count", "continuous", "event_time", "quasi_identifier", "ordinal"))
MOST_QUASI_LEVELS = 60


@dataclass(frozen=True, slots=True)
class SafeFacts:
    """Figures of one column after rounding and suppression, for :class:`~..schemas.profile.SafeColumn`."""

    missing_share: float
    distinct: int
    encoded_levels: int
    quantiles: tuple[float, ...] | None = None
    skewed: bool = False
    zero_inflated: bool = False
    level_shares: tuple[float, ...] | None = None
    level_names: tuple[str, ...] | None = None
    span_years: int | None = None


def two_digits(number: float) -> float:
    """``number`` with two significant digits."""
    if number == 0 or not math.isfinite(number):
        return 0.0
    rounded = float(f"{number:.1e}")
    return rounded if math.isfinite(rounded) else math.copysign(1.7e308, number)


def floor_count(count: int) -> int:
    """Rounded down: to tens below 1,000, to three significant digits above."""
    step = 10 if count < 1000 else 10 ** (len(str(count)) - 3)
    return count // step * step


def round_count(count: int) -> int:
    """Two significant digits above 20."""
    return count if count <= 20 else int(two_digits(count))


def round_share(part: int, total: int) -> float:
    """Two significant digits; 0.0 and 1.0 only where nothing and everything is meant."""
    if not total or not part:
        return 0.0
    if part == total:
        return 1.0
    # One to ten missing, or present, are told as eleven: a share must not count out a few persons.
    share = min(max(part, K), total - K) / total if total >= 2 * K else 0.5
    rounded = two_digits(share) if share < 0.99 else round(share, 3)
    return min(max(rounded, 0.0001), 0.999)


def pool_levels(counts: list[tuple[str, int]]) -> list[tuple[str | None, int]]:
    """Levels by falling count of persons, rare ones pooled into a last one without a name.

    Args:
        counts: Level and number of distinct persons.
    """
    ordered = sorted(counts, key=lambda item: (-item[1], item[0]))
    kept = [item for item in ordered[:MOST_LEVELS] if item[1] >= K]
    pool = sum(count for _, count in ordered[len(kept) :])
    # A pool of fewer than K could be had by subtraction: the next smallest level goes in with it.
    while 0 < pool < K and kept:
        pool += kept.pop()[1]
    result: list[tuple[str | None, int]] = list(kept)
    return [*result, (None, pool)] if pool else result


def safe_facts(facts: ColumnFacts, decision: Decision, persons: pa.Array | None, scale: float) -> SafeFacts:
    """Round and suppress one column.

    Args:
        facts: The column's facts.
        decision: Its kind.
        persons: Person per row of the sample as integer codes, or None where every row is a person.
        scale: Rows of the sample over rows of the table; suppression counts the sample and is stricter for it.
    """
    totals = facts.totals
    coded = sum(count for value, count in _sentinel_rows(facts)) if facts.number else 0
    missing = totals.rows - totals.present + round(coded / scale)
    base = SafeFacts(
        missing_share=round_share(min(missing, totals.rows), totals.rows),
        distinct=round_count(facts.distinct),
        encoded_levels=0,
    )
    if decision.kind in ("date", "datetime"):
        date = facts.date
        return _with(base, span_years=date.span if date else None)
    if (decision.direct and not decision.detail.startswith("age")) or decision.withheld or decision.kind == "constant":
        return base
    if decision.kind == "code":
        return _with(base, encoded_levels=round_count(facts.distinct))
    if facts.number is not None and not _is_levelled(facts, decision):
        return _numeric(facts, base, persons)
    return _levels(facts, base, persons)


def _is_levelled(facts: ColumnFacts, decision: Decision) -> bool:
    if decision.kind in ("count", "continuous", "event_time"):
        return False
    return decision.detail != "year" and not decision.detail.startswith("age") and facts.distinct <= MOST_QUASI_LEVELS


def _with(facts: SafeFacts, **changes: object) -> SafeFacts:
    return SafeFacts(**{**{name: getattr(facts, name) for name in facts.__slots__}, **changes})


def _sentinel_rows(facts: ColumnFacts) -> list[tuple[float, int]]:
    assert facts.number is not None
    if not facts.number.sentinels or facts.values.numbers is None:
        return []
    tally = dict(zip(facts.values.numbers.to_pylist(), facts.values.counts.to_pylist(), strict=True))
    return [(code, tally.get(code, 0)) for code in facts.number.sentinels]


def _numeric(facts: ColumnFacts, base: SafeFacts, persons: pa.Array | None) -> SafeFacts:
    number = facts.number
    assert number is not None
    rows = facts.values.row_numbers
    assert rows is not None
    if number.sentinels:
        rows = pc.if_else(pc.is_in(rows, listed(number.sentinels, pa.float64())), pa.NA, rows)
    wanted = number.quantiles if _persons(pc.is_valid(rows), persons) >= MANY else number.quantiles[1:4]
    below = _persons(pc.less_equal(rows, number_scalar(wanted[0])), persons)
    above = _persons(pc.greater_equal(rows, number_scalar(wanted[-1])), persons)
    # All or nothing: a missing cut would say where the few beyond it lie.
    quantiles = tuple(two_digits(cut) for cut in wanted) if min(below, above) >= K else None
    q5, _, q50, _, q95 = number.quantiles
    return _with(
        base,
        quantiles=quantiles,
        skewed=q95 - q50 > 3 * (q50 - q5) > 0 or (q50 == q5 and q95 > q50),
        zero_inflated=number.zero_share >= 0.2 and number.maximum > 1,
    )


def _persons(mask: pa.Array, persons: pa.Array | None) -> int:
    """Distinct persons among the rows where ``mask`` is true."""
    if persons is None:
        return int(pc.sum(mask).as_py() or 0)
    return len(pc.unique(pc.filter(persons, mask).drop_null()))


def _distinct_pairs(levels: pa.Array, persons: pa.Array) -> dict[int, int]:
    """Level → distinct persons; each pair is packed into one integer, which is far quicker than a group-by."""
    size = int(pc.max(persons).as_py() or 0) + 1
    packed = pc.add(pc.multiply(pc.cast(levels, pa.int64()), integer_scalar(size)), pc.cast(persons, pa.int64()))
    pairs = pc.unique(packed.drop_null())
    tally = pc.value_counts(pc.divide(pairs, integer_scalar(size)))
    return dict(zip(tally.field(0).to_pylist(), tally.field(1).to_pylist(), strict=True))


def _levels(facts: ColumnFacts, base: SafeFacts, persons: pa.Array | None) -> SafeFacts:
    counts = _level_persons(facts, persons)
    pooled = pool_levels(counts)
    total = sum(count for _, count in pooled)
    if len(pooled) < 2 or total < K:
        return _with(base, encoded_levels=round_count(facts.distinct))
    names = []
    for place, (text, _) in enumerate(pooled, 1):
        word = canonical_level(text) if text is not None else POOLED_LEVEL
        names.append(word if word and word not in names else f"L{place}")
    return _with(
        base,
        encoded_levels=round_count(facts.distinct),
        level_shares=tuple(round_share(count, total) for _, count in pooled),
        level_names=tuple(names),
    )


def _level_persons(facts: ColumnFacts, persons: pa.Array | None) -> list[tuple[str, int]]:
    values = facts.values.distinct.to_pylist()
    if persons is None:
        counts = facts.values.counts.to_pylist()
    else:
        tally = _distinct_pairs(facts.values.positions, persons)
        counts = [tally.get(code, 0) for code in range(len(values))]
    sentinels = {f"{code:g}" for code in facts.number.sentinels} if facts.number else set()
    return [(value, count) for value, count in zip(values, counts, strict=True) if value not in sentinels]
