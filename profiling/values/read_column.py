"""Bring a column into canonical form, whatever engine it came from.

Text is stripped, missing tokens become missing, numbers written as text become numbers, dates become ISO texts, and
``59``, ``59.0`` and the integer 59 are one value: the same table gives the same values from a CSV file, a data frame
and a database.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.table.reading import ReadingChange
from .arrow_arrays import integer_scalar, listed
from .column_values import ColumnValues, common_width, decimal_places, encode
from .number_marks import DecimalMark
from .text_columns import read_text
from .written_forms import WrittenForm, duration_unit

__all__ = ["read_values"]


def read_values(
    column: pa.ChunkedArray | pa.Array, mark: DecimalMark = ".", day_first: bool | None = None
) -> ColumnValues:
    """Bring one column of the sample into canonical form.

    Args:
        column: As an engine gives it.
        mark: What marks decimals in numbers written as text.
        day_first: What other columns tell of the order of day and month.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # more than 2 GB of text stays in chunks
        array = pa.concat_arrays(array.chunks)
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_boolean(kind):
        return encode(pc.cast(array, pa.string()), boolean=True)
    if pa.types.is_integer(kind):
        return _from_integers(array)
    if pa.types.is_floating(kind):
        # A single-precision number is what it prints: 0.1 and not 0.10000000149.
        exact = array if kind == pa.float64() else pc.cast(pc.cast(array, pa.string()), pa.float64())
        return _from_floats(exact)
    if pa.types.is_decimal(kind):
        return _from_floats(pc.cast(array, pa.float64()), decimals=kind.scale)
    if pa.types.is_duration(kind):
        return _from_seconds([None if v is None else v / 1e6 for v in _microseconds(array)])
    if kind == pa.month_day_nano_interval():
        spans = array.to_pylist()
        return _from_seconds([None if v is None else (v[0] * 30 + v[1]) * 86_400 + v[2] / 1e9 for v in spans])
    if pa.types.is_temporal(kind):
        return read_text(_time_text(array), mark, day_first)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        try:
            array = pc.cast(array, pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            array = listed(["" if v is None else repr(v) for v in array.to_pylist()], pa.string())
    return read_text(pc.cast(array, pa.string()), mark, day_first)


def _microseconds(array: pa.Array) -> list[int | None]:
    return cast(list[int | None], pc.cast(pc.cast(array, pa.duration("us"), safe=False), pa.int64()).to_pylist())


def _time_text(array: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(array.type):
        array = pc.cast(array, pa.timestamp("s", array.type.tz), safe=False)
    elif pa.types.is_time(array.type):
        array = pc.cast(array, pa.time32("s"), safe=False)
    return pc.cast(array, pa.string())


def _from_integers(array: pa.Array) -> ColumnValues:
    values = encode(pc.cast(array, pa.string()))
    numbers = pc.cast(values.distinct, pa.float64())
    return replace(values, numbers=numbers, integer=True, width=common_width(values.distinct))


def _from_floats(array: pa.Array, decimals: int | None = None) -> ColumnValues:
    infinite = int(pc.sum(pc.is_inf(array)).as_py() or 0)
    changes = (ReadingChange(kind="infinity_as_missing", cells=infinite),) if infinite else ()
    array = pc.if_else(pc.is_finite(array), array, pa.NA)
    seen = array.drop_null()
    whole = len(seen) > 0 and bool(pc.all(pc.equal(seen, pc.floor(seen))).as_py())
    if whole and pc.max(pc.abs(seen)).as_py() < 1e15:
        return replace(_from_integers(pc.cast(array, pa.int64())), changes=changes)
    values = encode(array)
    texts = pc.cast(values.distinct, pa.string())
    places = decimal_places(texts) if decimals is None else decimals
    return replace(values, distinct=texts, numbers=values.distinct, decimals=places, changes=changes)


def _from_seconds(seconds: list[float | None]) -> ColumnValues:
    """Durations in the largest unit that at least half of them reach."""
    known = sorted(abs(value) for value in seconds if value)
    middle = known[len(known) // 2] if known else 1.0
    unit, length = duration_unit(middle)
    present = listed([0.0 if value is None else value / length for value in seconds], pa.float64())
    gone = pc.equal(listed([int(value is None) for value in seconds], pa.int64()), integer_scalar(1))
    values = _from_floats(pc.if_else(gone, pa.NA, present))
    change = ReadingChange(kind="duration", detail=unit)
    return replace(values, form=WrittenForm("duration"), seconds=length, changes=(*values.changes, change))
