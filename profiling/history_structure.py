"""Several rows a patient: which columns stay the same, which tell the time, where follow-up ends, what comes once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from ..schemas.column_treatment import HistoryPart
from .column_draft import ColumnDraft
from .values.arrow_arrays import integer_scalar, number_scalar

__all__ = ["HistoryColumns", "find_history", "part_of"]

MOST_PATIENTS = 0.9
"""Patients over rows above which a table holds one row a patient, with a few repeated by error or readmission."""

_RUNS = 0.9
"""Share of the patients whose rows must be numbered without a gap."""
_SLIPS = 0.01
"""Share of the patients whose static may differ in some row by error."""
_COMMON = 0.9
"""Chance that two rows of a column agree above which agreement within patients tells nothing unless it is complete."""
_FEWEST_HOLDERS = 10
_MANY_LEVELS = 10
_TIME_WORDS = (
    "start", "startdate", "starttime", "admittime", "admit", "admission", "begin", "onset", "stdtc", "stdt",
    "charttime", "visit", "visitdate", "date", "datetime", "time", "dtc", "day", "days", "week", "weeks", "month",
    "months", "visitnum",
    "visday", "stdy", "dy", "wave", "period",
)  # fmt: skip
"""Likeliest first."""
_DEATH_WORDS = ("death", "deathdate", "deathtime", "dod", "deceased", "died", "exitus")


@dataclass(frozen=True, slots=True)
class HistoryColumns:
    """What each column of a history is, as positions of columns."""

    patient: int
    time: int | None
    statics: frozenset[int]
    end: int | None
    event: int | None
    once: frozenset[int]
    sequences: frozenset[int]
    """The rows of each patient numbered from 1."""
    ordered: bool
    rows_per_patient: float


def find_history(
    columns: Sequence[ColumnDraft],
    patient: int | None,
    survival: tuple[int | None, int | None],
    time: int | None = None,
    statics: Sequence[int] = (),
) -> HistoryColumns | None:
    """How rows of one patient hang together; None where a patient has one row, or none is known.

    Args:
        columns: Drafts with kinds and roles.
        patient: Column that tells patients apart.
        survival: Time to the event and its indicator.
        time: The user's word on which column tells the time.
        statics: The user's word on columns that are the same in all rows of a patient.
    """
    if patient is None:
        return None
    totals = columns[patient].facts.totals
    if totals.distinct > MOST_PATIENTS * totals.present:
        return None
    owners = columns[patient].values.positions
    same = {c.position for c in columns if c.position != patient and _is_static(c, owners)} | set(statics)
    moving = [c for c in columns if c.position not in same and c.position != patient]
    when = time if time is not None else _find_time(moving, owners)
    end, event = (position if position in same else None for position in survival)
    if end is None:
        end = _death_date(columns, same, when)
    if end is not None and not _fits(columns, when, end):
        end = None
    once = frozenset(c.position for c in moving if c.position != when and _comes_once(c, owners))
    sequences = frozenset(c.position for c in moving if c.position != when and _numbers_rows(c, owners))
    return HistoryColumns(
        patient=patient,
        time=when,
        statics=frozenset(same),
        end=end,
        event=event,
        once=once,
        sequences=sequences,
        ordered=when is not None or bool(sequences),
        rows_per_patient=totals.present / max(totals.distinct, 1),
    )


def part_of(column: ColumnDraft, history: HistoryColumns | None) -> HistoryPart | None:
    """What a column is in a history; None where there is none, and for the patient's own key."""
    if history is None or column.position == history.patient:
        return None
    position = column.position
    if position == history.time:
        return "time"
    if position in history.statics:
        return "end" if position == history.end else "event" if position == history.event else "static"
    if column.decision.kind == "identifier" and column.treatment.action == "pseudonymise":
        return "key"
    return "sequence" if position in history.sequences else "visit"


def _is_static(column: ColumnDraft, owners: pa.Array) -> bool:
    """The same cell, or none, in every row of nearly every patient, beyond what chance would give."""
    values = column.values
    if len(values.distinct) < 2:
        return False
    filled = pc.fill_null(pc.cast(values.positions, pa.int64()), integer_scalar(len(values.distinct)))
    known = pc.is_valid(owners)
    owner = pc.filter(pc.cast(owners, pa.int64()), known)
    pairs = pc.add(pc.multiply(owner, integer_scalar(len(values.distinct) + 1)), pc.filter(filled, known))
    tally = pc.value_counts(owner).field(1)
    several = pc.sum(pc.greater(tally, integer_scalar(1))).as_py() or 0
    surplus = pc.count_distinct(pairs).as_py() - len(tally)
    if surplus == 0:
        return several > 0
    shares = [count / values.rows for count in values.counts.to_pylist()]
    shares.append((values.rows - values.present) / values.rows)
    return bool(surplus <= _SLIPS * several and sum(share * share for share in shares) < _COMMON)


