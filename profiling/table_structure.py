"""What only several columns together tell: patient identifier, grain, survival pair, target candidates, leakage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from ..schemas.column_treatment import OutcomePart
from ..schemas.profile import Grain
from .column_draft import ColumnDraft
from .kinds.column_facts import ColumnFacts
from .kinds.decision import Decision
from .values.arrow_arrays import integer_scalar, number_scalar

__all__ = ["Structure", "find_patient", "find_structure", "person_index", "set_lone_date", "set_roles"]

_PATIENT_WORDS = (
    "patient", "pat", "pt", "subject", "subj", "usubjid", "person", "participant", "proband", "member", "beneficiary",
    "bene", "desynpuf", "mrn", "pid", "pidnum", "patid", "ptid", "seqn", "paciente", "patienten", "sejour",
)  # fmt: skip
_VISIT_WORDS = ("encounter", "visit", "admission", "hadm", "stay", "icustay", "episode", "fall", "csn", "visitnum")
_EVENT_WORDS = ("event", "row", "record", "prescription", "order", "specimen", "claim", "result", "test")
_OUTCOME_FIRST = (
    "target", "class", "outcome", "label", "y", "readmitted", "readmission", "mortality", "died", "death", "dead",
    "survived", "response", "endpoint", "ziel", "zielgroesse", "diagnosis", "status", "event", "relapse",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Structure:
    """What a table's columns are to one another, as positions of columns."""

    patient: int | None
    grain: Grain
    event_time: int | None
    event_indicator: int | None
    candidates: tuple[int, ...]

    def outcome_part(self, position: int) -> OutcomePart | None:
        """What the column is of the time-to-event outcome."""
        return "time" if position == self.event_time else "event" if position == self.event_indicator else None


def find_patient(columns: Sequence[ColumnDraft]) -> int | None:
    """The column that tells patients apart, or None where no identifier could be one.

    A name that says patient wins; else a lone ``id``; else the identifier that repeats most, being the outermost key.
    """
    keys = [
        column
        for column in columns
        if column.decision.kind == "identifier" and column.facts.totals.present >= 0.9 * column.facts.totals.rows
    ]
    if not keys:
        return None
    for word in _PATIENT_WORDS:
        for column in keys:
            if word in column.header.tokens or column.header.joined in (word, f"{word}id"):
                return column.position
    repeating = [column for column in keys if 0.0 < column.facts.unique_share < 0.95]
    if repeating:
        return min(repeating, key=lambda column: (column.facts.totals.distinct, column.position)).position
    plain = [column for column in keys if column.header.joined in ("id", "nr", "no", "key")]
    if plain:
        return plain[0].position
    return keys[0].position if len(keys) == 1 else None


def person_index(facts: ColumnFacts) -> pa.Array | None:
    """Person per row of the sample, or None where every row is another person."""
    if facts.unique_share >= 0.999:
        return None
    return facts.values.positions


def find_structure(columns: Sequence[ColumnDraft], patient: int | None, target: int | None) -> Structure:
    """Grain, survival pair and target candidates."""
    time, indicator = _survival_pair(columns, target)
    return Structure(
        patient=patient,
        grain=_grain(columns, patient),
        event_time=time,
        event_indicator=indicator,
        candidates=() if target is not None else _candidates(columns, indicator),
    )


def set_roles(columns: Sequence[ColumnDraft], structure: Structure, target: int | None) -> None:
    """Give each column its role; the survival pair has kinds of its own, and leakage is told."""
    time, indicator = structure.event_time, structure.event_indicator
    if target is not None:
        for column in columns:
            column.leaks = column.position != target and _leaks(column, columns[target])
    if time is not None and indicator is not None:
        columns[time].role, columns[indicator].role = "event_time", "event_indicator"
        columns[time].decision = Decision("event_time", reason="It is the time to an event beside its indicator.")
        columns[indicator].decision = Decision("event_indicator", reason="It says whether the event came.")
    if structure.patient is not None:
        columns[structure.patient].role = "patient_id"
    if target is not None:
        columns[target].role = "target"


def set_lone_date(columns: Sequence[ColumnDraft], structure: Structure) -> None:
    """Where a person has one date and no more, days since the person's first date would all be nought."""
    dates = [
        c for c in columns if c.decision.kind in ("date", "datetime") and c.decision.direct and not c.decision.detail
    ]
    if len(dates) == 1 and structure.grain in ("patient", "unknown") and dates[0].role is None:
        dates[0].decision = replace(dates[0].decision, detail="lone_date")


