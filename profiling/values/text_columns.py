"""A column of text: which cells are missing, and whether the others are numbers, dates, durations, flags or labels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from ...schemas.table.reading import ReadingChange
from .arrow_arrays import FALSE, listed, text_scalar
from .column_values import ColumnValues, common_width, count_values, decimal_places, encode, tally_rows
from .dates import DateReading, read_dates
from .missing_tokens import IN_DOUBT, MISSING_TOKENS, is_missing
from .number_marks import DecimalMark, plain_numbers, with_points
from .written_forms import PLAIN, WrittenForm, duration_unit, find_composite, find_unit, is_note, read_duration

__all__ = ["read_text"]

_CENSORED = r"^(?:[<>≤≥]=?|<=|>=)\s*[+-]?\d+(?:\.\d+)?$|^\d{2,}(?:\.\d+)?\+$"
_MOSTLY = 0.75
"""Share of distinct values that must be numbers for the remaining few to be read as censored or missing."""
_FEWEST_NUMBERS = 10
"""Distinct numbers without which a word beside them is no note."""
_MOST_NOTES, _MOST_NOTES_WHOLE = 0.2, 0.05
"""Share of rows that may hold notes, among decimals and among whole numbers: those may be labels."""
_SCREEN = 20


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


def read_text(array: pa.Array, mark: DecimalMark, day_first: bool | None) -> ColumnValues:
    """Bring a column of text into canonical form.

    Args:
        array: Its cells.
        mark: What marks decimals.
        day_first: What other columns tell of the order of day and month.
    """
    raw = array.dictionary_encode()
    distinct = raw.dictionary
    trimmed = pc.utf8_trim_whitespace(distinct)
    draft = _Draft(trimmed, tally_rows(raw))
    dates = _drop_tokens(draft, mark, day_first)
    tokens = frozenset(t for t in pc.filter(distinct, pc.is_null(draft.texts)).to_pylist() if t is not None)
    padded = bool(pc.any(pc.and_(pc.not_equal(distinct, trimmed), pc.is_valid(draft.texts))).as_py())
    numbers = _read_column(draft, mark, dates)
    facts = {**draft.facts, "padded": padded, "tokens": tokens, "changes": tuple(draft.changes)}
    if not draft.texts.null_count and len(pc.unique(draft.texts)) == len(distinct):
        # No two spellings of one value: the positions hold as they are.
        values = replace(count_values(raw, **facts), distinct=draft.texts)
    else:
        values = encode(pc.take(draft.texts, raw.indices), **facts)
    if isinstance(numbers, dict):
        return replace(values, numbers=listed([numbers[text] for text in values.distinct.to_pylist()], pa.float64()))
    if numbers:
        width = common_width(values.distinct) if values.integer and not values.censored else 0
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
    facts |= {"censored": limits / present, "decimals": decimal_places(numbers), "integer": bool(whole)}
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
    unit, length = duration_unit(middle)
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
