"""One column of the sample in canonical form, whatever engine it came from.

Text is stripped, missing tokens become missing, numbers written as text become numbers, dates become ISO texts, and
``59``, ``59.0`` and the integer 59 are one value: the same table gives the same values from a CSV file, a data frame
and a database.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.table.reading import ReadingChange
from .arrow_arrays import FALSE, integer_scalar, listed, text_scalar
from .dates import DateReading, read_dates
from .missing_tokens import IN_DOUBT, MISSING_TOKENS, is_missing
from .number_marks import DecimalMark, plain_numbers, with_points
from .written_forms import PLAIN, WrittenForm, find_composite, find_unit, is_note, read_duration

__all__ = ["ColumnValues", "read_values"]

_CENSORED = r"^(?:[<>≤≥]=?|<=|>=)\s*[+-]?\d+(?:\.\d+)?$|^\d{2,}(?:\.\d+)?\+$"
_MOSTLY = 0.75
"""Share of distinct values that must be numbers for the remaining few to be read as censored or missing."""
_FEWEST_NUMBERS = 10
"""Distinct numbers without which a word beside them is no note."""
_MOST_NOTES, _MOST_NOTES_WHOLE = 0.2, 0.05
"""Share of rows that may hold notes, among decimals and among whole numbers: those may be labels."""
_SCREEN = 20


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
        return _encode(pc.cast(array, pa.string()), boolean=True)
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
        return _from_text(_time_text(array), mark, day_first)
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        try:
            array = pc.cast(array, pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            array = listed(["" if v is None else repr(v) for v in array.to_pylist()], pa.string())
    return _from_text(pc.cast(array, pa.string()), mark, day_first)


def _encode(array: pa.Array, **facts: Any) -> ColumnValues:
    """Distinct values, counts and positions of an array whose nulls are its missing cells."""
    return _counted(array.dictionary_encode(), **facts)


def _counted(encoded: pa.DictionaryArray, **facts: Any) -> ColumnValues:
    """From a fresh encoding: its indices, and so the tally's entries, stand in the order of first appearance."""
    return ColumnValues(distinct=encoded.dictionary, counts=_tally(encoded), positions=encoded.indices, **facts)


def _tally(encoded: pa.DictionaryArray) -> pa.Array:
    return pc.cast(pc.value_counts(encoded.indices.drop_null()).field(1), pa.int64())


def _microseconds(array: pa.Array) -> list[int | None]:
    return cast(list[int | None], pc.cast(pc.cast(array, pa.duration("us"), safe=False), pa.int64()).to_pylist())


def _time_text(array: pa.Array) -> pa.Array:
    if pa.types.is_timestamp(array.type):
        array = pc.cast(array, pa.timestamp("s", array.type.tz), safe=False)
    elif pa.types.is_time(array.type):
        array = pc.cast(array, pa.time32("s"), safe=False)
    return pc.cast(array, pa.string())


def _from_integers(array: pa.Array) -> ColumnValues:
    values = _encode(pc.cast(array, pa.string()))
    numbers = pc.cast(values.distinct, pa.float64())
    return replace(values, numbers=numbers, integer=True, width=_common_width(values.distinct))


def _from_floats(array: pa.Array, decimals: int | None = None) -> ColumnValues:
    infinite = int(pc.sum(pc.is_inf(array)).as_py() or 0)
    changes = (ReadingChange(kind="infinity_as_missing", cells=infinite),) if infinite else ()
    array = pc.if_else(pc.is_finite(array), array, pa.NA)
    seen = array.drop_null()
    whole = len(seen) > 0 and bool(pc.all(pc.equal(seen, pc.floor(seen))).as_py())
    if whole and pc.max(pc.abs(seen)).as_py() < 1e15:
        return replace(_from_integers(pc.cast(array, pa.int64())), changes=changes)
    values = _encode(array)
    texts = pc.cast(values.distinct, pa.string())
    places = _places(texts) if decimals is None else decimals
    return replace(values, distinct=texts, numbers=values.distinct, decimals=places, changes=changes)


_DURATION_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))