def _grain(columns: Sequence[ColumnDraft], patient: int | None) -> Grain:
    if patient is None:
        return "unknown"
    if columns[patient].facts.unique_share >= 0.98:
        return "patient"
    keys = [c for c in columns if c.decision.kind == "identifier" and c.position != patient]
    for column in keys:
        complete = column.facts.totals.present == column.facts.totals.rows
        if column.facts.unique_share >= 0.98 and complete and _says(column, _VISIT_WORDS):
            return "visit"
    if any(_says(column, (*_VISIT_WORDS, *_EVENT_WORDS)) for column in keys):
        return "event"
    measures = sum(c.decision.kind in ("continuous", "count", "event_time") for c in columns)
    return "visit" if measures >= 2 else "event"


def _says(column: ColumnDraft, words: Sequence[str]) -> bool:
    return any(word in column.header.tokens for word in words)


def _survival_pair(columns: Sequence[ColumnDraft], target: int | None) -> tuple[int | None, int | None]:
    """Time and indicator belong together: one without the other is no survival outcome. Kinds by the user's word count
    whatever the name, and before all others."""
    times = [
        column.position
        for column in columns
        if column.decision.kind in ("event_time", "continuous", "count")
        and (column.header.says("follow_whole") or column.given_kind == "event_time")
        and column.facts.distinct > 20
    ]
    flags = [
        column.position
        for column in columns
        if column.decision.kind in ("event_indicator", "boolean")
        and (column.header.says("event_whole", "death") or column.given_kind == "event_indicator")
        and column.facts.distinct >= 2
    ]
    if not times or not flags:
        return None, None
    time = min(times, key=lambda position: columns[position].given_kind is None)
    if target in flags:
        return time, target
    ranks = {
        flag: (columns[flag].given_kind is None, columns[flag].decision.kind != "event_indicator", abs(flag - time))
        for flag in flags
    }
    return time, min(flags, key=ranks.__getitem__)


def _candidates(columns: Sequence[ColumnDraft], indicator: int | None) -> tuple[int, ...]:
    scored: list[tuple[int, int]] = []
    for column in columns:
        decision, header = column.decision, column.header
        if decision.direct or decision.withheld or decision.kind in ("constant", "identifier", "code", "event_time"):
            continue
        ranks = [rank for rank, word in enumerate(_OUTCOME_FIRST) if word in (*header.tokens, header.joined)]
        if column.position == indicator:
            scored.append((-1, column.position))
        elif ranks:
            scored.append((min(ranks), column.position))
        elif header.says("outcome"):
            scored.append((len(_OUTCOME_FIRST), column.position))
        elif column.position == len(columns) - 1 and 2 <= column.facts.distinct <= 10:
            scored.append((len(_OUTCOME_FIRST) + 1, column.position))
    return tuple(position for _, position in sorted(scored)[:3])


def _leaks(column: ColumnDraft, target: ColumnDraft) -> bool:
    """Whether a column gives the target away: nearly one value of the target per level, or the same number."""
    decision = column.decision
    if decision.kind in ("constant", "identifier") or decision.direct or decision.withheld:
        return False
    return _gives_away(column.facts, target.facts)


def _gives_away(column: ColumnFacts, goal: ColumnFacts) -> bool:
    if goal.distinct > 20:
        return goal.number is not None and column.number is not None and abs(_correlation(column, goal)) > 0.999
    if not 2 <= column.distinct <= 50:
        return False
    size = len(goal.values.distinct)
    packed = pc.add(
        pc.multiply(pc.cast(column.values.positions, pa.int64()), integer_scalar(size)),
        pc.cast(goal.values.positions, pa.int64()),
    ).drop_null()
    if len(packed) < 30:
        return False
    tally = pc.value_counts(packed)
    best: dict[int, int] = {}
    levels: dict[int, int] = {}
    for pair, rows in zip(tally.field(0).to_pylist(), tally.field(1).to_pylist(), strict=True):
        best[pair // size] = max(best.get(pair // size, 0), rows)
        levels[pair % size] = levels.get(pair % size, 0) + rows
    hit = sum(best.values()) / len(packed)
    majority = max(levels.values()) / len(packed)
    # Of what the majority guess leaves wrong, at most 1 % may stay wrong.
    return majority < 1.0 and (hit - majority) / (1 - majority) >= 0.99


def _correlation(column: ColumnFacts, goal: ColumnFacts) -> float:
    table = pa.table({"x": column.values.row_numbers, "y": goal.values.row_numbers}).drop_null()
    if table.num_rows < 30:
        return 0.0
    x, y = table["x"], table["y"]
    mean_x, mean_y = pc.mean(x).as_py(), pc.mean(y).as_py()
    dx, dy = pc.subtract(x, number_scalar(mean_x)), pc.subtract(y, number_scalar(mean_y))
    norm = (pc.sum(pc.multiply(dx, dx)).as_py() * pc.sum(pc.multiply(dy, dy)).as_py()) ** 0.5
    return float(pc.sum(pc.multiply(dx, dy)).as_py() / norm) if norm else 0.0
