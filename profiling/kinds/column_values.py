"""One column of the sample in canonical form, whatever engine it came from.

Text is stripped, missing tokens become missing, numbers written as text become numbers, and ``59``, ``59.0`` and the
integer 59 are one value: the same table gives the same values from a CSV file, a data frame and a database.
"""

from __future__ import annotations

from array import array as pack
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.dates import read_date

__all__ = [
    "AMBIGUOUS_TOKENS",
    "MISSING_TOKENS",
    "ColumnValues",
    "integer_scalar",
    "listed",
    "number_scalar",
    "read_values",
]

MISSING_TOKENS: frozenset[str] = frozenset(
    (
        "", "na", "n/a", "#n/a", "<na>", "nan", "-nan", "null", "(null)", "nat", "nil", ".", "..", "?", "??", "-", "--",
        "---", "*", "\\n", "missing", "not available", "not applicable", "#null!", "#value!", "#div/0!", "k.a.",
        "keine angabe", "s/d", "sin dato", "nsp", "non renseigné", "na_character_", "na_integer_", "na_real_",
    )
)  # fmt: skip
"""Lower-case texts that stand for a missing cell in any column."""

AMBIGUOUS_TOKENS: frozenset[str] = frozenset(
    ("none", "unknown", "unk", "nd", "n.d.", "not done", "not measured", "u", "x", "inf", "-inf")
)
"""Missing only among numbers or dates; among words they are a level of their own."""

_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"
_COMMA_NUMBER = r"^[+-]?\d+(?:,\d+)?$"
_GROUPED_NUMBER = r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$"
_CENSORED = r"^(?:[<>≤≥]=?|<=|>=)\s*[+-]?\d+(?:[.,]\d+)?$"
_MOSTLY = 0.75
"""Share of distinct values that must be numbers for the remaining few to be read as censored or missing."""