def _find_time(moving: Sequence[ColumnDraft], owners: pa.Array) -> int | None:
    """A date that nearly every row has, else a number that says time or never falls within a patient."""
    dates = [
        c
        for c in moving
        if c.treatment.how == "time_since_first" and c.facts.totals.present >= 0.6 * c.facts.totals.rows
    ]
    if dates:
        fullest = max(c.facts.totals.present for c in dates)
        full = [c for c in dates if c.facts.totals.present >= 0.9 * fullest]
        return min(full, key=lambda c: (_time_rank(c), c.position)).position
    numbers = [c for c in moving if c.values.numbers is not None and c.values.present >= 0.95 * c.values.rows]
    numbers = [c for c in numbers if c.decision.kind not in ("identifier", "boolean", "free_text")]
    named = [c for c in numbers if _time_rank(c) < len(_TIME_WORDS) and _rising(c, owners, 0.9)]
    if named:
        return min(named, key=lambda c: (_time_rank(c), c.position)).position
    rising = [c for c in numbers if len(c.values.distinct) > _MANY_LEVELS and _rising(c, owners, 1.0)]
    return rising[0].position if rising else None


def _time_rank(column: ColumnDraft) -> int:
    words = (*column.header.tokens, column.header.joined)
    ranks = [
        rank for rank, word in enumerate(_TIME_WORDS) if word in words or column.header.joined.endswith(f"ae{word}")
    ]
    return min(ranks, default=len(_TIME_WORDS))


def _rising(column: ColumnDraft, owners: pa.Array, share: float) -> bool:
    """In the table's order a patient's next number is seldom lower, and mostly another."""
    numbers = column.values.row_numbers
    order = pc.array_sort_indices(owners)
    who, sorted_numbers = pc.take(owners, order), pc.take(numbers, order)
    if len(order) < 2:
        return False
    same = pc.equal(who[1:], who[:-1])
    steps = pc.drop_null(pc.filter(pc.subtract(sorted_numbers[1:], sorted_numbers[:-1]), same))
    if len(steps) < 10:
        return False
    zero = number_scalar(0.0)
    not_falling = pc.sum(pc.greater_equal(steps, zero)).as_py() or 0
    rising = pc.sum(pc.greater(steps, zero)).as_py() or 0
    return bool(not_falling >= share * len(steps) and rising >= 0.5 * len(steps))


def _numbers_rows(column: ColumnDraft, owners: pa.Array) -> bool:
    """1, 2, 3 and so on within nearly every patient, in any order."""
    values = column.values
    if not values.integer or values.present < values.rows:
        return False
    # Arrow's group-by would import pandas, where installed.
    numbers: dict[int | None, list[float]] = {}
    for who, number in zip(owners.to_pylist(), pc.take(values.numbers, values.positions).to_pylist(), strict=True):
        numbers.setdefault(who, []).append(number)
    if any(len(set(rows)) < len(rows) for rows in numbers.values()):
        return False
    whole = sum(min(rows) == 1 and max(rows) == len(rows) for rows in numbers.values())
    return whole >= _RUNS * len(numbers)


def _death_date(columns: Sequence[ColumnDraft], same: set[int], time: int | None) -> int | None:
    """A static date of death, where rows have dates too."""
    if time is None or columns[time].treatment.how != "time_since_first":
        return None
    for column in columns:
        words = (*column.header.tokens, column.header.joined)
        if (
            column.position in same
            and column.treatment.how == "time_since_first"
            and any(w in words for w in _DEATH_WORDS)
        ):
            return column.position
    return None


def _fits(columns: Sequence[ColumnDraft], time: int | None, end: int) -> bool:
    """Rows lie before the end, where both are numbers; dates are held against each other when a fit sees them."""
    if time is None:
        return False
    times, ends = columns[time].values.row_numbers, columns[end].values.row_numbers
    dated = columns[time].treatment.how == "time_since_first"
    if times is None or ends is None:
        return dated and columns[end].treatment.how == "time_since_first"
    before = pc.drop_null(pc.less_equal(times, ends))
    return len(before) > 0 and (pc.sum(before).as_py() or 0) >= 0.98 * len(before)


def _comes_once(column: ColumnDraft, owners: pa.Array) -> bool:
    """Some code is held by ten patients and repeated by none."""
    values = column.values
    if len(values.distinct) < _MANY_LEVELS or (values.numbers is not None and column.decision.kind != "code"):
        return False
    size = len(values.distinct)
    pairs = pc.drop_null(
        pc.add(pc.multiply(pc.cast(owners, pa.int64()), integer_scalar(size)), pc.cast(values.positions, pa.int64()))
    )
    holders: dict[int, int] = {}
    for pair in pc.unique(pairs).to_pylist():
        holders[pair % size] = holders.get(pair % size, 0) + 1
    counts = values.counts.to_pylist()
    return any(n >= _FEWEST_HOLDERS and n == counts[position] for position, n in holders.items())
