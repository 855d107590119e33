"""One column in canonical form: its distinct values with their rows, and what is known of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.table.reading import ReadingChange
from .written_forms import PLAIN, WrittenForm

__all__ = ["ColumnValues", "common_width", "count_values", "decimal_places", "encode", "tally_rows"]


@dataclass(frozen=True, slots=True, repr=False)
class ColumnValues:
    """Distinct values of one column with their rows.

    Attributes:
        distinct: Distinct canonical texts, missing left out; order carries no meaning.
        counts: Rows per distinct value.
        positions: Per row the position in ``distinct``; null where missing.
        numbers: ``distinct`` as float64 where the column is numeric, else None. A censored value counts as its limit, a
            duration in its own unit, a composite as that part of it which varies most.
        integer: Every number is whole.
        decimals: Most digits after the point, of numbers written as text or stored as decimals.
        zero_led: Some whole number has a leading zero, so it is a label.
        width: Digits of every value, where all have the same number; else 0.
        censored: Share of distinct values such as ``<5``.
        dated: All values are dates, in ISO form.
        boolean: All values are ``true`` or ``false``.
        padded: Some value had blanks around it.
        cased: Two values differ in case or inner blanks only.
        tokens: Raw texts taken as missing, for the pass over the whole table.
        form: How the cells are written.
        seconds: Of durations, the length of their unit.
        changes: What reading did to the column; without its name.
        day_first: Of dates written as numbers, their order; None where the form has no such question.
        order_assumed: Nothing in the column told that order.
    """

    distinct: pa.Array
    counts: pa.Array
    positions: pa.Array
    numbers: pa.Array | None = None
    integer: bool = False
    decimals: int = 0
    zero_led: bool = False
    width: int = 0
    censored: float = 0.0
    dated: bool = False
    boolean: bool = False
    padded: bool = False
    cased: bool = False
    tokens: frozenset[str] = field(default_factory=frozenset)
    form: WrittenForm = PLAIN
    seconds: int = 0
    changes: tuple[ReadingChange, ...] = ()
    day_first: bool | None = None
    order_assumed: bool = False

    @property
    def rows(self) -> int:
        """Rows of the sample, missing ones included."""
        return len(self.positions)

    @property
    def present(self) -> int:
        """Rows that are not missing."""
        return len(self.positions) - int(self.positions.null_count)

    @property
    def row_numbers(self) -> pa.Array | None:
        """The number in each row, null where missing."""
        return None if self.numbers is None else pc.take(self.numbers, self.positions)


def encode(array: pa.Array, **facts: Any) -> ColumnValues:
    """Distinct values, counts and positions of an array whose nulls are its missing cells."""
    return count_values(array.dictionary_encode(), **facts)


def count_values(encoded: pa.DictionaryArray, **facts: Any) -> ColumnValues:
    """From a fresh encoding: its indices, and so the tally's entries, stand in the order of first appearance."""
    return ColumnValues(distinct=encoded.dictionary, counts=tally_rows(encoded), positions=encoded.indices, **facts)


def tally_rows(encoded: pa.DictionaryArray) -> pa.Array:
    """Rows of each entry of a fresh encoding's dictionary."""
    return pc.cast(pc.value_counts(encoded.indices.drop_null()).field(1), pa.int64())


def common_width(texts: pa.Array) -> int:
    """Characters of every text, where all have the same number; else 0."""
    if not len(texts):
        return 0
    lengths = pc.min_max(pc.utf8_length(texts)).as_py()
    return int(lengths["max"]) if lengths["min"] == lengths["max"] else 0


def decimal_places(texts: pa.Array) -> int:
    """Most digits after the point among the first texts."""
    parts = pc.extract_regex(texts.slice(0, 500), r"\.(?P<places>\d+)")
    lengths = pc.utf8_length(pc.struct_field(parts, "places"))
    return int(pc.max(lengths).as_py() or 0)