@dataclass(frozen=True, slots=True, repr=False)
class ColumnValues:
    """Distinct values of one column with their rows.

    Attributes:
        distinct: Distinct canonical texts, missing left out; order carries no meaning.
        counts: Rows per distinct value.
        positions: Per row the position in ``distinct``; null where missing.
        numbers: ``distinct`` as float64 where the column is numeric, else None; null for a censored value's text.
        integer: Every number is whole.
        decimals: Most digits after the point, of numbers written as text or stored as decimals.
        zero_led: Some whole number has a leading zero, so it is a label.
        width: Digits of every value, where all have the same number; else 0.
        censored: Share of distinct values such as ``<5``.
        dated: The column has a date or timestamp type.
        boolean: The column has a boolean type.
        padded: Some value had blanks around it.
        cased: Two values differ in case or inner blanks only.
        tokens: Raw texts taken as missing, for the pass over the whole table.
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


def listed(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """An Arrow array of strings, int64 or float64.

    ``pa.array`` would import pandas, where installed, to ask whether the values are a pandas object: a second lost.
    """
    if kind != pa.string():
        packed = pack("d" if kind == pa.float64() else "q", values)
        return pa.Array.from_buffers(kind, len(packed), [None, pa.py_buffer(packed)])
    encoded = [value.encode() for value in values]
    offsets = pack("i", accumulate(map(len, encoded), initial=0))
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(offsets), pa.py_buffer(b"".join(encoded)))


def number_scalar(value: float) -> pa.Scalar:
    """An Arrow float64; a Python number in a compute call would import pandas like ``pa.array``."""
    return listed([value], pa.float64())[0]


def integer_scalar(value: int) -> pa.Scalar:
    """An Arrow int64, for the same reason."""
    return listed([value], pa.int64())[0]


def read_values(column: pa.ChunkedArray | pa.Array) -> ColumnValues:
    """Bring one column of the sample into canonical form."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # more than 2 GB of text stays in chunks
        array = pa.concat_arrays(array.chunks)
    kind = array.type
    if pa.types.is_dictionary(kind):
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_boolean(kind):
        return _encode(pc.cast(array, pa.string()), boolean=True)
    if pa.types.is_integer(kind):
        return _from_integers(array)
    if pa.types.is_floating(kind):
        return _from_floats(pc.cast(array, pa.float64()))
    if pa.types.is_decimal(kind):
        return _from_floats(pc.cast(array, pa.float64()), decimals=kind.scale)
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return _encode(_date_text(array), dated=pa.types.is_date(kind) or pa.types.is_timestamp(kind))
    if pa.types.is_duration(kind):
        return _from_integers(pc.cast(array, pa.int64()))
    if pa.types.is_null(kind):
        return _encode(pc.cast(array, pa.string()))
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        try:
            array = pc.cast(array, pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            array = listed(["" if v is None else repr(v) for v in array.to_pylist()], pa.string())
    return _from_text(pc.cast(array, pa.string()))


def _encode(array: pa.Array, **facts: Any) -> ColumnValues:
    """Distinct values, counts and positions of an array whose nulls are its missing cells."""
    return _counted(array.dictionary_encode(), **facts)


def _counted(encoded: pa.DictionaryArray, **facts: Any) -> ColumnValues:
    """From a fresh encoding: its indices, and so the tally's entries, stand in the order of first appearance."""
    counts = pc.cast(pc.value_counts(encoded.indices.drop_null()).field(1), pa.int64())
    return ColumnValues(distinct=encoded.dictionary, counts=counts, positions=encoded.indices, **facts)


def _date_text(array: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(array.type):
        array = pc.cast(array, pa.timestamp("s"), safe=False)
    return pc.cast(array, pa.string())


def _from_integers(array: pa.Array) -> ColumnValues:
    values = _encode(pc.cast(array, pa.string()))
    numbers = pc.cast(values.distinct, pa.float64())
    return _with(values, numbers=numbers, integer=True, width=_common_width(values.distinct))


def _from_floats(array: pa.Array, decimals: int | None = None) -> ColumnValues:
    array = pc.if_else(pc.is_finite(array), array, pa.NA)
    seen = array.drop_null()
    whole = len(seen) > 0 and bool(pc.all(pc.equal(seen, pc.floor(seen))).as_py())
    if whole and pc.max(pc.abs(seen)).as_py() < 1e15:
        return _from_integers(pc.cast(array, pa.int64()))
    values = _encode(array)
    texts = pc.cast(values.distinct, pa.string())
    places = _places(texts) if decimals is None else decimals
    return ColumnValues(
        distinct=texts, counts=values.counts, positions=values.positions, numbers=values.distinct, decimals=places
    )


def _with(values: ColumnValues, **facts: Any) -> ColumnValues:
    current = {name: getattr(values, name) for name in values.__slots__}
    return ColumnValues(**{**current, **facts})


def _common_width(texts: pa.Array) -> int:
    if not len(texts):
        return 0
    lengths = pc.min_max(pc.utf8_length(texts)).as_py()
    return int(lengths["max"]) if lengths["min"] == lengths["max"] else 0


def _places(texts: pa.Array) -> int:
    parts = pc.extract_regex(texts.slice(0, 500), r"\.(?P<places>\d+)")
    lengths = pc.utf8_length(pc.struct_field(parts, "places"))
    return int(pc.max(lengths).as_py() or 0)


def _from_text(array: pa.Array) -> ColumnValues:
    raw = array.dictionary_encode()
    distinct = raw.dictionary
    trimmed = pc.utf8_trim_whitespace(distinct)
    lowered = pc.utf8_lower(trimmed)
    missing = pc.is_in(lowered, listed(sorted(MISSING_TOKENS), pa.string()))
    ambiguous = pc.is_in(lowered, listed(sorted(AMBIGUOUS_TOKENS), pa.string()))
    blank_only = pc.if_else(missing, pa.NA, trimmed)
    solid = pc.if_else(ambiguous, pa.NA, blank_only)
    if _is_numeric_or_date(solid):
        blank_only = solid
    tokens = frozenset(t for t in pc.filter(distinct, pc.is_null(blank_only)).to_pylist() if t is not None)
    padded = bool(pc.any(pc.and_(pc.not_equal(distinct, trimmed), pc.is_valid(blank_only))).as_py())
    canonical, numbers, facts = _numbers(blank_only)
    facts |= {"padded": padded, "tokens": tokens}
    if not canonical.null_count and len(pc.unique(canonical)) == len(distinct):
        # No two spellings of one value: the positions hold as they are.
        values = _with(_counted(raw, **facts), distinct=canonical)
    else:
        values = _encode(pc.take(canonical, raw.indices), **facts)
    if numbers is not None:
        width = _common_width(values.distinct) if values.integer and not values.censored else 0
        return _with(values, numbers=_aligned(values.distinct), width=width)
    cased = len(values.distinct) <= 1000 and len(set(_folded(values.distinct))) < len(values.distinct)
    return _with(values, cased=cased)


def _folded(values: pa.Array) -> list[str]:
    return [" ".join(v.split()).casefold() for v in values.to_pylist()]


def _aligned(values: pa.Array) -> pa.Array:
    """Numbers of canonical texts; a censored value counts as its limit."""
    limit = pc.replace_substring_regex(values, r"^[<>≤≥=\s]+", "")
    return pc.cast(limit, pa.float64())


def _is_numeric_or_date(solid: pa.Array) -> bool:
    seen = solid.drop_null()
    if not len(seen):
        return False
    share = (pc.sum(pc.match_substring_regex(seen, _NUMBER)).as_py() or 0) / len(seen)
    if share >= _MOSTLY:
        return True
    some = seen.slice(0, 40).to_pylist()
    return sum(read_date(value) is not None for value in some) >= _MOSTLY * len(some)


def _numbers(texts: pa.Array) -> tuple[pa.Array, pa.Array | None, dict[str, Any]]:
    """Canonical texts of a column's distinct values, with its numeric facts where nearly all are numbers."""
    seen = texts.drop_null()
    if not len(seen):
        return texts, None, {}
    plain = pc.match_substring_regex(texts, _NUMBER)
    share = (pc.sum(plain).as_py() or 0) / len(seen)
    if share < 1.0:
        for form, old, new in ((_GROUPED_NUMBER, ",", ""), (_COMMA_NUMBER, ",", ".")):
            other = pc.match_substring_regex(texts, form)
            if (pc.sum(pc.or_(plain, other)).as_py() or 0) == len(seen) and bool(pc.any(other).as_py()):
                texts = pc.if_else(other, pc.replace_substring(texts, old, new), texts)
                plain, share = pc.or_(plain, other), 1.0
                break
    censored = pc.match_substring_regex(texts, _CENSORED)
    limits = pc.sum(censored).as_py() or 0
    numeric = (pc.sum(plain).as_py() or 0) + limits
    if numeric < len(seen) or (limits and limits / len(seen) > 1 - _MOSTLY + 0.05):
        return texts, None, {}
    texts = pc.if_else(censored, pc.replace_substring(pc.replace_substring_regex(texts, r"\s", ""), ",", "."), texts)
    numbers_only = pc.filter(texts, plain)
    facts: dict[str, Any] = {"censored": limits / len(seen), "decimals": _places(numbers_only)}
    facts["zero_led"] = bool(pc.any(pc.match_substring_regex(numbers_only, r"^0\d")).as_py())
    values = pc.cast(numbers_only, pa.float64())
    whole = pc.all(pc.equal(values, pc.floor(values))).as_py()
    facts["integer"] = bool(whole) if whole is not None else False
    if facts["zero_led"] and facts["integer"]:
        return texts, texts, facts
    return _normalised(texts, plain, integer=facts["integer"]), texts, facts


def _normalised(texts: pa.Array, plain: pa.Array, *, integer: bool) -> pa.Array:
    """``59.0`` → ``59``, ``0.50`` → ``0.5``, so that spelling makes no second value."""
    values = pc.cast(pc.if_else(plain, texts, pa.NA), pa.float64())
    small = pc.max(pc.abs(values)).as_py() or 0.0
    if integer and small >= 1e15:
        return texts
    same = pc.cast(pc.cast(values, pa.int64()), pa.string()) if integer else pc.cast(values, pa.string())
    return cast(pa.Array, pc.if_else(plain, same, texts))
