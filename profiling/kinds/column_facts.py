"""What the sample and the pass over the whole table say about one column: the facts the kind rules decide by."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from statistics import fmean, median

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.profile import Pattern
from ...schemas.table.dates import is_day_first, read_date
from ..values.asked import Totals
from ..values.column_values import ColumnValues
from .column_names import Header
from .value_patterns import LONGEST, pattern_shares

__all__ = ["DateFacts", "ColumnFacts", "NumberFacts", "WordFacts", "gather"]

_FAR = 11
MOST_VALUES = 250
FEW_VALUES = 80
"""Distinct values that the text rules look at, spread evenly over the sorted values; fewer in very wide tables."""

_WORD_BREAK = re.compile(r"[\s\-/.,;()&'\u2019]+")


@dataclass(frozen=True, slots=True, repr=False)
class NumberFacts:
    """Of a numeric column; quantiles and limits are raw and stay on the machine."""

    integer: bool
    minimum: float
    maximum: float
    quantiles: tuple[float, float, float, float, float]
    """5, 25, 50, 75, 95 %, sentinel codes left out."""
    zero_share: float
    decimals: int
    dense: bool
    """Whole numbers that fill their range but for 5 %."""
    steps: bool
    """Row by row each number is the one before or the next."""
    ascending: bool
    """Row by row each number is larger than the one before."""
    sorted: bool
    """Row by row no number is smaller than the one before."""
    round_share: float
    """Share of distinct values that end in 0 or 5; about 0.2 for arbitrary numbers."""
    sentinels: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, repr=False)
class WordFacts:
    """Of a text column, over at most ``MOST_VALUES`` distinct values."""

    mean_words: float
    median_length: float
    width: int
    """Characters of every value, where all have the same number; else 0."""
    title_share: float
    """Share of values all of whose words are capitalised, and not all in capitals."""
    upper_share: float
    digit_share: float
    """Share of values with a digit in them."""
    letter_share: float
    """Share of values made of letters, blanks, hyphens, dots and apostrophes only."""
    template_share: float
    """Share of values with the commonest template of letters, digits and separators."""
    prefix: str
    """Letters that all values start with."""


@dataclass(frozen=True, slots=True, repr=False)
class DateFacts:
    """Of a column whose values mostly parse as dates."""

    share: float
    clock: bool
    weak: bool
    day_first: bool
    short_year: bool
    """Years have two digits."""
    first_year: int
    last_year: int
    span: int | None
    """Years between the eleventh earliest and eleventh latest date; None where there are too few."""


@dataclass(frozen=True, slots=True, repr=False)
class ColumnFacts:
    """All that is known about one column before its kind is."""

    header: Header
    values: ColumnValues
    totals: Totals
    number: NumberFacts | None = None
    word: WordFacts | None = None
    date: DateFacts | None = None
    patterns: Mapping[Pattern, float] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    """The distinct values the text rules looked at."""
    blocks: float = 0.0
    """Distinct values over runs of equal neighbours: 1.0 where every value forms one block of rows."""
    run: float = 0.0
    """Mean length of a run of equal neighbours over the length that chance would make; 0.0 where unknown."""

    @property
    def unique_share(self) -> float:
        """Distinct values over rows that are not missing, of the whole table."""
        return self.totals.distinct / self.totals.present if self.totals.present else 0.0

    @property
    def distinct(self) -> int:
        """Distinct values of the whole table, sentinel codes left out."""
        return max(self.totals.distinct - (len(self.number.sentinels) if self.number else 0), 0)

    def has(self, shape: Pattern, at_least: float = 0.8) -> bool:
        """Whether that share of the values has ``shape``."""
        return self.patterns.get(shape, 0.0) >= at_least


def gather(
    header: Header, values: ColumnValues, totals: Totals | None = None, *, whole: bool = True, most: int = MOST_VALUES
) -> ColumnFacts:
    """Collect the facts of one column.

    Args:
        header: The column's name as facts.
        values: The column's sample.
        totals: Figures of the whole table; None where the sample is the whole table.
        whole: Whether the sample holds the rows in order without gaps.
        most: Distinct values that the text rules look at.
    """
    totals = totals or Totals(values.rows, values.present, len(values.distinct))
    if not len(values.distinct):
        return ColumnFacts(header, values, totals)
    blocks, run = _blocks(values)
    # A sample's slices are torn apart, but neighbours within them are neighbours still.
    blocks = blocks if whole else 0.0
    if values.numbers is not None:
        number = _number_facts(values, whole=whole)
        texts = _some(values.distinct, min(most, 120))
        shapes = pattern_shares(texts)
        return ColumnFacts(header, values, totals, number, None, _date_facts(texts), shapes, texts, blocks, run)
    texts = _some(values.distinct, most)
    date = _date_facts(texts)
    form = values.form.date
    if date is not None and form is not None and "%y" in (form.pattern or ""):
        date = replace(date, short_year=True)  # the values are ISO dates, their century a guess
    shapes = {} if date and date.share == 1.0 else pattern_shares(texts)
    return ColumnFacts(header, values, totals, None, _word_facts(texts), date, shapes, texts, blocks, run)


def _some(values: pa.Array, most: int) -> tuple[str, ...]:
    """At most so many of the values, evenly over their order, cut so that no cell costs more than another."""
    if len(values) > most:
        order = pc.sort_indices(values)
        values = pc.take(values, order[:: -(-len(values) // most)])
        return tuple(pc.utf8_slice_codeunits(values, 0, LONGEST).to_pylist())
    return tuple(sorted(pc.utf8_slice_codeunits(values, 0, LONGEST).to_pylist()))


def _blocks(values: ColumnValues) -> tuple[float, float]:
    rows = values.positions.drop_null()
    if len(rows) < 2:
        return 0.0, 0.0
    changes = int(pc.sum(pc.not_equal(rows[1:], rows[:-1])).as_py() or 0)
    # In random order a neighbour is equal with the probability that two draws are.
    equal = (pc.sum(pc.multiply(values.counts, values.counts)).as_py() or 0) / len(rows) ** 2
    expected = (len(rows) - 1) * (1 - equal) + 1
    return len(values.distinct) / (changes + 1), expected / (changes + 1)


def _number_facts(values: ColumnValues, *, whole: bool) -> NumberFacts:
    assert values.numbers is not None
    order = pc.sort_indices(values.numbers)
    numbers = pc.take(values.numbers, order).to_pylist()
    counts = pc.take(values.counts, order).to_pylist()
    sentinels = _sentinels(numbers, counts)
    if sentinels:
        kept = [(n, c) for n, c in zip(numbers, counts, strict=True) if n not in sentinels]
        numbers, counts = [n for n, _ in kept], [c for _, c in kept]
    running = list(accumulate(counts))
    total = running[-1]
    some = numbers[:: max(1, len(numbers) // MOST_VALUES)]
    zeros = bisect_left(numbers, 0.0)
    integer = values.integer
    span = numbers[-1] - numbers[0] + 1
    smallest, largest = _steps(values) if integer and whole and len(numbers) > 10 else (0.0, 0.0)
    return NumberFacts(
        integer=integer,
        minimum=numbers[0],
        maximum=numbers[-1],
        quantiles=_quantiles(numbers, running),
        zero_share=counts[zeros] / total if zeros < len(numbers) and numbers[zeros] == 0 else 0.0,
        decimals=values.decimals,
        dense=integer and len(numbers) >= 0.95 * span,
        steps=smallest >= 0 and largest == 1,
        ascending=smallest > 0,
        sorted=smallest >= 0 and largest > 0,
        round_share=sum(n % 5 == 0 for n in some) / len(some),
        sentinels=tuple(sentinels),
    )


def _steps(values: ColumnValues) -> tuple[float, float]:
    """Smallest and largest difference between neighbouring rows."""
    rows = pc.take(values.numbers, values.positions)
    steps = pc.min_max(pc.subtract(rows[1:], rows[:-1]))
    return steps["min"].as_py() or 0.0, steps["max"].as_py() or 0.0


def _quantiles(values: Sequence[float], running: Sequence[int]) -> tuple[float, float, float, float, float]:
    """Quantiles of sorted values whose counts add up to ``running``."""
    q5, q25, q50, q75, q95 = (
        values[min(bisect_left(running, share * running[-1]), len(values) - 1)]
        for share in (0.05, 0.25, 0.5, 0.75, 0.95)
    )
    return q5, q25, q50, q75, q95


_SENTINEL_LOW = tuple(float(-n) for n in (9, 99, 999, 9999, 99999, 8, 98, 998, 88, 888, 77, 777, 7, 1))
_SENTINEL_HIGH = tuple(
    float(n)
    for n in (99, 999, 9999, 99999, 999999, 9, 88, 888, 8888, 98, 998, 9998, 77, 777, 97, 997, 996, 99.9, 999.9, 9.9)
)


def _sentinels(numbers: Sequence[float], counts: Sequence[int]) -> list[float]:
    """Codes for missing: frequent, and far from all other values, or negative where nothing else is."""
    total = sum(counts)
    if len(numbers) < 5 or total < 50:
        return []
    tally = {}
    for code in (*_SENTINEL_LOW, *_SENTINEL_HIGH):
        position = bisect_left(numbers, code)
        if position < len(numbers) and numbers[position] == code and counts[position] >= max(0.005 * total, 3):
            tally[code] = counts[position]
    sentinels: list[float] = []
    # From the outside inwards, since several codes (-7, -8, -9) may stand side by side.
    for code in sorted(tally, key=abs, reverse=True):
        same_side = [c for c in tally if (c < 0) == (code < 0)]
        rest = [(n, c) for n, c in zip(numbers, counts, strict=True) if n not in same_side and n not in sentinels]
        if len(rest) < 4:
            continue
        low, high = rest[0][0], rest[-1][0]
        _, q25, _, q75, _ = _quantiles([n for n, _ in rest], list(accumulate(c for _, c in rest)))
        if _stands_apart(code, low, high, q75 - q25):
            sentinels.append(code)
    return sentinels


def _stands_apart(code: float, low: float, high: float, spread: float) -> bool:
    """Below: the only negative values. Above: 2 IQR and three quarters of the scale beyond all others."""
    if code < 0:
        # -1 is near enough to 0 to be a measurement.
        return low >= 0 and (code <= -7 or spread >= 10)
    # The spread of whole-number scales is often 1, so that a gap of the scale's own length is asked for as well.
    return code > 8 and code >= high + max(2 * max(spread, 1.0), 0.75 * max(high - low, 1.0))


def _date_facts(texts: Sequence[str]) -> DateFacts | None:
    screen = texts[:: max(1, len(texts) // 20)]
    if sum(read_date(text) is not None for text in screen) * 2 < len(screen):
        return None
    day_first = is_day_first(texts)
    dates = [date for date in (read_date(text, day_first=day_first) for text in texts) if date]
    if len(dates) < 0.5 * len(texts):
        return None
    years = sorted(date.year for date in dates if not date.is_open) or [dates[0].year]
    return DateFacts(
        share=len(dates) / len(texts),
        clock=sum(date.clock for date in dates) > 0.02 * len(dates),
        weak=sum(date.weak for date in dates) > 0.5 * len(dates),
        day_first=day_first,
        short_year=sum(date.short_year for date in dates) > 0.5 * len(dates),
        first_year=min(years),
        last_year=max(years),
        span=years[-_FAR] - years[_FAR - 1] if len(years) > 2 * _FAR else None,
    )


def _is_title(text: str) -> bool:
    words = [word for word in _WORD_BREAK.split(text) if word[:1].isalpha()]
    return bool(words) and all(word[0].isupper() for word in words) and not text.isupper()


def _template(text: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d", "9", text))


def _word_facts(texts: Sequence[str]) -> WordFacts:
    lengths = [len(text) for text in texts]
    templates: dict[str, int] = {}
    for text in texts:
        key = _template(text)
        templates[key] = templates.get(key, 0) + 1
    first = texts[0]
    prefix = re.match(r"[^\W\d_]*", first)
    shared = prefix.group() if prefix else ""
    while shared and not all(text.startswith(shared) for text in texts):
        shared = shared[:-1]
    return WordFacts(
        mean_words=fmean(len(text.split()) for text in texts),
        median_length=median(lengths),
        width=lengths[0] if min(lengths) == max(lengths) else 0,
        title_share=sum(map(_is_title, texts)) / len(texts),
        upper_share=sum(text.isupper() for text in texts) / len(texts),
        digit_share=sum(any(c.isdigit() for c in text) for text in texts) / len(texts),
        letter_share=sum(all(c.isalpha() or c in " -.'\u2019," for c in text) for text in texts) / len(texts),
        template_share=max(templates.values()) / len(texts),
        prefix=shared,
    )