def _from_seconds(seconds: list[float | None]) -> ColumnValues:
    """Durations in the largest unit that at least half of them reach."""
    known = sorted(abs(value) for value in seconds if value)
    middle = known[len(known) // 2] if known else 1.0
    unit, length = next(((n, u) for n, u in _DURATION_UNITS if middle >= u), _DURATION_UNITS[-1])
    present = listed([0.0 if value is None else value / length for value in seconds], pa.float64())
    gone = pc.equal(listed([int(value is None) for value in seconds], pa.int64()), integer_scalar(1))
    values = _from_floats(pc.if_else(gone, pa.NA, present))
    change = ReadingChange(kind="duration", detail=unit)
    return replace(values, form=WrittenForm("duration"), seconds=length, changes=(*values.changes, change))


def _common_width(texts: pa.Array) -> int:
    if not len(texts):
        return 0
    lengths = pc.min_max(pc.utf8_length(texts)).as_py()
    return int(lengths["max"]) if lengths["min"] == lengths["max"] else 0


def _places(texts: pa.Array) -> int:
    parts = pc.extract_regex(texts.slice(0, 500), r"\.(?P<places>\d+)")
    lengths = pc.utf8_length(pc.struct_field(parts, "places"))
    return int(pc.max(lengths).as_py() or 0)


@dataclass(slots=True)
class _Draft:
    """Distinct texts on their way to canonical ones: null is missing; ``counts`` are rows of each."""

    texts: pa.Array
    counts: pa.Array
    changes: list[ReadingChange] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)

    def drop(self, mask: pa.Array, kind: Any) -> None:
        """Take the masked texts as missing, and say so."""
        mask = pc.fill_null(mask, FALSE)
        cells = int(pc.sum(pc.filter(self.counts, mask)).as_py() or 0)
        if cells:
            self.changes.append(ReadingChange(kind=kind, cells=cells))
            self.texts = pc.if_else(mask, pa.NA, self.texts)


def _from_text(array: pa.Array, mark: DecimalMark, day_first: bool | None) -> ColumnValues:
    raw = array.dictionary_encode()
    distinct = raw.dictionary
    trimmed = pc.utf8_trim_whitespace(distinct)
    draft = _Draft(trimmed, _tally(raw))
    dates = _drop_tokens(draft, mark, day_first)
    tokens = frozenset(t for t in pc.filter(distinct, pc.is_null(draft.texts)).to_pylist() if t is not None)
    padded = bool(pc.any(pc.and_(pc.not_equal(distinct, trimmed), pc.is_valid(draft.texts))).as_py())
    numbers = _read_column(draft, mark, dates)
    facts = {**draft.facts, "padded": padded, "tokens": tokens, "changes": tuple(draft.changes)}
    if not draft.texts.null_count and len(pc.unique(draft.texts)) == len(distinct):
        # No two spellings of one value: the positions hold as they are.
        values = replace(_counted(raw, **facts), distinct=draft.texts)
    else:
        values = _encode(pc.take(draft.texts, raw.indices), **facts)
    if isinstance(numbers, dict):
        return replace(values, numbers=listed([numbers[text] for text in values.distinct.to_pylist()], pa.float64()))
    if numbers:
        width = _common_width(values.distinct) if values.integer and not values.censored else 0
        return replace(values, numbers=_aligned(values.distinct), width=width)
    cased = len(values.distinct) <= 1000 and len(set(_folded(values.distinct))) < len(values.distinct)
    return replace(values, cased=cased)


def _drop_tokens(draft: _Draft, mark: DecimalMark, day_first: bool | None) -> DateReading | None:
    """Take missing tokens out; on the way the column is tried as dates."""
    blank = pc.equal(draft.texts, text_scalar(""))
    draft.texts = pc.if_else(blank, pa.NA, draft.texts)
    listed_tokens = pc.is_in(pc.utf8_lower(draft.texts), listed(sorted(MISSING_TOKENS | IN_DOUBT), pa.string()))
    others = pc.filter(draft.texts, pc.invert(listed_tokens)).drop_null()
    if not pc.any(listed_tokens).as_py():
        return read_dates(draft.texts, day_first)
    dates = read_dates(pc.if_else(listed_tokens, pa.NA, draft.texts), day_first)
    measured = dates is not None or _mostly_numbers(others, mark)
    sample = others.slice(0, 500).to_pylist()
    gone = [t for t in pc.filter(draft.texts, listed_tokens).to_pylist() if is_missing(t, sample, measured=measured)]
    if gone:
        mask = pc.is_in(draft.texts, listed(gone, pa.string()))
        tally: dict[str, int] = {}
        for text, count in zip(
            pc.filter(draft.texts, mask).to_pylist(), pc.filter(draft.counts, mask).to_pylist(), strict=True
        ):
            tally[text] = tally.get(text, 0) + count
        draft.changes += [ReadingChange(kind="missing_token", cells=n, detail=t) for t, n in sorted(tally.items())]
        draft.texts = pc.if_else(mask, pa.NA, draft.texts)
    kept = pc.sum(pc.and_(listed_tokens, pc.is_valid(draft.texts))).as_py()
    return dates if not kept else None


def _mostly_numbers(texts: pa.Array, mark: DecimalMark) -> bool:
    if not len(texts):
        return False
    numeric = pc.or_(plain_numbers(with_points(texts, mark)), pc.match_substring_regex(texts, _CENSORED))
    return int(pc.sum(numeric).as_py() or 0) >= _MOSTLY * len(texts)


def _read_column(draft: _Draft, mark: DecimalMark, dates: DateReading | None) -> bool | dict[str, float]:
    """Canonical texts; whether they are numbers, or the number that each text stands for."""
    present = draft.texts.drop_null()
    if not len(present):
        return False
    if dates is not None:
        _take_dates(draft, dates)
        return False
    if _read_numbers(draft, mark):
        return True
    lowered = pc.utf8_lower(present)
    if bool(pc.all(pc.is_in(lowered, listed(["true", "false"], pa.string()))).as_py()):
        draft.texts = pc.utf8_lower(draft.texts)
        draft.facts["boolean"] = True
        return False
    return _read_durations(draft, present) or _read_composites(draft, present) or False


def _take_dates(draft: _Draft, dates: DateReading) -> None:
    draft.drop(dates.codes, "date_code_as_missing")
    draft.drop(dates.notes, "note_as_missing")
    draft.texts = dates.iso
    if dates.assumed:
        draft.changes.append(ReadingChange(kind="date_order_assumed", detail="day" if dates.day_first else "month"))
    if dates.two_digits:
        draft.changes.append(ReadingChange(kind="century_chosen"))
    draft.facts |= {"dated": True, "day_first": dates.day_first, "order_assumed": dates.assumed}
    draft.facts["form"] = WrittenForm("date", date=dates.form)


def _read_numbers(draft: _Draft, mark: DecimalMark) -> bool:
    """Numbers, some of them censored, all with the same unit, or with notes among them."""
    texts = with_points(draft.texts, mark)
    present = len(texts) - texts.null_count
    plain = pc.fill_null(plain_numbers(texts), FALSE)
    censored = pc.and_(pc.fill_null(pc.match_substring_regex(texts, _CENSORED), FALSE), pc.invert(plain))
    numeric = pc.or_(plain, censored)
    count = int(pc.sum(numeric).as_py() or 0)
    if count < present:
        united = _take_unit(draft, texts)
        if united is not None:
            texts, plain = united, pc.is_valid(united)
            censored = pc.and_(plain, pc.invert(plain))
        elif not _take_notes(draft, texts, plain, numeric, count):
            return False
        else:
            texts = pc.if_else(numeric, texts, pa.NA)
        present = len(texts) - texts.null_count
    limits = int(pc.sum(censored).as_py() or 0)
    if limits and limits / present > 1 - _MOSTLY + 0.05:
        return False
    if limits:
        texts = pc.if_else(censored, pc.replace_substring_regex(texts, r"\s", ""), texts)
    numbers = pc.filter(texts, plain)
    values = pc.cast(numbers, pa.float64())
    whole = pc.all(pc.equal(values, pc.floor(values))).as_py()
    facts = draft.facts
    facts |= {"censored": limits / present, "decimals": _places(numbers), "integer": bool(whole)}
    united_form = facts.get("form", PLAIN).kind == "unit"
    facts["zero_led"] = not united_form and bool(pc.any(pc.match_substring_regex(numbers, r"^0\d")).as_py())
    if not (facts["zero_led"] and facts["integer"]):
        texts = _normalised(texts, plain, integer=facts["integer"])
    draft.texts = texts
    return True


def _take_unit(draft: _Draft, texts: pa.Array) -> pa.Array | None:
    """Numbers without the unit that all cells carry; None where they carry none."""
    present = texts.drop_null()
    if find_unit(present.slice(0, _SCREEN).to_pylist()) is None:
        return None
    united = find_unit(present.to_pylist())
    if united is None:
        return None
    form, numbers = united
    draft.facts["form"] = WrittenForm("unit", unit=form)
    draft.changes.append(ReadingChange(kind="unit", detail=(form.before + form.after).strip()))
    return _mapped(texts, numbers)


def _mapped(texts: pa.Array, new: dict[str, str]) -> pa.Array:
    gone = pc.is_null(texts)
    return pc.if_else(gone, pa.NA, listed([new.get(text, "") for text in texts.to_pylist()], pa.string()))


def _take_notes(draft: _Draft, texts: pa.Array, plain: pa.Array, numeric: pa.Array, count: int) -> bool:
    """Whether the texts that are no numbers are notes among measurements; they are then missing, and said."""
    rest = pc.and_(pc.is_valid(texts), pc.invert(numeric))
    notes = pc.filter(texts, rest)
    if count < _FEWEST_NUMBERS or len(notes) > max(5, 0.1 * count):
        return False
    numbers = pc.filter(texts, plain)
    whole = not pc.any(pc.match_substring(numbers, ".")).as_py()
    rows = int(pc.sum(pc.filter(draft.counts, pc.is_valid(texts))).as_py() or 0)
    noted = int(pc.sum(pc.filter(draft.counts, rest)).as_py() or 0)
    if noted > (_MOST_NOTES_WHOLE if whole else _MOST_NOTES) * rows or not all(map(is_note, notes.to_pylist())):
        return False
    draft.drop(rest, "note_as_missing")
    return True


def _read_durations(draft: _Draft, present: pa.Array) -> dict[str, float]:
    """Durations as numbers of seconds; nothing where they are none. Bare clock times are none either."""
    screen = present.slice(0, _SCREEN).to_pylist()
    if any(read_duration(text) is None for text in screen):
        return {}
    seconds = {text: read_duration(text) for text in present.to_pylist()}
    known = {text: value for text, value in seconds.items() if value is not None}
    spelled = any(not text[:1].isdigit() or " " in text for text in known)
    if len(known) < len(seconds) or not (spelled or max(map(abs, known.values())) >= 86_400):
        return {}
    middle = sorted(map(abs, known.values()))[len(known) // 2]
    unit, length = next(((n, u) for n, u in _DURATION_UNITS if middle >= u), _DURATION_UNITS[-1])
    draft.facts |= {"form": WrittenForm("duration"), "seconds": length}
    draft.changes.append(ReadingChange(kind="duration", detail=unit))
    numbers = {text: value / length for text, value in known.items()}
    texts = {text: _number_text(value) for text, value in numbers.items()}
    draft.texts = _mapped(draft.texts, texts)
    draft.facts["integer"] = all(value == int(value) for value in numbers.values())
    draft.facts["decimals"] = max(len(text.partition(".")[2]) for text in texts.values())
    return {texts[text]: value for text, value in numbers.items()}


def _number_text(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _read_composites(draft: _Draft, present: pa.Array) -> dict[str, float]:
    """Several numbers a cell; the part that varies most stands for the cell in figures."""
    if find_composite(present.slice(0, _SCREEN).to_pylist()) is None:
        return {}
    composite = find_composite(present.to_pylist())
    if composite is None:
        return {}
    form, parts = composite
    widest = max(range(len(form.decimals)), key=lambda place: len({numbers[place] for numbers in parts.values()}))
    draft.facts |= {"form": WrittenForm("composite", composite=form), "decimals": form.decimals[widest]}
    draft.facts["integer"] = form.decimals[widest] == 0
    draft.changes.append(ReadingChange(kind="composite"))
    return {text: numbers[widest] for text, numbers in parts.items()}


def _folded(values: pa.Array) -> list[str]:
    return [" ".join(v.split()).casefold() for v in values.to_pylist()]


def _aligned(values: pa.Array) -> pa.Array:
    """Numbers of canonical texts; a censored value counts as its limit."""
    limit = pc.replace_substring_regex(values, r"^[<>≤≥=\s]+|\+$", "")
    return pc.cast(limit, pa.float64())


def _normalised(texts: pa.Array, plain: pa.Array, *, integer: bool) -> pa.Array:
    """``59.0`` → ``59``, ``0.50`` → ``0.5``, so that spelling makes no second value."""
    values = pc.cast(pc.if_else(plain, texts, pa.NA), pa.float64())
    small = pc.max(pc.abs(values)).as_py() or 0.0
    if integer and small >= 1e15:
        return texts
    same = pc.cast(pc.cast(values, pa.int64()), pa.string()) if integer else pc.cast(values, pa.string())
    return cast(pa.Array, pc.if_else(plain, same, texts))
